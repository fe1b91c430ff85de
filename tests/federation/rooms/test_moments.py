"""The event nearest to a moment, in a room that was there long before this server came: others know it, and then so do we."""

from typing import Any

import pytest

from tests.federation.support.asking import say
from tests.federation.support.shared import enter
from tests.federation.support.town import Town
from tests.support.client import Client
from tests.support.rooms import create_room, path

ALICE = "@alice:a.test"
Setting = tuple[Town, Client, str, dict[int, str]]


@pytest.fixture
def setting(town: Town) -> Setting:
    """A room in which alice said something every minute for three hours; then bob of b.test came."""
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room_id = create_room(town["a.test"], alice, preset="public_chat")
    said = {}
    for number in range(180):
        town.clock.advance(60)
        event_id = say(town, room_id, ALICE, str(number))
        said[town.clock.now_ms()] = event_id
    town.clock.advance(60)
    enter(town, "b.test", bob, room_id)
    return town, bob, room_id, said


def nearest(setting: Setting, ts: int, direction: str) -> tuple[int, Any]:
    town, bob, room_id, _ = setting
    return town.run(bob.get(f"/_matrix/client/v1/rooms/{room_id}/timestamp_to_event", {"ts": ts, "dir": direction}))


def test_a_moment_before_we_came(setting: Setting) -> None:
    town, bob, room_id, said = setting
    ts, event_id = list(said.items())[20]
    assert nearest(setting, ts - 30_000, "f") == (200, {"event_id": event_id, "origin_server_ts": ts})
    context = town["b.test"].ok(bob.get(path("rooms", room_id, "context", event_id)))
    assert context["event"]["content"]["body"] == "20"
    assert nearest(setting, ts + 30_000, "b") == (200, {"event_id": event_id, "origin_server_ts": ts})
    assert nearest(setting, 0, "b")[0] == 404
    assert nearest(setting, town.clock.now_ms() + 1, "f")[0] == 404


def test_who_knows_more_may_be_gone(setting: Setting) -> None:
    town, _, _, said = setting
    town.network.cut("a.test", "b.test")
    status, answer = nearest(setting, list(said)[20], "f")
    assert (status, answer["origin_server_ts"] > max(said)) == (200, True)
