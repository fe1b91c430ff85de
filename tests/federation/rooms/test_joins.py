"""Users come into rooms of other servers."""

import pytest

from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.federation.support.shared import enter, membership, messages, state
from tests.federation.support.sharing import say
from tests.federation.support.town import Town
from tests.support.rooms import create_room


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
