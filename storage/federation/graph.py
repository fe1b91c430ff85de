"""The graph of events, many at a time. Fills `federation.telling.store.GraphStore`."""

from collections.abc import Iterable

from federation.telling.store import Vertex
from homeserver.protocol import event_bytes
from storage.database import Database

_BY_NUM = "SELECT num, event_id, links FROM events WHERE num IN ??"
_BY_ID = "SELECT num, event_id, links FROM events WHERE event_id IN ??"
_PDUS = "SELECT body, links FROM events WHERE num IN ??"


class StoredGraph:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def by_num(self, nums: Iterable[int]) -> list[Vertex]:
        wanted = list(nums)
        return [Vertex(*row) for row in await self._database.scan(lambda cursor: cursor.all(_BY_NUM, wanted))]

    async def by_id(self, event_ids: Iterable[str]) -> list[Vertex]:
        wanted = list(event_ids)
        return [Vertex(*row) for row in await self._database.scan(lambda cursor: cursor.all(_BY_ID, wanted))]

    async def pdus(self, nums: Iterable[int]) -> list[bytes]:
        wanted = list(nums)
        rows = await self._database.scan(lambda cursor: cursor.all(_PDUS, wanted))
        return [event_bytes.pdu(*row) for row in rows]
