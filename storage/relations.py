"""The port `homeserver.rooms.reading.relation_store.RelationStore`: which events relate to which."""

from collections.abc import Collection, Sequence

from homeserver.rooms.reading.place import Span
from homeserver.rooms.reading.relation_store import Children, Kin, Referring, Thread, ThreadRoot
from homeserver.rooms.store import HIDDEN, StoredEvent
from storage.database import Cursor, Database, Row
from storage.event_rows import SELECT, RoomNames

ANNOTATION = (
    "SELECT 1 FROM relations WHERE parent_id = ? AND rel_type = 'm.annotation' AND room_num = ? AND sender = ? AND type = ? "
    "AND coalesce(aggregation_key, '') = ? LIMIT 1"
)
BETWEEN = " AND room_num = ? AND (topo, position) > (?, ?) AND (topo, position) <= (?, ?) AND position > ? AND position <= ?"
DESCENDANTS = (
    "WITH RECURSIVE family (event_id, depth) AS (SELECT parent_id, 1 FROM relations WHERE parent_id = ? UNION "
    "SELECT e.event_id, f.depth + 1 FROM family f JOIN relations r ON r.parent_id = f.event_id JOIN events e ON e.num = r.num "
    "WHERE f.depth < ? AND r.room_num = ?) SELECT event_id FROM family"
)
REPLACEMENTS = (
    "SELECT parent_id, num FROM (SELECT r.parent_id, r.num, row_number() OVER (PARTITION BY r.parent_id ORDER BY r.ts DESC, r.num DESC) "
    "AS place FROM relations r JOIN events p ON p.event_id = r.parent_id WHERE r.parent_id IN ?? AND r.rel_type = 'm.replace' "
    "AND r.room_num = ? AND +p.room_num = r.room_num AND r.sender = p.sender AND r.type = p.type) AS ranked WHERE place <= ? "
    "ORDER BY parent_id, place"
)
REFERENCES = (
    "SELECT r.parent_id, r.num, e.event_id, r.position, r.sender FROM (SELECT parent_id, num, topo, position, sender, "
    "row_number() OVER (PARTITION BY parent_id ORDER BY topo, position) AS place FROM relations "
    "WHERE parent_id IN ?? AND rel_type = 'm.reference' AND room_num = ?) AS r JOIN events e ON e.num = r.num "
    "WHERE r.place <= ? AND e.flags & ? = 0 ORDER BY r.parent_id, r.place"
)
THREADS = (
    "SELECT r.parent_id, count(*), max(CASE WHEN r.sender = ? THEN 1 ELSE 0 END), (SELECT t.latest_num FROM threads t "
    "WHERE t.room_num = ? AND t.root_id = r.parent_id) FROM relations r WHERE r.parent_id IN ?? AND r.rel_type = 'm.thread' AND r.room_num = ?"
)
LATEST_IN_THREAD = "SELECT num FROM relations WHERE parent_id = ? AND rel_type = 'm.thread' AND room_num = ?"
THREAD_ROOTS = (
    "SELECT t.latest_position, e.num FROM threads t JOIN events e ON e.event_id = t.root_id AND e.room_num = t.room_num "
    "WHERE t.room_num = ? AND t.latest_position < ?"
)
PARTICIPATED = (
    " AND (e.sender = ? OR EXISTS (SELECT 1 FROM relations r WHERE r.parent_id = t.root_id AND r.rel_type = 'm.thread' AND r.sender = ?))"
)
EACH_REPLACED = 4  # candidates: the newest may not be valid
EACH_REFERENCED = 500


