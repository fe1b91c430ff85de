"""Presence that outlives a restart. Fills `homeserver.ephemeral.store.PresenceStore`."""

from collections.abc import Sequence

from homeserver.ephemeral.store import PresenceRecord
from storage.database import Database

_PUT = """INSERT INTO presence (user_id, state, status_msg, last_active_ts) VALUES (?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE
    SET state = excluded.state, status_msg = excluded.status_msg, last_active_ts = excluded.last_active_ts"""
_GET = "SELECT user_id, state, status_msg, last_active_ts FROM presence WHERE user_id = ?"
_WORTH_KNOWING = """SELECT user_id, state, status_msg, last_active_ts FROM presence
    WHERE state <> 'offline' OR status_msg IS NOT NULL ORDER BY last_active_ts DESC LIMIT ?"""


class StoredPresence:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def get(self, user_id: str) -> PresenceRecord | None:
        row = await self._database.read(lambda cursor: cursor.one(_GET, user_id))
        return None if row is None else PresenceRecord(*row)

    async def worth_knowing(self, most: int) -> list[PresenceRecord]:
        rows = await self._database.scan(lambda cursor: cursor.all(_WORTH_KNOWING, most))
        return [PresenceRecord(*row) for row in reversed(rows)]

    async def put(self, records: Sequence[PresenceRecord]) -> None:
        await self._database.write(lambda cursor: cursor.many(_PUT, list(records)))
