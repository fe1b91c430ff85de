"""The member store, and who stands for a room, on every driver."""

from typing import Any

import pytest

from homeserver.rooms.member_store import FORGOTTEN
from homeserver.streams import Change, Streams
from storage import timelines
from storage.database import Database
from storage.event_rows import RoomNames
from storage.members import Members
from storage.timelines import StoredTimelines
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE, BOB, EVE, IDA = "@alice:test", "@bob:test", "@eve:elsewhere", "@ida:test"


def fill(loop: ThreadLoop, database: Database) -> Members:
    rows = Rows(database)
    members: tuple[tuple[str, dict[str, Any]], ...] = (
        ("!a", {ALICE: "join", BOB: "join", EVE: "join"}),
        ("!b", {ALICE: "join", BOB: "leave", EVE: "ban"}),
        ("!c", {ALICE: "invite", BOB: "join"}),
    )
    for room_id, of_room in members:
        loop.run(rows.room(room_id))
        for user_id, membership in of_room.items():
            loop.run(rows.member(room_id, user_id, membership, displayname=user_id[1:4]))
    return Members(database, RoomNames())


def test_by_room(loop: ThreadLoop, database: Database) -> None:
    members = fill(loop, database)
    assert loop.run(members.is_joined("!a", ALICE))
    assert not loop.run(members.is_joined("!c", ALICE))
    assert not loop.run(members.is_joined("!unknown", ALICE))
    assert loop.run(members.local_joined("!a")) == [ALICE, BOB]
    assert loop.run(members.joined_users("!a")) == [ALICE, BOB, EVE]
    assert loop.run(members.joined_users("!unknown")) == []
    assert [record.user_id for record in loop.run(members.joined_members("!b"))] == [ALICE]
    assert [record.membership for record in loop.run(members.members("!b"))] == ["join", "leave", "ban"]
    assert [record.user_id for record in loop.run(members.members("!b", ("leave", "ban")))] == [BOB, EVE]
    record = loop.run(members.member("!c", ALICE))
    assert record is not None
    assert (record.room_id, record.membership, record.displayname, record.forgotten) == ("!c", "invite", "ali", False)
    assert loop.run(members.member("!c", EVE)) is None


def test_by_user(loop: ThreadLoop, database: Database) -> None:
    members = fill(loop, database)
    assert loop.run(members.joined_rooms(ALICE)) == ["!a", "!b"]
    assert (loop.run(members.count_joined(ALICE)), loop.run(members.count_joined("@nobody:test"))) == (2, 0)
    assert [record.room_id for record in loop.run(members.memberships_of(BOB))] == ["!a", "!b", "!c"]
    assert [record.room_id for record in loop.run(members.memberships_of(ALICE, ("invite", "knock")))] == ["!c"]
    inside = loop.run(members.memberships_in(BOB, ["!c", "!b", "!unknown"]))
    assert [(record.room_id, record.membership) for record in inside] == [("!b", "leave"), ("!c", "join")]
    assert loop.run(members.memberships_in(EVE, ["!c"])) == []
    assert loop.run(members.shares_room(ALICE, EVE))
    assert loop.run(members.shared_rooms(ALICE, BOB)) == ["!a"]
    assert loop.run(members.room_mates(BOB)) == [ALICE, EVE]
    first, last = loop.run(members.memberships_of(BOB))[0].position, loop.run(members.memberships_of(BOB))[-1].position
    assert [record.room_id for record in loop.run(members.changed_memberships(BOB, first, last))] == ["!b", "!c"]
    assert loop.run(members.changed_memberships(BOB, last, last + 9)) == []


def test_forgetting(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    members = fill(loop, database)
    heard: list[Change] = []
    streams.subscribe(heard.extend)
    for room_id, user_id in (("!b", BOB), ("!b", BOB), ("!a", BOB), ("!unknown", BOB), ("!b", EVE)):
        loop.run(members.forget(room_id, user_id))
    assert [(change.kind, change.room_id, change.user_id) for change in heard] == [(FORGOTTEN, "!b", BOB), (FORGOTTEN, "!b", EVE)]
    assert [record.room_id for record in loop.run(members.memberships_of(BOB))] == ["!a", "!c"]
    assert [record.room_id for record in loop.run(members.memberships_of(BOB, with_forgotten=True))] == ["!a", "!b", "!c"]


STAFFED = {
    "!a": {ALICE: "join", EVE: "join", BOB: "invite", IDA: "join"},
    "!b": {ALICE: "join", IDA: "ban", BOB: "leave", EVE: "knock"},
    "!c": {ALICE: "join"},
    "!d": {IDA: "leave", ALICE: "join", BOB: "join"},
}
HEROES = {"!a": [EVE, BOB], "!b": [IDA, BOB], "!c": [], "!d": [BOB]}


@pytest.mark.parametrize("few", [0, 1, 200])
def test_heroes(loop: ThreadLoop, database: Database, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked of one room or of many, of small and of large ones, they are the same."""
    monkeypatch.setattr(timelines, "FEW_MEMBERS", few)
    rows = Rows(database)
    for room_id, members in STAFFED.items():
        loop.run(rows.room(room_id))
        for user_id, membership in members.items():
            loop.run(rows.member(room_id, user_id, membership))
    loop.run(rows.sql("UPDATE memberships SET num = position"))
    present = "SELECT count(*) FROM memberships m WHERE m.room_num = rooms.room_num AND membership = 'join'"
    loop.run(rows.sql(f"UPDATE rooms SET joined_count = ({present})"))
    store = StoredTimelines(database, RoomNames())
    assert loop.run(store.heroes(list(STAFFED), ALICE, 2)) == HEROES
    for room_id, heroes in HEROES.items():
        assert loop.run(store.heroes([room_id], ALICE, 2)) == {room_id: heroes}
