"""The list of devices. Fills `homeserver.devices.store.DeviceStore`."""

from collections.abc import Sequence

from homeserver.account_data.store import GLOBAL, Put
from homeserver.devices.store import DEVICE_CHANGE, DEVICE_DELETED, LOCAL_SETTINGS, TOKEN_CHANGE, Device, DeviceChange, Seen
from homeserver.streams import Change
from storage.database import Database, Row, WriteCursor
from storage.encryption.key_changes import drop_device_keys, note_rename
from storage.encryption.key_names import check_device_name
from storage.people.tokens import drop_tokens
from storage.personal.account_data import put_entry
from storage.push.pushers import drop_pushers_of_devices
from storage.sliding import drop_connections

_ALL = "SELECT user_id, device_id, display_name, last_seen_ts, last_seen_ip, user_agent FROM devices WHERE user_id = ? ORDER BY device_id"
_ONE = """SELECT user_id, device_id, display_name, last_seen_ts, last_seen_ip, user_agent FROM devices
    WHERE user_id = ? AND device_id = ?"""
_SEEN = "UPDATE devices SET last_seen_ts = ?, last_seen_ip = ?, user_agent = ? WHERE user_id = ? AND device_id = ?"
_ADD = """INSERT INTO devices (user_id, device_id, display_name, created_ts) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, device_id) DO NOTHING"""

_SETTINGS = "SELECT type FROM account_data WHERE user_id = ? AND room_id = ? AND type IN ?? AND length(content) > 0"


def announce_devices(cursor: WriteCursor, user_id: str, device_ids: Sequence[str], *, removed: bool = False) -> None:
    if device_ids:
        change = DeviceChange(tuple(device_ids), removed)
        cursor.announce(Change(cursor.position(), DEVICE_CHANGE, user_id=user_id, subject=change))
    if removed:
        for device_id in device_ids:
            cursor.announce(Change(cursor.position(), DEVICE_DELETED, user_id=user_id, subject=device_id))


def _gone(cursor: WriteCursor, user_id: str, gone: Sequence[Row]) -> None:
    """What follows from the removal of the devices."""
    device_ids = [row[0] for row in gone]
    announce_devices(cursor, user_id, device_ids, removed=True)
    if device_ids:
        drop_device_keys(cursor, user_id, device_ids)
        drop_connections(cursor, user_id, device_ids)
        for row in cursor.all(_SETTINGS, user_id, GLOBAL, [LOCAL_SETTINGS + device_id for device_id in device_ids]):
            put_entry(cursor, Put(user_id, GLOBAL, row[0], b""))


def remove_devices(cursor: WriteCursor, user_id: str, device_ids: Sequence[str]) -> None:
    """With their tokens."""
    if not device_ids:
        return
    gone: list[Row] = cursor.all("DELETE FROM devices WHERE user_id = ? AND device_id IN ?? RETURNING device_id", user_id, device_ids)
    drop_tokens(cursor, user_id, device_ids)
    drop_pushers_of_devices(cursor, user_id, device_ids)
    _gone(cursor, user_id, gone)


def remove_all_devices(cursor: WriteCursor, user_id: str) -> None:
    """With every token of the user, also those that belong to no device."""
    gone: list[Row] = cursor.all("DELETE FROM devices WHERE user_id = ? RETURNING device_id", user_id)
    cursor.run("DELETE FROM access_tokens WHERE user_id = ?", user_id)
    cursor.run("DELETE FROM refresh_tokens WHERE user_id = ?", user_id)
    cursor.run("DELETE FROM login_tokens WHERE user_id = ?", user_id)
    drop_pushers_of_devices(cursor, user_id, None)
    cursor.announce(Change(cursor.position(), TOKEN_CHANGE, user_id=user_id))
    _gone(cursor, user_id, gone)


class StoredDevices:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def devices(self, user_id: str) -> list[Device]:
        rows = await self._database.read(lambda cursor: cursor.all(_ALL, user_id))
        return [Device(*row) for row in rows]

    async def device(self, user_id: str, device_id: str) -> Device | None:
        row = await self._database.read(lambda cursor: cursor.one(_ONE, user_id, device_id))
        return None if row is None else Device(*row)

    async def add(self, user_id: str, device_id: str, display_name: str | None, created_ts: int) -> bool:
        def change(cursor: WriteCursor) -> bool:
            added = cursor.run(_ADD, user_id, device_id, display_name, created_ts)
            if added:
                check_device_name(cursor, user_id, device_id)
                announce_devices(cursor, user_id, (device_id,))
            return bool(added)

        return await self._database.write(change)

    async def rename(self, user_id: str, device_id: str, display_name: str) -> bool:
        def change(cursor: WriteCursor) -> bool:
            found = cursor.run("UPDATE devices SET display_name = ? WHERE user_id = ? AND device_id = ?", display_name, user_id, device_id)
            if found:
                note_rename(cursor, user_id, device_id)
                announce_devices(cursor, user_id, (device_id,))
            return bool(found)

        return await self._database.write(change)

    async def remove(self, user_id: str, device_ids: Sequence[str]) -> None:
        await self._database.write(lambda cursor: remove_devices(cursor, user_id, device_ids))

    async def remove_all(self, user_id: str) -> None:
        await self._database.write(lambda cursor: remove_all_devices(cursor, user_id))

    async def record_seen(self, seen: Sequence[Seen]) -> None:
        rows = [(one.ts, one.ip, one.user_agent, one.user_id, one.device_id) for one in seen]
        await self._database.write(lambda cursor: cursor.many(_SEEN, rows))
