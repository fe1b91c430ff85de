"""What a room leaves behind when it becomes whole is collected, and the room is read and goes on as before (`rooms/partial/collect.py`)."""

from typing import Any

import pytest

from homeserver.protocol.event import Draft
from homeserver.rooms.partial.collect import GRACE_MS, PERIOD_S
from homeserver.rooms.partial.store import Completion
from storage.database import Cursor, StorageUnavailable
from tests.federation.rooms.partial.halved import ELSIE, Halved
from tests.federation.support.shared import state
from tests.federation.support.town import Town
from tests.support.rooms import path

MEMBER = "m.room.member"


def stored(town: Town) -> dict[bytes, bytes]:
    def ask(cursor: Cursor) -> dict[bytes, bytes]:
        return {row[0]: row[1] for row in cursor.all("SELECT node_id, body FROM state_nodes")}

    async def read() -> dict[bytes, bytes]:
        return await town["b.test"].database.read(ask)

    return town.run(read())


def states(town: Town, room_id: str) -> dict[str, list[list[int]]]:
    """Of every event of the room, those that it stands in, read from the database."""
    parts = town["b.test"].parts
    parts.rooms.states._nodes.clear()

    def ask(cursor: Cursor) -> list[Any]:
        return cursor.all(
            "SELECT event_id, state_before, state_after, shown_before, shown_after FROM events WHERE state_before IS NOT NULL"
        )

    async def read() -> dict[str, list[list[int]]]:
        found = await town["b.test"].database.read(ask)
        return {row[0]: [sorted(await parts.rooms.states.all_numbers(root)) for root in row[1:] if root is not None] for row in found}

    return town.run(read())


def halved(town: Town) -> Halved:
    """Elsie speaks, and changes her name, before the room is whole."""
    half = Halved(town)
    for number in range(3):
        spoken = half.forge(Draft("m.room.message", ELSIE, {"body": f"{number}"}), auth={(MEMBER, ELSIE): half.joins[ELSIE]})
        half.keep(spoken)
        half.send(spoken)
    return half


def test_two_looks(town: Town) -> None:
    half = halved(town)
    half.let_in()
    assert not half.is_partial()
    before, nodes = states(town, half.room_id), stored(town)
    town.clock.advance(PERIOD_S)
    town.settle(5)
    assert stored(town) == nodes
    town.clock.advance(GRACE_MS / 1000)
    town.settle(5)
    town.clock.advance(PERIOD_S)
    town.settle(5)
    assert stored(town).items() < nodes.items()
    assert states(town, half.room_id) == before
    town["b.test"].ok(
        half.bob.put(path("rooms", half.room_id, "state", MEMBER, "@bob:b.test"), {"membership": "join", "displayname": "Robert"})
    )
    town.settle(2)
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)
    assert len(states(town, half.room_id)) > len(before)


def test_a_last_write_that_comes_to_light_after_all(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is built on the state in part that the room's head had."""
    half = halved(town)
    store = town["b.test"].parts.rooms.partial.store
    finish, failed = store.finish, list[bool]()

    async def lost(completion: Completion) -> None:
        await finish(completion)
        if not failed:
            failed.append(True)
            raise StorageUnavailable("the connection went with the answer")

    monkeypatch.setattr(store, "finish", lost)
    half.let_in()
    assert failed
    town["b.test"].ok(
        half.bob.put(path("rooms", half.room_id, "state", MEMBER, "@bob:b.test"), {"membership": "join", "displayname": "Robert"})
    )
    town.settle(2)
    assert not half.is_partial()
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)


def test_events_that_were_announced_in_part_are_asked_of_the_store_before_anything_goes(town: Town) -> None:
    half = halved(town)
    streams = town["b.test"].parts.ground.streams
    since = streams.position - 1
    assert streams.recent(since)
    half.let_in()
    assert streams.recent(since)  # services that are behind miss none of what is told from memory alone
    town.clock.advance(PERIOD_S)
    town.settle(5)
    assert streams.recent(since) is None
    assert streams.recent(streams.position) == []
