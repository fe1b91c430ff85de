"""How far application services are, and what they are to be told. Fills `appservices.store.AppserviceStore`."""

from collections.abc import Sequence

import orjson

from appservices.store import Fetched, Letter, LocalMember, Progress, Transaction
from homeserver.rooms.store import REJECTED, SOFT_FAILED, StoredEvent
from storage.database import Cursor, Database, WriteCursor
from storage.event_rows import SELECT, RoomNames

_PROGRESS = "SELECT position, txn_id, txn_until, txn_body, txn_fetched, failures, retry_ts FROM appservices WHERE service_id = ?"
_OTHERS = "SELECT 1 FROM appservices WHERE service_id NOT IN ?? LIMIT 1"
_FORGET = "DELETE FROM appservices WHERE service_id NOT IN ??"
_BEGIN = """INSERT INTO appservices (service_id, position, txn_id, txn_until, txn_body, txn_fetched, failures, retry_ts)
    VALUES (?, ?, ?, ?, ?, ?, 0, 0) ON CONFLICT (service_id) DO UPDATE SET position = excluded.position, txn_id = excluded.txn_id,
    txn_until = excluded.txn_until, txn_body = excluded.txn_body, txn_fetched = excluded.txn_fetched, failures = 0, retry_ts = 0"""
_FAILED = "UPDATE appservices SET failures = ?, retry_ts = ? WHERE service_id = ?"
_FETCHED = "DELETE FROM to_device WHERE user_id = ? AND device_id = ? AND position <= ?"
_MEMBERS = "SELECT user_id, membership, position FROM memberships WHERE room_num = ? AND is_local = 1"
_EVENTS = SELECT + "WHERE position > ? AND position <= ? AND flags & ? = 0 ORDER BY position LIMIT ?"
_LETTERS = "SELECT user_id, device_id, position, event FROM to_device WHERE position > ? AND position <= ? ORDER BY position LIMIT ?"


class StoredAppservices:
    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def progress(self, service_id: str) -> Progress | None:
        row = await self._database.read(lambda cursor: cursor.one(_PROGRESS, service_id))
        if row is None:
            return None
        position, txn_id, until, body, fetched, failures, retry_ts = row
        transaction = None
        if txn_id is not None:
            transaction = Transaction(txn_id, until, bytes(body), tuple(Fetched(*one) for one in orjson.loads(bytes(fetched))))
        return Progress(position, transaction, failures, retry_ts)

    async def keep_only(self, service_ids: Sequence[str]) -> None:
        kept = list(service_ids) or [""]
        if await self._database.read(lambda cursor: cursor.one(_OTHERS, kept)) is not None:  # no start waits for the disk in vain
            await self._database.write(lambda cursor: cursor.run(_FORGET, kept))

    async def begin(self, service_id: str, position: int, transaction: Transaction | None, fetched: Sequence[Fetched]) -> None:
        under_way: tuple[str | None, int | None, bytes | None, bytes | None] = (None, None, None, None)
        if transaction is not None:
            under_way = (transaction.txn_id, transaction.until, transaction.body, orjson.dumps([list(one) for one in transaction.fetched]))

        def change(cursor: WriteCursor) -> None:
            cursor.many(_BEGIN, [(service_id, position, *under_way)])
            if fetched:
                cursor.many(_FETCHED, fetched)

        await self._database.write(change)

    async def failed(self, service_id: str, failures: int, retry_ts: int) -> None:
        await self._database.write(lambda cursor: cursor.run(_FAILED, failures, retry_ts, service_id))

    async def local_members(self, room_id: str) -> list[LocalMember]:
        rows = await self._database.read(lambda cursor: cursor.all(_MEMBERS, self._names.num(cursor, room_id)))
        return [LocalMember(*row) for row in rows]

    async def events(self, after: int, until: int, most: int) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(_EVENTS, after, until, REJECTED | SOFT_FAILED, most))

        return await self._database.scan(question)

    async def letters(self, after: int, until: int, most: int) -> list[Letter]:
        rows = await self._database.read(lambda cursor: cursor.all(_LETTERS, after, until, most))
        return [Letter(user_id, device_id, position, bytes(event)) for user_id, device_id, position, event in rows]
