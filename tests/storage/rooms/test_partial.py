"""Rooms known in part, on every driver: what is written with an event, what is read after a restart, and the one write that makes a room whole."""

from collections.abc import Sequence
from typing import Any

import pytest

from homeserver.protocol.room_versions import room_version
from homeserver.rooms.partial.store import PARTIAL_ROOM, WHOLE_ROOM, Completion, PartialRecord, WholeNews
from homeserver.rooms.store import (
    PARTIAL,
    REDACTED,
    REJECTED,
    EventCommit,
    Lineage,
    MemberChange,
    Redaction,
    Relation,
    RoomRecord,
    StoredEvent,
)
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.federation.partial_rooms import StoredPartialRooms
from storage.federation.withheld import KEPT_MS
from storage.members import Members
from storage.rooms import StoredRooms
from storage.timelines import StoredTimelines
from storage.upkeep import StoredUpkeep
from tests.storage.rooms.rows import ROOM, Rooms
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop

BOB, ANN, EVE = "@bob:test", "@ann:far.test", "@eve:far.test"
V12 = room_version("12")
NEWS = WholeNews(frozenset({"far.test"}), frozenset({EVE}))


class Bench:
    """Bob's join in part, a refused message upon it, and eve, who was thought to be there."""

    def __init__(self, rooms: Rooms, loop: ThreadLoop, streams: Streams) -> None:
        self.run, self.streams, database = loop.run, streams, rooms.database
        self.store = StoredRooms(database, rooms.names, SeededChance())
        self.run(self.store.open())
        self.partial = StoredPartialRooms(database, rooms.names)
        self.members, self.timelines = Members(database, rooms.names), StoredTimelines(database, rooms.names)
        self.told: list[Change] = []
        streams.subscribe(self.told.extend)
        self.join = self.event(1, "m.room.member", BOB, PARTIAL)
        self.message = self.event(2, "m.room.message", None, PARTIAL | REJECTED)
        self.eve = self.event(3, "m.room.member", EVE, 0)
        entrance = self.commit(self.join, servers=("far.test", "other.test"), root=b"part", becomes_extremity=True)
        entrance.member = MemberChange(BOB, "join", None, BOB, True, None, None)
        entrance.others = [(self.eve, MemberChange(EVE, "join", None, EVE, False, None, None))]
        entrance.joined_delta, entrance.local_joined_delta = 2, 1
        self.run(self.store.commit([self.commit(self.eve)]))
        self.run(self.store.commit([entrance, self.commit(self.message)]))

    def event(self, num: int, type: str, state_key: str | None, flags: int) -> StoredEvent:
        return StoredEvent(
            num, 1, None, num, flags, 0, 0, type, BOB, state_key, f"${num}", None, None, b"part", None, b'"type":"x"', b"", ROOM, V12
        )

    def commit(self, event: StoredEvent, **more: Any) -> EventCommit:
        return EventCommit(event, Lineage(), **{"becomes_extremity": False, **more})

    def finish(self, restored: Sequence[EventCommit] = ()) -> None:
        room = self.run(self.store.room(ROOM))
        assert isinstance(room, RoomRecord)
        judged = self.run(self.partial.events(ROOM))
        for event in judged:
            event.flags, event.state_before = event.flags & ~(PARTIAL | REJECTED), b"all"
        ann = self.event(4, "m.room.member", ANN, 0)
        self.run(self.store.commit([self.commit(ann)]))
        members = [
            (ann, MemberChange(ANN, "join", None, ANN, False, "Ann", None)),
            (self.eve, MemberChange(EVE, "leave", "join", EVE, False, None, None)),
        ]
        self.told.clear()
        self.run(
            self.partial.finish(
                Completion(
                    room, judged, [self.commit(event, is_known=True) for event in judged if event.num == 2], [], restored,
                    {b"node": b"body"}, (), b"root", (1,), (2,),
                    {("m.room.name", ""): 4}, members, 0, 0, 0, NEWS,
                )
            )
        )  # fmt: skip


@pytest.fixture
def bench(rooms: Rooms, loop: ThreadLoop, streams: Streams) -> Bench:
    return Bench(rooms, loop, streams)


def test_what_is_written_with_an_event(bench: Bench) -> None:
    assert bench.run(bench.partial.rooms()) == [PartialRecord(ROOM, ["far.test", "other.test"], 0)]
    assert [event.num for event in bench.run(bench.partial.events(ROOM))] == [1, 2]
    assert [change.subject for change in bench.told if change.kind == PARTIAL_ROOM] == [("far.test", "other.test")]


def test_a_room_becomes_whole_at_once(bench: Bench) -> None:
    bench.finish()
    (record,) = bench.run(bench.partial.rooms())
    assert (record.servers, record.whole_position) == ((), bench.streams.position)
    assert bench.run(bench.partial.events(ROOM)) == []
    events = bench.run(bench.store.events(["$1", "$2"]))
    assert all(event.state_before == b"all" and event.is_shown for event in events.values())
    assert events["$2"].position == bench.streams.position - 1
    assert events["$2"].shown_after == b"root"  # the last: what clients know from here on
    head = bench.run(bench.store.head(ROOM))
    assert head is not None
    assert (head.root, [end.num for end in head.extremities]) == (b"root", [2])
    assert bench.run(bench.store.nodes([b"node"])) == {b"node": b"body"}
    assert bench.run(bench.timelines.roots_at([(ROOM, bench.streams.position)])) == [b"root"]


