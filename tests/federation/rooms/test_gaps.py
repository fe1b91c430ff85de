"""History that this server was not there for is fetched, and each user is shown of it what is for her."""

import pytest

from tests.federation.support.shared import enter, messages
from tests.federation.support.sharing import say
from tests.federation.support.town import Town
from tests.support.rooms import create_room, member, path


@pytest.mark.parametrize("visibility", ["world_readable", "shared", "invited", "joined"])
def test_of_what_was_said_while_he_was_out(town: Town, visibility: str) -> None:
    a, alice, bob = town["a.test"], town.user("a.test", "alice"), town.user("b.test", "bob")
    rule = {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}
    room = create_room(a, alice, preset="public_chat", initial_state=[rule])
    say(town, alice, room, "before he came")
    enter(town, "b.test", bob, room)
    say(town, alice, room, "while he was here")
    town.settle(1)
    town["b.test"].ok(bob.post(path("rooms", room, "leave")))
    town.settle(1)
    say(town, alice, room, "while he was out")
    member(a, alice, room, "invite", "@bob:b.test")
    town.settle(1)
    say(town, alice, room, "while he was invited")
    enter(town, "b.test", bob, room)
    say(town, alice, room, "when he was back")
    town.settle(1)
    everything = ["before he came", "while he was here", "while he was out", "while he was invited", "when he was back"]
    hidden = {"world_readable": (), "shared": (), "invited": (0, 2), "joined": (0, 2, 3)}[visibility]
    assert messages(town, "b.test", bob, room, limit=3) == [text for at, text in enumerate(everything) if at not in hidden]
    assert messages(town, "a.test", alice, room) == everything


def test_a_gap_too_wide_to_be_told_is_paged_through(town: Town) -> None:
    a, alice, bob = town["a.test"], town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(a, alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    said = ["before"]
    say(town, alice, room, said[0])
    town.settle(1)
    town.network.take_down("b.test")
    for number in range(230):
        said.append(f"{number}")
        say(town, alice, room, said[-1])
    town.settle(1)
    town.network.bring_up("b.test")
    town.settle(100, step=1)
    assert messages(town, "b.test", bob, room) == said
