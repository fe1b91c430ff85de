"""Users knock at rooms of other servers, and rooms that let in whom another room has."""

import pytest

from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.federation.support.shared import enter, membership, messages, state, synced
from tests.federation.support.sharing import say
from tests.federation.support.town import Town, town_of
from tests.support.rooms import create_room, member, path, refused

KNOCKING = [name for name, version in ROOM_VERSIONS.items() if version.knocking]
RESTRICTED = [name for name, version in ROOM_VERSIONS.items() if version.restricted_joins]


def rules(rule: str, *allowed: str) -> dict[str, object]:
    content: dict[str, object] = {"join_rule": rule}
    if allowed:
        content["allow"] = [{"type": "m.room_membership", "room_id": room} for room in allowed]
    return {"type": "m.room.join_rules", "state_key": "", "content": content}


@pytest.mark.parametrize("version", KNOCKING)
def test_who_knocks_is_let_in(town: Town, version: str) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, room_version=version, name="Closed", initial_state=[rules("knock")])
    town["b.test"].ok(bob.post(path("knock", room) + "?via=a.test", {"reason": "please"}))
    shown = synced(town, "b.test", bob)["knock"][room]["knock_state"]["events"]
    assert {event["type"] for event in shown} >= {"m.room.create", "m.room.name", "m.room.join_rules", "m.room.member"}
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "knock"
    member(town["a.test"], alice, room, "invite", "@bob:b.test")
    assert room in synced(town, "b.test", bob)["invite"]
    enter(town, "b.test", bob, room)
    town.settle(1)
    assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)


def test_a_knock_is_refused_or_taken_back(town: Town) -> None:
    alice, bob, ben = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("b.test", "ben")
    room = create_room(town["a.test"], alice, initial_state=[rules("knock")])
    for user in (bob, ben):
        town["b.test"].ok(user.post(path("knock", room) + "?via=a.test"))
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    town["b.test"].ok(ben.post(path("rooms", room, "leave")))
    town.settle(1)
    assert synced(town, "b.test", bob).get("knock", {}) == {}
    assert synced(town, "b.test", ben).get("knock", {}) == {}
    assert membership(town, "a.test", alice, room, "@ben:b.test") == "leave"


def test_nobody_knocks_where_knocking_is_not_the_rule(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat")
    refused(town["b.test"].run(bob.post(path("knock", room) + "?via=a.test")), 403, "M_FORBIDDEN")
    old = create_room(town["a.test"], alice, preset="private_chat", room_version="6")
    refused(town["b.test"].run(bob.post(path("knock", old) + "?via=a.test")), 400, "M_INCOMPATIBLE_ROOM_VERSION")


@pytest.mark.parametrize("version", RESTRICTED)
def test_members_of_another_room_may_join(town: Town, version: str) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    space = create_room(town["a.test"], alice, preset="public_chat")
    room = create_room(town["a.test"], alice, room_version=version, initial_state=[rules("restricted", space)])
    refused(town["b.test"].run(bob.post(path("join", room) + "?via=a.test")), 403, "M_FORBIDDEN")
    enter(town, "b.test", bob, space)
    enter(town, "b.test", bob, room)
    say(town, bob, room, "let in", server="b.test")
    town.settle(1)
    assert messages(town, "a.test", alice, room) == ["let in"]
    (event,) = (
        town["b.test"]
        .run(town["b.test"].parts.rooms.store.events([state(town, "b.test", bob, room)["m.room.member", "@bob:b.test"]]))
        .values()
    )
    assert set(event.event.pdu["signatures"]) == {"a.test", "b.test"}


def test_a_server_without_a_voucher_sends_its_user_to_another(tmp_path: object) -> None:
    with town_of(tmp_path, "a.test", "b.test", "c.test") as town:  # type: ignore[arg-type]
        alice, bob, ben = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("b.test", "ben")
        carol = town.user("c.test", "carol")
        space = create_room(town["a.test"], alice, preset="public_chat")
        room = create_room(
            town["a.test"],
            alice,
            room_version="11",
            power_level_content_override={"invite": 50},
            initial_state=[rules("restricted", space)],
        )
        for server, user in (("b.test", bob), ("b.test", ben), ("c.test", carol)):
            enter(town, server, user, space)
        enter(town, "b.test", bob, room)
        town["b.test"].ok(ben.post(path("join", room)))
        town.settle(1)
        assert membership(town, "a.test", alice, room, "@ben:b.test") == "join"
        status, answer = town["c.test"].run(carol.post(path("join", room) + "?via=b.test"))
        assert status == 502, answer
        status, answer = town["c.test"].run(carol.post(path("join", room) + "?via=b.test&via=a.test"))
        assert (status, answer) == (200, {"room_id": room})
        town.settle(1)
        assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room) == state(town, "c.test", carol, room)
