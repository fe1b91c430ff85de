"""Messages to devices. Fills `homeserver.encryption.to_device.store.ToDeviceStore`."""

from collections.abc import Sequence

from homeserver.encryption.to_device.store import ALL_DEVICES, TO_DEVICE, Letter, Limits, Transaction, Waiting
from homeserver.streams import Change
from storage.database import Cursor, Database, Rollback, WriteCursor

_BEGIN = """INSERT INTO to_device_transactions (origin, device_id, txn_id, ts) VALUES (?, ?, ?, ?)
    ON CONFLICT (origin, device_id, txn_id) DO NOTHING"""
_DEVICES = "SELECT device_id FROM devices WHERE user_id = ? ORDER BY device_id"
_COUNT = "SELECT count(*) FROM to_device WHERE user_id = ? AND device_id = ?"
_COUNT_OF = "SELECT count(*) FROM to_device WHERE user_id = ? AND device_id = ? AND sender = ?"
_PUT = "INSERT INTO to_device (user_id, device_id, position, sender, event) VALUES (?, ?, ?, ?, ?)"
_BOUNDS = "SELECT min(position), max(position) FROM to_device WHERE user_id = ? AND device_id = ?"
_WAITING = """SELECT position, event FROM to_device WHERE user_id = ? AND device_id = ? AND position > ? AND position <= ?
    ORDER BY position LIMIT ?"""
_REMOVE = "DELETE FROM to_device WHERE user_id = ? AND device_id = ? AND position <= ?"
_NTH = "SELECT ts FROM to_device_transactions WHERE ts < ? ORDER BY ts LIMIT 1 OFFSET ?"
_FORGET = "DELETE FROM to_device_transactions WHERE ts <= ?"


def _targets(cursor: Cursor, letters: Sequence[Letter]) -> list[Letter]:
    """One for each device that there is."""
    devices = {
        user_id: [row[0] for row in cursor.all(_DEVICES, user_id)] for user_id in dict.fromkeys(letter.user_id for letter in letters)
    }
    found = []
    for letter in letters:
        known = devices[letter.user_id]
        if letter.device_id == ALL_DEVICES:
            found += [letter._replace(device_id=device_id) for device_id in known]
        elif letter.device_id in known:
            found.append(letter)
    return found


def _has_place(cursor: Cursor, letter: Letter, sender: str, limits: Limits) -> bool:
    count: int = cursor.value(_COUNT, letter.user_id, letter.device_id)
    if count < min(limits):
        return True
    own: int = cursor.value(_COUNT_OF, letter.user_id, letter.device_id, sender)
    return count < limits.of_all and own < limits.of_one_sender


class StoredToDevice:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(self, transaction: Transaction, sender: str, letters: Sequence[Letter], limits: Limits) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if not cursor.run(_BEGIN, *transaction):
                return True
            targets = _targets(cursor, letters)
            posted = [letter for letter in targets if _has_place(cursor, letter, sender, limits)]
            if targets and not posted:
                raise Rollback(False)
            for user_id, device_id, event in posted:
                position = cursor.position()
                cursor.many(_PUT, [(user_id, device_id, position, sender, event)])
                cursor.announce(Change(position, TO_DEVICE, user_id=user_id, subject=device_id))
            return True

        return await self._database.write(change)

    async def bounds(self, user_id: str, device_id: str) -> tuple[int, int]:
        row = await self._database.read(lambda cursor: cursor.one(_BOUNDS, user_id, device_id))
        return (0, 0) if row is None or row[0] is None else (row[0], row[1])

    async def waiting(self, user_id: str, device_id: str, since: int, until: int, most: int) -> list[Waiting]:
        rows = await self._database.read(lambda cursor: cursor.all(_WAITING, user_id, device_id, since, until, most))
        return [Waiting(position, bytes(event)) for position, event in rows]

    async def remove(self, user_id: str, device_id: str, until: int) -> None:
        await self._database.write(lambda cursor: cursor.run(_REMOVE, user_id, device_id, until))

    async def forget_transactions(self, before_ms: int, most: int) -> int:
        def change(cursor: WriteCursor) -> int:
            nth: int | None = cursor.value(_NTH, before_ms, most - 1)
            return cursor.run(_FORGET, before_ms - 1 if nth is None else nth)

        return await self._database.write(change)
