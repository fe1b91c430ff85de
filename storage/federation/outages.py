"""Servers that do not answer. Fills `federation.store.OutageStore`."""

from collections.abc import Sequence

from federation.store import Outage
from storage.database import Database, WriteCursor

_ALL = "SELECT destination, since_ts, retry_ts, interval_ms FROM outages"
_PUT = """INSERT INTO outages (destination, since_ts, retry_ts, interval_ms) VALUES (?, ?, ?, ?) ON CONFLICT (destination)
    DO UPDATE SET since_ts = excluded.since_ts, retry_ts = excluded.retry_ts, interval_ms = excluded.interval_ms"""
_END = "DELETE FROM outages WHERE destination IN ??"


class StoredOutages:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def outages(self) -> list[Outage]:
        rows = await self._database.scan(lambda cursor: cursor.all(_ALL))
        return [Outage(*row) for row in rows]

    async def put_outages(self, begun: Sequence[Outage], ended: Sequence[str]) -> None:
        def write(cursor: WriteCursor) -> None:
            if begun:
                cursor.many(_PUT, begun)
            if ended:
                cursor.run(_END, list(ended))

        await self._database.write(write)
