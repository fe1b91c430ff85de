"""Whose names stand for a room, on every driver: asked of one room or of many, of small and of large ones, it is the same."""

import pytest

from storage import timelines
from storage.database import Database
from storage.event_rows import RoomNames
from storage.timelines import StoredTimelines
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE, BOB, EVE, IDA = "@alice:test", "@bob:test", "@eve:elsewhere", "@ida:test"
ROOMS = {
    "!a": {ALICE: "join", EVE: "join", BOB: "invite", IDA: "join"},
    "!b": {ALICE: "join", IDA: "ban", BOB: "leave", EVE: "knock"},
    "!c": {ALICE: "join"},
    "!d": {IDA: "leave", ALICE: "join", BOB: "join"},
}
HEROES = {"!a": [EVE, BOB], "!b": [IDA, BOB], "!c": [], "!d": [BOB]}


@pytest.mark.parametrize("few", [0, 1, 200])
def test_heroes(loop: ThreadLoop, database: Database, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "FEW_MEMBERS", few)
    rows = Rows(database)
    for room_id, members in ROOMS.items():
        loop.run(rows.room(room_id))
        for user_id, membership in members.items():
            loop.run(rows.member(room_id, user_id, membership))
    loop.run(rows.sql("UPDATE memberships SET num = position"))
    present = "SELECT count(*) FROM memberships m WHERE m.room_num = rooms.room_num AND membership = 'join'"
    loop.run(rows.sql(f"UPDATE rooms SET joined_count = ({present})"))
    store = StoredTimelines(database, RoomNames())
    assert loop.run(store.heroes(list(ROOMS), ALICE, 2)) == HEROES
    for room_id, heroes in HEROES.items():
        assert loop.run(store.heroes([room_id], ALICE, 2)) == {room_id: heroes}
