"""State nodes that rooms leave behind when they become whole. Fills `homeserver.rooms.partial.store.LeftStates`."""

from collections.abc import Callable, Collection, Sequence

from homeserver.rooms.partial.store import LeftRoom
from storage.database import Cursor, Database, WriteCursor

NEWEST = 2**62  # beyond every place in a graph

_ROOMS = """SELECT p.room_num, r.room_id, p.whole_position FROM partial_rooms p JOIN rooms r ON r.room_num = p.room_num
    WHERE p.servers IS NULL AND EXISTS (SELECT 1 FROM state_nodes s WHERE s.room_num = p.room_num AND s.left_ts <= ?)"""
_IS_AS_IT_WAS = "SELECT 1 FROM partial_rooms WHERE room_num = ? AND servers IS NULL AND whole_position = ?"
# What is known without its place has none in the graph, and stands in no state.
_PAGE_ENDS = "SELECT topo FROM events WHERE room_num = ? AND topo > ? ORDER BY topo LIMIT 1 OFFSET ?"
_ROOTS = "SELECT state_before, state_after, shown_before, shown_after FROM events WHERE room_num = ? AND topo > ? AND topo <= ?"
_CURRENT = "SELECT root FROM room_roots WHERE room_num = ?"
_NODES = "SELECT node_id, body FROM state_nodes WHERE node_id IN ??"
_LEFT = "SELECT node_id FROM state_nodes WHERE room_num = ? AND left_ts >= ? AND left_ts <= ? AND node_id > ? ORDER BY node_id LIMIT ?"
_DATE = "UPDATE state_nodes SET left_ts = ? WHERE node_id IN ?? AND coalesce(left_ts, 0) = 0"
_FORGET = "UPDATE state_nodes SET left_ts = NULL WHERE node_id IN ??"
_REMOVE = "DELETE FROM state_nodes WHERE node_id IN ?? AND left_ts > 0 AND left_ts <= ?"

_BEGIN_ANEW = "UPDATE state_nodes SET left_ts = 0 WHERE room_num = ? AND left_ts > 0"
_NOTE = "UPDATE state_nodes SET left_ts = 0 WHERE node_id IN ??"
_LEAVE = """UPDATE state_nodes SET left_ts = 0 WHERE node_id IN (
    SELECT e.state_before FROM partial_events p JOIN events e ON e.num = p.num WHERE p.room_num = ? UNION
    SELECT e.state_after FROM partial_events p JOIN events e ON e.num = p.num WHERE p.room_num = ? UNION
    SELECT e.shown_before FROM partial_events p JOIN events e ON e.num = p.num WHERE p.room_num = ? UNION
    SELECT e.shown_after FROM partial_events p JOIN events e ON e.num = p.num WHERE p.room_num = ? UNION
    SELECT root FROM room_roots WHERE room_num = ?)"""


def leave_states(cursor: WriteCursor, room_num: int) -> None:
    """Before a room becomes whole: note the states that it and its events are to lose, and look at what was left earlier anew."""
    cursor.run(_BEGIN_ANEW, room_num)
    cursor.run(_LEAVE, *[room_num] * 5)


def note_states(cursor: WriteCursor, roots: Collection[bytes]) -> None:
    """They were written, and may be no event's."""
    if roots:
        cursor.run(_NOTE, list(roots))


class StoredLeftStates:
    """LeftStates over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def rooms(self, due_ms: int) -> list[LeftRoom]:
        return [LeftRoom(*row) for row in await self._database.scan(lambda cursor: cursor.all(_ROOMS, due_ms))]

    async def roots(self, room_num: int, after: int, limit: int) -> tuple[set[bytes], int | None]:
        def question(cursor: Cursor) -> tuple[set[bytes], int | None]:
            last: int | None = cursor.value(_PAGE_ENDS, room_num, after, limit - 1)
            rows = cursor.all(_ROOTS, room_num, after, NEWEST if last is None else last)
            roots = {root for row in rows for root in row if root is not None}
            roots.update(row[0] for row in cursor.all(_CURRENT, room_num))
            return roots, last

        return await self._database.scan(question)

    async def nodes(self, node_ids: Sequence[bytes]) -> dict[bytes, bytes]:
        return {row[0]: row[1] for row in await self._database.scan(lambda cursor: cursor.all(_NODES, node_ids))}

    async def noted(self, room: LeftRoom, after: bytes, limit: int) -> list[bytes]:
        return await self._left_in(room, 0, 0, after, limit)

    async def dated(self, room: LeftRoom, due_ms: int, after: bytes, limit: int) -> list[bytes]:
        return await self._left_in(room, 1, due_ms, after, limit)

    async def _left_in(self, room: LeftRoom, since: int, until: int, after: bytes, limit: int) -> list[bytes]:
        rows = await self._database.scan(lambda cursor: cursor.all(_LEFT, room.room_num, since, until, after, limit))
        return [row[0] for row in rows]

    async def date(self, room: LeftRoom, node_ids: Sequence[bytes], now_ms: int) -> bool:
        return await self._change(room, lambda cursor: cursor.run(_DATE, now_ms, node_ids)) is not None

    async def forget(self, room: LeftRoom, node_ids: Sequence[bytes]) -> bool:
        return await self._change(room, lambda cursor: cursor.run(_FORGET, node_ids)) is not None

    async def remove(self, room: LeftRoom, node_ids: Sequence[bytes], due_ms: int) -> int | None:
        return await self._change(room, lambda cursor: cursor.run(_REMOVE, node_ids, due_ms))

    async def _change(self, room: LeftRoom, change: Callable[[WriteCursor], int]) -> int | None:
        """How many rows it changed; None where the room is not as it was."""

        def write(cursor: WriteCursor) -> int | None:
            if cursor.one(_IS_AS_IT_WAS, room.room_num, room.whole_position) is None:
                return None
            return change(cursor)

        return await self._database.write(write)
