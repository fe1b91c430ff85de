"""Users come into rooms of other servers."""

from pathlib import Path

import pytest

from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.federation.support.shared import enter, membership, messages, state
from tests.federation.support.sharing import say
from tests.federation.support.town import Town, town_of
from tests.support.rooms import create_room, path


@pytest.mark.parametrize("version", ROOM_VERSIONS)
def test_a_public_room_is_joined_and_spoken_in_both_ways(town: Town, version: str) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat", room_version=version, name="Both")
    say(town, alice, room, "before")
    enter(town, "b.test", bob, room)
    say(town, alice, room, "hello")
    say(town, bob, room, "hello yourself", server="b.test")
    town.settle(2)
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "join"
    assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)
    assert messages(town, "a.test", alice, room) == ["before", "hello", "hello yourself"]
    assert messages(town, "b.test", bob, room) == ["before", "hello", "hello yourself"]


def test_only_servers_that_are_named_are_asked(tmp_path: Path) -> None:
    with town_of(tmp_path, "a.test", "b.test", "c.test") as town:
        alice, bob, carol = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("c.test", "carol")
        room = create_room(town["a.test"], alice, preset="public_chat")
        enter(town, "b.test", bob, room)
        enter(town, "c.test", carol, room)
        town["c.test"].ok(carol.post(path("rooms", room, "leave")))
        town.settle(1)
        town.network.take_down("b.test")
        for named in ("?via=b.test", "?via=b.test&via=c.test"):
            assert town["c.test"].run(carol.post(path("join", room) + named))[0] == 502
        town["c.test"].ok(carol.post(path("join", room) + "?via=b.test&via=a.test"))
        town["c.test"].ok(carol.post(path("rooms", room, "leave")))
        town["c.test"].ok(carol.post(path("join", room)))  # to those who are known to be there
