"""The port `homeserver.rooms.reading.paging_store.PagingStore`: rooms in the order of their graph."""

from collections.abc import Collection, Iterable

from homeserver.rooms.reading.place import Place, Span
from homeserver.rooms.store import HIDDEN, StoredEvent
from storage.database import Cursor, Database
from storage.event_rows import SELECT, SELECT_E, RoomNames

BETWEEN = (
    "WHERE room_num = ? AND (topo, position) > (?, ?) AND (topo, position) <= (?, ?) AND position > ? AND position <= ? AND flags & ? = 0 "
)
PAGE_BACKWARDS = SELECT + BETWEEN + "ORDER BY topo DESC, position DESC LIMIT ?"
PAGE_FORWARDS = SELECT + BETWEEN + "ORDER BY topo, position LIMIT ?"
ARRIVED = SELECT + "WHERE position > ? AND position <= ? AND room_num IN ?? AND flags & ? = 0 ORDER BY position LIMIT ?"
LOWEST_TOPO = "SELECT min(topo) FROM (SELECT topo FROM events WHERE room_num = ? AND position > ? ORDER BY position LIMIT ?) AS next"
ROOT_IN_STREAM = "SELECT state_before, state_after FROM events WHERE room_num = ? AND position <= ? ORDER BY position DESC LIMIT 1"
ROOT_IN_GRAPH = (  # what was refused has a place in the graph, and no position
    "SELECT state_before, state_after FROM events WHERE room_num = ? AND (topo, position) <= (?, ?) AND position IS NOT NULL "
    "ORDER BY topo DESC, position DESC LIMIT 1"
)
CURRENT_EVENTS = SELECT_E + "JOIN current_state c ON c.num = e.num WHERE c.room_num = ? ORDER BY e.num"
MEMBER_EVENTS = SELECT_E + "JOIN memberships m ON m.num = e.num WHERE m.room_num = ? ORDER BY e.num"
MEMBER_EVENTS_OF_KINDS = SELECT_E + "JOIN memberships m ON m.num = e.num WHERE m.room_num = ? AND m.membership IN ?? ORDER BY e.num"
APPSERVICE_MEMBER = (
    "SELECT 1 FROM memberships m JOIN users u ON u.user_id = m.user_id "
    "WHERE m.room_num = ? AND m.is_local = 1 AND m.membership = 'join' AND u.appservice = ? LIMIT 1"
)
NEAREST_LATER = (
    "SELECT position FROM events WHERE room_num = ? AND topo IS NOT NULL AND position IS NOT NULL AND ts >= ? "
    "ORDER BY ts, topo, position LIMIT ? OFFSET ?"
)
NEAREST_EARLIER = (
    "SELECT position FROM events WHERE room_num = ? AND topo IS NOT NULL AND position IS NOT NULL AND ts <= ? "
    "ORDER BY ts DESC, topo DESC, position DESC LIMIT ? OFFSET ?"
)
SAMPLE = 100  # events after a place of the stream whose depth is looked at
SHORT = 200  # rows that may be read on the loop


class StoredPages:
    """PagingStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def page(self, room_id: str, span: Span, *, backwards: bool, limit: int, far: bool = False) -> list[StoredEvent]:
        sql = PAGE_BACKWARDS if backwards else PAGE_FORWARDS

        def question(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            if room_num is None:
                return []
            return self._names.events(cursor, cursor.all(sql, room_num, *span.low, *span.high, span.since, span.until, HIDDEN, limit))

        return await (self._database.scan(question) if far or limit > SHORT else self._database.read(question))

    async def arrived(self, room_ids: Iterable[str], since: int, until: int, limit: int) -> list[StoredEvent]:
        wanted = list(room_ids)

        def question(cursor: Cursor) -> list[StoredEvent]:
            nums = [num for room_id in wanted if (num := self._names.num(cursor, room_id)) is not None]
            return self._names.events(cursor, cursor.all(ARRIVED, since, until, nums, HIDDEN, limit))

        return await self._database.scan(question)

    async def lowest_topo(self, room_id: str, since: int) -> int | None:
        def question(cursor: Cursor) -> int | None:
            lowest: int | None = cursor.value(LOWEST_TOPO, self._names.num(cursor, room_id), since, SAMPLE)
            return lowest

        return await self._database.read(question)

    async def root_at(self, room_id: str, place: Place) -> bytes | None:
        def question(cursor: Cursor) -> bytes | None:
            room_num = self._names.num(cursor, room_id)
            if place.topo is None:
                row = cursor.one(ROOT_IN_STREAM, room_num, place.position)
            else:
                row = cursor.one(ROOT_IN_GRAPH, room_num, place.topo, place.position)
            return None if row is None else row[1] if row[1] is not None else row[0]

        return await self._database.read(question)

    async def current_root(self, room_id: str) -> bytes | None:
        def question(cursor: Cursor) -> bytes | None:
            root: bytes | None = cursor.value("SELECT root FROM room_roots WHERE room_num = ?", self._names.num(cursor, room_id))
            return root

        return await self._database.read(question)

    async def current_events(self, room_id: str) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(CURRENT_EVENTS, self._names.num(cursor, room_id)))

        return await self._database.read(question)

    async def member_events(self, room_id: str, kinds: Collection[str] = ()) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            rows = cursor.all(MEMBER_EVENTS_OF_KINDS, room_num, list(kinds)) if kinds else cursor.all(MEMBER_EVENTS, room_num)
            return self._names.events(cursor, rows)

        return await self._database.scan(question)

    async def has_member_of(self, room_id: str, appservice: str) -> bool:
        found = await self._database.scan(lambda cursor: cursor.value(APPSERVICE_MEMBER, self._names.num(cursor, room_id), appservice))
        return found is not None

    async def nearest(self, room_id: str, ts: int, *, backwards: bool, limit: int, skip: int) -> list[StoredEvent]:
        sql = NEAREST_EARLIER if backwards else NEAREST_LATER

        def question(cursor: Cursor) -> list[StoredEvent]:
            positions = [row[0] for row in cursor.all(sql, self._names.num(cursor, room_id), ts, limit, skip)]
            rows = cursor.all(SELECT + "WHERE position IN ??", positions) if positions else []
            events = {event.position: event for event in self._names.events(cursor, rows)}
            return [events[position] for position in positions]

        return await self._database.scan(question)

    async def related_parents(
        self, room_id: str, parents: Iterable[str], rel_types: Collection[str] | None, senders: Collection[str] | None
    ) -> set[str]:
        wanted = list(parents)
        if (rel_types is not None and not rel_types) or (senders is not None and not senders):
            return set()

        def question(cursor: Cursor) -> set[str]:
            room_num = self._names.num(cursor, room_id)
            sql = "SELECT DISTINCT parent_id FROM relations WHERE parent_id IN ?? AND room_num = ?"
            parameters: list[object] = [wanted, room_num]
            if rel_types is not None:
                sql += " AND rel_type IN ??"
                parameters.append(list(rel_types))
            if senders is not None:
                sql += " AND sender IN ??"
                parameters.append(list(senders))
            return {row[0] for row in cursor.all(sql, *parameters)}

        return await self._database.read(question)
