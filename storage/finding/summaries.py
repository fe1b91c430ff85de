"""The port `homeserver.rooms.directory.store.SummaryStore`: what a room shows of itself."""

from collections import Counter

from homeserver.rooms.directory.store import SUMMARY_TYPES, RoomFacts
from homeserver.rooms.store import StoredEvent
from storage.database import Cursor, Database, Row
from storage.event_rows import SELECT, RoomNames, room_record

ROOM = (
    "SELECT room_num, room_id, version, published, joined_count, invited_count, local_joined_count, blocked, created_ts "
    "FROM rooms WHERE room_id = ?"
)


class StoredSummaries:
    """SummaryStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def facts(self, room_id: str) -> RoomFacts | None:
        def question(cursor: Cursor) -> RoomFacts | None:
            row = cursor.one(ROOM, room_id)
            if row is None:
                return None
            nums = cursor.all(
                "SELECT num FROM current_state WHERE room_num = ? AND type IN ?? AND state_key = ''", row[0], list(SUMMARY_TYPES)
            )
            return RoomFacts(room_record(row), tuple(self._events(cursor, nums))) if nums else None

        return await self._database.read(question)

    async def children(self, room_id: str) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            return self._events(cursor, cursor.all("SELECT num FROM current_state WHERE room_num = ? AND type = 'm.space.child'", room_num))

        return await self._database.scan(question)

    async def servers(self, room_id: str) -> list[str]:
        rows = await self._database.scan(
            lambda cursor: cursor.all(
                "SELECT user_id FROM memberships WHERE room_num = ? AND membership = 'join'", self._names.num(cursor, room_id)
            )
        )
        return [server for server, _ in Counter(row[0].partition(":")[2] for row in rows).most_common()]

    def _events(self, cursor: Cursor, nums: list[Row]) -> list[StoredEvent]:
        return self._names.events(cursor, cursor.all(SELECT + "WHERE num IN ??", [row[0] for row in nums]))