class StoredRelations:
    """RelationStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def has_annotation(self, room_num: int, parent_id: str, type: str, sender: str, key: str | None) -> bool:
        return await self._database.read(lambda cursor: cursor.value(ANNOTATION, parent_id, room_num, sender, type, key or "")) is not None

    async def children(self, question: Children, span: Span, *, backwards: bool, limit: int) -> list[StoredEvent]:
        def ask(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, question.room_id)
            sql = "SELECT num FROM relations WHERE parent_id "
            if question.depth == 1:
                sql += "= ?"
                parameters: list[object] = [question.parent_id]
            else:
                sql += "IN (" + DESCENDANTS + ")"
                parameters = [question.parent_id, question.depth, room_num]
            if question.rel_type is not None:
                sql += " AND rel_type = ?"
                parameters.append(question.rel_type)
            if question.type is not None:
                sql += " AND type = ?"
                parameters.append(question.type)
            sql += BETWEEN + (" ORDER BY topo DESC, position DESC LIMIT ?" if backwards else " ORDER BY topo, position LIMIT ?")
            rows = cursor.all(sql, *parameters, room_num, *span.low, *span.high, span.since, span.until, limit)
            nums = [row[0] for row in rows]
            events = self._events(cursor, nums)
            return [events[num] for num in nums]

        return await (self._database.read(ask) if question.depth == 1 and question.rel_type is not None else self._database.scan(ask))

    async def kin(self, room_id: str, parents: Collection[str], user_id: str, without: Collection[str]) -> dict[str, Kin]:
        wanted, excluded = list(parents), list(without)

        def ask(cursor: Cursor) -> dict[str, Kin]:
            room_num = self._names.num(cursor, room_id)
            found = {parent: Kin([], [], None) for parent in wanted}
            for parent_id, num in cursor.all(REPLACEMENTS, wanted, room_num, EACH_REPLACED):
                found[parent_id].replacements.append(num)
            for parent_id, *referring in cursor.all(REFERENCES, wanted, room_num, EACH_REFERENCED, HIDDEN):
                if referring[3] not in without:
                    found[parent_id].references.append(Referring(*referring))
            for parent_id, count, participated, latest in self._threads(cursor, room_num, wanted, user_id, excluded):
                found[parent_id] = found[parent_id]._replace(thread=Thread(count, bool(participated), latest))
            return found

        return await self._database.read(ask)

    def _events(self, cursor: Cursor, nums: list[int]) -> dict[int, StoredEvent]:
        rows = cursor.all(SELECT + "WHERE num IN ??", nums) if nums else []
        return {event.num: event for event in self._names.events(cursor, rows)}

    def _threads(self, cursor: Cursor, room_num: int | None, parents: list[str], user_id: str, without: list[str]) -> list[Row]:
        if without:
            sql = THREADS + " AND r.sender NOT IN ?? GROUP BY r.parent_id"
            return cursor.all(sql, user_id, room_num, parents, room_num, without)
        return cursor.all(THREADS + " GROUP BY r.parent_id", user_id, room_num, parents, room_num)

    async def latest_in_thread(self, room_id: str, root_id: str, without: Collection[str], limit: int) -> list[int]:
        excluded = list(without)

        def ask(cursor: Cursor) -> list[int]:
            room_num = self._names.num(cursor, room_id)
            order = " ORDER BY topo DESC, position DESC LIMIT ?"
            if excluded:
                rows = cursor.all(LATEST_IN_THREAD + " AND sender NOT IN ??" + order, root_id, room_num, excluded, limit)
            else:
                rows = cursor.all(LATEST_IN_THREAD + order, root_id, room_num, limit)
            return [row[0] for row in rows]

        return await self._database.read(ask)

    async def thread_roots(self, room_id: str, participant: str | None, before: int, limit: int) -> Sequence[ThreadRoot]:
        order = " ORDER BY t.latest_position DESC LIMIT ?"

        def ask(cursor: Cursor) -> list[ThreadRoot]:
            room_num = self._names.num(cursor, room_id)
            if participant is None:
                rows = cursor.all(THREAD_ROOTS + order, room_num, before, limit)
            else:
                rows = cursor.all(THREAD_ROOTS + PARTICIPATED + order, room_num, before, participant, participant, limit)
            events = self._events(cursor, [row[1] for row in rows])
            return [ThreadRoot(events[num], position) for position, num in rows]

        return await self._database.scan(ask)