def test_who_is_in_it_and_who_is_told(bench: Bench) -> None:
    bench.finish()
    members = {member.user_id: member for member in bench.run(bench.members.members(ROOM))}
    assert {user_id: member.membership for user_id, member in members.items()} == {ANN: "join", BOB: "join", EVE: "leave"}
    assert members[ANN].joined_position == bench.streams.position
    assert members[ANN].displayname == "Ann"
    told = [(change.kind, change.user_id) for change in bench.told]
    assert told == [("event", None), ("event", EVE), (WHOLE_ROOM, None)]  # nothing of ann, who was not known to be missing
    assert bench.told[-1].subject == NEWS


def test_members_may_be_written_ahead(bench: Bench) -> None:
    room = bench.run(bench.store.room(ROOM))
    assert isinstance(room, RoomRecord)
    position, bench.told[:] = bench.streams.position, []
    for _ in range(2):
        bench.run(bench.partial.put_members(room, [(bench.eve, MemberChange(ANN, "join", None, ANN, False, None, None))]))
    members = {member.user_id: member for member in bench.run(bench.members.members(ROOM))}
    assert (members[ANN].membership, members[ANN].joined_position) == ("join", position)
    assert (bench.told, bench.streams.position) == ([], position)


def test_a_room_may_be_entered_in_part_again(bench: Bench, database: Database) -> None:
    bench.finish()
    again = bench.commit(bench.event(5, "m.room.member", BOB, PARTIAL), servers=("other.test",))
    bench.run(bench.store.commit([again]))
    assert bench.run(bench.partial.rooms()) == [PartialRecord(ROOM, ["other.test"], 0)]


def redacted(bench: Bench, *, first: bool) -> StoredEvent:
    """An answer in a thread, redacted by an event that may fall; by one that came `first`."""
    answer, redaction = bench.event(6, "m.room.message", None, 0), bench.event(7, "m.room.redaction", None, PARTIAL)
    answer.thread, answer.notifies = "$2", 1
    relation, before = Relation("$2", "m.thread", None), (answer.body, answer.links)
    if first:
        bench.run(bench.store.commit([bench.commit(redaction, redaction=Redaction("$6"))]))
        answer.body, answer.flags, answer.redacted_by, answer.notifies = b"-", REDACTED, 7, 0
        bench.run(bench.store.commit([bench.commit(answer, withheld=before, highlights=[BOB])]))
    else:
        bench.run(bench.store.commit([bench.commit(answer, relation=relation, highlights=[BOB])]))
        for is_known in (False, True):  # what is emptied already is not kept as what it was
            bench.run(bench.store.commit([bench.commit(redaction, redaction=Redaction("$6", 6, b"-", b"-"), is_known=is_known)]))
    (stored,) = bench.run(bench.store.events(["$6"])).values()
    assert (bytes(stored.body), stored.redacted_by) == (b"-", 7)
    return stored


def verdicts(bench: Bench, database: Database) -> list[int]:
    return [row[0] for row in bench.run(database.scan(lambda cursor: cursor.all("SELECT position FROM verdicts")))]


@pytest.mark.parametrize("first", [False, True])
def test_what_was_redacted_is_as_it_was(bench: Bench, database: Database, *, first: bool) -> None:
    stored = redacted(bench, first=first)
    assert verdicts(bench, database) == []
    (found,) = bench.run(bench.partial.withheld(ROOM))
    assert (found.num, found.body, found.links) == (6, b'"type":"x"', b"")
    found.flags, found.redacted_by, found.notifies = found.flags & ~REDACTED, None, 1
    bench.finish([bench.commit(found, relation=Relation("$2", "m.thread", None), highlights=[BOB])])
    (again,) = bench.run(bench.store.events(["$6"])).values()
    assert (bytes(again.body), again.flags, again.redacted_by, again.notifies) == (b'"type":"x"', 0, None, 1)
    assert verdicts(bench, database) == [stored.position]
    threads = bench.run(database.scan(lambda cursor: cursor.all("SELECT root_id, latest_num FROM threads")))
    assert [tuple(row) for row in threads] == [("$2", 6)]
    assert [change.subject for change in bench.told if change.kind == "redacted"] == [6]
    assert bench.run(bench.partial.withheld(ROOM)) == []


def test_what_was_redacted_is_not_kept_for_ever(bench: Bench, database: Database) -> None:
    redacted(bench, first=False)
    upkeep = StoredUpkeep(database)
    assert bench.run(upkeep.forget_withheld_events(1_000, 10)) == 0
    assert bench.run(upkeep.forget_withheld_events(1_000 + KEPT_MS, 10)) == 0
    assert len(bench.run(bench.partial.withheld(ROOM))) == 1
    assert bench.run(upkeep.forget_withheld_events(1_001 + KEPT_MS, 10)) == 1
    assert bench.run(bench.partial.withheld(ROOM)) == []
