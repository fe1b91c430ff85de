"""Rooms whose state is known in part. Fills `homeserver.rooms.partial.store.PartialStore`."""

from collections.abc import Sequence

import orjson

from homeserver.rooms.partial.store import WHOLE_ROOM, Completion, PartialRecord
from homeserver.rooms.store import HIDDEN, EventCommit, MemberChange, RoomRecord, StoredEvent
from homeserver.streams import Change
from storage.database import Cursor, Database, WriteCursor
from storage.event_rows import SELECT_E, RoomNames
from storage.federation.left_states import leave_states, note_states
from storage.federation.withheld import forget_withheld, withheld, write_restored
from storage.room_commits import (
    UPSERT_MEMBER,
    clear_derived,
    write_events,
    write_nodes,
    write_redaction,
    write_relations,
    write_verdicts,
)

_ROOMS = "SELECT r.room_id, p.servers, p.whole_position FROM partial_rooms p JOIN rooms r ON r.room_num = p.room_num"
_EVENTS = SELECT_E + "JOIN partial_events p ON p.num = e.num WHERE p.room_num = ? ORDER BY e.num"
_JUDGED = (
    """UPDATE events SET position = ?, flags = ?, state_before = ?, state_after = ?, shown_before = ?, shown_after = ? WHERE num = ?"""
)
_COUNTS = """UPDATE rooms SET joined_count = joined_count + ?, invited_count = invited_count + ?,
    local_joined_count = local_joined_count + ? WHERE room_num = ?"""
_WHOLE = "UPDATE partial_rooms SET servers = NULL, whole_position = ? WHERE room_num = ?"
_LAST = (
    "SELECT num, state_before, state_after FROM events WHERE room_num = ? AND position > 0 AND flags & ? = 0 ORDER BY position DESC LIMIT 1"
)


class StoredPartialRooms:
    """PartialStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def rooms(self) -> list[PartialRecord]:
        rows = await self._database.scan(lambda cursor: cursor.all(_ROOMS))
        return [PartialRecord(room_id, () if servers is None else orjson.loads(servers), position) for room_id, servers, position in rows]

    async def events(self, room_id: str) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(_EVENTS, self._names.num(cursor, room_id)))

        return await self._database.scan(question)

    async def withheld(self, room_id: str) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            return withheld(cursor, self._names, self._names.num(cursor, room_id))

        return await self._database.read(question)

    async def put_members(self, room: RoomRecord, members: Sequence[tuple[StoredEvent, MemberChange]]) -> None:
        def write(cursor: WriteCursor) -> None:
            position: int = cursor.value("SELECT value FROM counters WHERE name = 'position'")
            _put_members(cursor, room.room_num, members, position)

        await self._database.write(write)

    async def finish(self, completion: Completion) -> None:
        await self._database.write(lambda cursor: self._finish(cursor, completion))

    def _finish(self, cursor: WriteCursor, completion: Completion) -> None:
        room_num = completion.room.room_num
        leave_states(cursor, room_num)
        write_events(cursor, completion.revived)
        position = cursor.position()
        _write_events(cursor, completion)
        _write_fallen(cursor, room_num, completion.fallen)
        write_nodes(cursor, {node_id: (room_num, body) for node_id, body in completion.nodes.items()})
        note_states(cursor, completion.passed)
        _write_state(cursor, completion)
        _write_members(cursor, completion, position)
        _write_concerned(cursor, completion.revived)
        write_restored(cursor, completion.restored, position)
        forget_withheld(cursor, room_num)
        cursor.run("DELETE FROM partial_events WHERE room_num = ?", room_num)
        cursor.run(_WHOLE, position, room_num)
        _announce(cursor, completion, position)


def _write_events(cursor: WriteCursor, completion: Completion) -> None:
    room_num = completion.room.room_num
    cursor.many(
        _JUDGED,
        [
            (event.position, event.flags, event.state_before, event.state_after, event.shown_before, event.shown_after, event.num)
            for event in completion.judged
        ],
    )
    row = cursor.one(_LAST, room_num, HIDDEN)
    if row is not None:
        after = row[1] if row[2] is None else row[2]
        shown = None if after is not None and bytes(after) == completion.root else completion.root
        cursor.run("UPDATE events SET shown_after = ? WHERE num = ?", shown, row[0])
    cursor.many("DELETE FROM forward_extremities WHERE room_num = ? AND num = ?", [(room_num, num) for num in completion.ends_gone])
    cursor.many("INSERT INTO forward_extremities (room_num, num) VALUES (?, ?)", [(room_num, num) for num in completion.ends_come])


def _write_fallen(cursor: WriteCursor, room_num: int, fallen: Sequence[StoredEvent]) -> None:
    """Nothing is left of what they said to anybody."""
    for event in fallen:
        cursor.run("UPDATE events SET notifies = 0 WHERE num = ?", event.num)
        cursor.run("DELETE FROM relations WHERE num = ?", event.num)
        clear_derived(cursor, room_num, event.num, event.position, event.thread, event.type, event.state_key)


def _write_concerned(cursor: WriteCursor, revived: Sequence[EventCommit]) -> None:
    """The members stand, so that all of them can be called."""
    write_relations(cursor, revived)
    for commit in revived:
        write_redaction(cursor, commit)
        write_verdicts(cursor, commit)


def _write_state(cursor: WriteCursor, completion: Completion) -> None:
    room_num, changes = completion.room.room_num, completion.current_state
    cursor.run("UPDATE room_roots SET root = ? WHERE room_num = ?", completion.root, room_num)
    cursor.many(
        "INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (room_num, type, state_key) DO UPDATE SET num = excluded.num",
        [(room_num, *address, num) for address, num in changes.items() if num is not None],
    )
    cursor.many(
        "DELETE FROM current_state WHERE room_num = ? AND type = ? AND state_key = ?",
        [(room_num, *address) for address, num in changes.items() if num is None],
    )


def _write_members(cursor: WriteCursor, completion: Completion, position: int) -> None:
    _put_members(cursor, completion.room.room_num, completion.members, position)
    deltas = (completion.joined_delta, completion.invited_delta, completion.local_joined_delta)
    cursor.run(_COUNTS, *deltas, completion.room.room_num)


def _put_members(cursor: WriteCursor, room_num: int, members: Sequence[tuple[StoredEvent, MemberChange]], position: int) -> None:
    rows = [(room_num, *_member_row(event, member, position)) for event, member in members]
    if rows:
        cursor.many(UPSERT_MEMBER, rows)


def _member_row(event: StoredEvent, member: MemberChange, position: int) -> tuple[object, ...]:
    came_in = position if member.membership == "join" != member.previous else None
    return (
        member.user_id, member.membership, member.previous, event.num, position, came_in, member.sender, int(member.is_local),
        member.displayname, member.avatar_url, member.stripped,
    )  # fmt: skip


def _announce(cursor: WriteCursor, completion: Completion, position: int) -> None:
    """Of members who were not known before only this is told: that the room is whole."""
    room_id = completion.room.room_id
    for event in (commit.event for commit in completion.revived):
        user_id = event.state_key if event.type == "m.room.member" else None
        cursor.announce(Change(event.position or 0, "event", room_id, user_id, event, len(event.body) + len(event.links)))
    for _, member in completion.members:
        if member.is_local or member.previous is not None:
            cursor.announce(Change(position, "event", room_id, member.user_id))
    cursor.announce(Change(position, WHOLE_ROOM, room_id, None, completion.news))
