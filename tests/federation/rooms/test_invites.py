"""Users of other servers are invited, and say yes or no."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from config.federation import Federation
from federation.handshakes.invites import Invites
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.rooms.store import REJECTED, UNJUDGED, StoredEvent
from tests.federation.support.shared import enter, membership, messages, state, synced
from tests.federation.support.sharing import say, transactions
from tests.federation.support.town import Town, town_of
from tests.support.client import Client
from tests.support.rooms import V3, create_room, member, path


@pytest.mark.parametrize("version", ROOM_VERSIONS)
def test_an_invite_is_shown_with_what_the_room_is_and_can_be_accepted(town: Town, version: str) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat", room_version=version, name="Ours")
    assert member(town["a.test"], alice, room, "invite", "@bob:b.test") == (200, {})
    shown = synced(town, "b.test", bob)["invite"][room]["invite_state"]["events"]
    by_type = {(event["type"], event["state_key"]): event for event in shown}
    assert by_type["m.room.name", ""]["content"] == {"name": "Ours"}
    assert by_type["m.room.member", "@bob:b.test"]["content"]["membership"] == "invite"
    assert by_type["m.room.create", ""]["sender"] == "@alice:a.test"
    assert by_type["m.room.member", "@alice:a.test"]["content"]["membership"] == "join"
    enter(town, "b.test", bob, room)
    say(town, bob, room, "here", server="b.test")
    town.settle(2)
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "join"
    assert messages(town, "a.test", alice, room) == ["here"]
    rooms = synced(town, "b.test", bob)
    assert room in rooms["join"]
    assert room not in rooms.get("invite", {})
    invite = state_before(town, bob, room)
    assert invite.content["membership"] == "invite"
    assert not invite.flags & (UNJUDGED | REJECTED)


def state_before(town: Town, client: Client, room: str) -> StoredEvent:
    """The membership event that stood before bob's join."""
    rooms = town["b.test"].parts.rooms
    join = town["b.test"].run(rooms.store.events([state(town, "b.test", client, room)["m.room.member", "@bob:b.test"]])).popitem()[1]
    return town["b.test"].run(rooms.states.at(join.state_before or b"", [("m.room.member", "@bob:b.test")])).popitem()[1]


def test_people_are_invited_as_a_room_is_made(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="trusted_private_chat", invite=["@bob:b.test"], is_direct=True)
    events = synced(town, "b.test", bob)["invite"][room]["invite_state"]["events"]
    assert events[-1]["content"]["is_direct"] is True
    town["b.test"].ok(bob.post(path("join", room)))
    town.settle(1)
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "join"


def test_one_who_cannot_be_invited_to_a_new_room_keeps_it_from_nobody(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat", invite=["@nobody:nowhere.test", "@bob:b.test"])
    assert list(synced(town, "b.test", bob)["invite"]) == [room]
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "invite"
    assert ("m.room.member", "@nobody:nowhere.test") not in state(town, "a.test", alice, room)


def test_a_server_that_keeps_silent_keeps_nobody_from_a_new_room(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, asked, silence = town.user("a.test", "alice"), town.user("b.test", "bob"), Invites.invite, Deferred[None]()

    async def ask(invites: Invites, event: Event, shown: Sequence[Mapping[str, Any]]) -> None:
        await silence
        await asked(invites, event, shown)

    monkeypatch.setattr(Invites, "invite", ask)
    room = create_room(town["a.test"], alice, preset="private_chat", invite=["@bob:b.test"])
    assert ("m.room.member", "@bob:b.test") not in state(town, "a.test", alice, room)
    silence.callback(None)
    town.settle(1)
    assert list(synced(town, "b.test", bob)["invite"]) == [room]
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "invite"


@pytest.mark.parametrize(
    ("denied", "body", "errcode"),
    [(("b.test",), {}, "M_FORBIDDEN"), ((), {"power_level_content_override": {"invite": 200}}, "M_INVALID_ROOM_STATE")],
)
def test_what_is_certain_beforehand_makes_no_room(tmp_path: Path, denied: tuple[str, ...], body: dict[str, Any], errcode: str) -> None:
    with town_of(tmp_path, federation=Federation(enabled=True, denied_servers=denied)) as town:
        alice = town.user("a.test", "alice")
        status, answer = town["a.test"].run(alice.post(path("createRoom"), {"room_version": "11", "invite": ["@bob:b.test"], **body}))
        assert (status // 100, answer["errcode"]) == (4, errcode)
        assert town["a.test"].ok(alice.get(path("joined_rooms"))) == {"joined_rooms": []}


def test_an_invite_is_told_to_the_servers_in_the_room_alone(town: Town) -> None:
    """The other server has it already; a kick takes it back, of which it is told all the same."""

    def told() -> list[tuple[str, str]]:
        pdus = [pdu for body in transactions(town) for pdu in body["pdus"]]
        return [(pdu["state_key"], pdu["content"]["membership"]) for pdu in pdus if pdu["type"] == "m.room.member"]

    alice, bob, carl = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("b.test", "carl")
    room = create_room(town["a.test"], alice, preset="private_chat")
    for user_id in ("@bob:b.test", "@carl:b.test"):
        assert member(town["a.test"], alice, room, "invite", user_id) == (200, {})
    town.settle(2)
    assert told() == []
    assert member(town["a.test"], alice, room, "kick", "@carl:b.test") == (200, {})
    town.settle(2)
    assert told() == [("@carl:b.test", "leave")]
    assert room not in synced(town, "b.test", carl).get("invite", {})
    enter(town, "b.test", bob, room)
    assert member(town["a.test"], alice, room, "invite", "@carl:b.test") == (200, {})
    town.settle(2)
    assert told()[-1] == ("@carl:b.test", "invite")
    assert membership(town, "b.test", bob, room, "@carl:b.test") == "invite"


def test_an_invite_after_an_outage_is_told_once(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat")
    town.network.take_down("b.test")
    assert member(town["a.test"], alice, room, "invite", "@bob:b.test")[0] != 200
    town.network.bring_up("b.test")
    town.settle(7_200)
    assert member(town["a.test"], alice, room, "invite", "@bob:b.test") == (200, {})
    town.settle(2)
    assert transactions(town) == []
    enter(town, "b.test", bob, room)
    say(town, alice, room, "welcome")
    town.settle(2)
    assert messages(town, "b.test", bob, room) == ["welcome"]


def test_an_invite_is_rejected_and_the_inviter_is_told(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat")
    member(town["a.test"], alice, room, "invite", "@bob:b.test")
    since = town["b.test"].ok(bob.get(V3 + "/sync"))["next_batch"]
    town["b.test"].ok(bob.post(path("rooms", room, "leave")))
    town.settle(1)
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "leave"
    answer = town["b.test"].ok(bob.get(V3 + "/sync", {"since": since}))["rooms"]
    assert [event["content"]["membership"] for event in answer["leave"][room]["timeline"]["events"]] == ["leave"]
    assert room not in synced(town, "b.test", bob).get("invite", {})
    member(town["a.test"], alice, room, "invite", "@bob:b.test")
    assert room in synced(town, "b.test", bob)["invite"]


def test_an_invite_is_rejected_though_the_inviter_is_away(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat")
    member(town["a.test"], alice, room, "invite", "@bob:b.test")
    town.network.take_down("a.test")
    town["b.test"].ok(bob.post(path("rooms", room, "leave")))
    assert synced(town, "b.test", bob).get("invite", {}) == {}


def test_an_invite_is_taken_back(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat")
    member(town["a.test"], alice, room, "invite", "@bob:b.test")
    assert room in synced(town, "b.test", bob)["invite"]
    since = town["b.test"].ok(bob.get(V3 + "/sync"))["next_batch"]
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    town.settle(1)
    assert synced(town, "b.test", bob).get("invite", {}) == {}
    every = town["b.test"].ok(bob.get(V3 + "/sync", {"filter": '{"room":{"include_leave":true}}'}))["rooms"]["leave"][room]
    (end,) = every["timeline"]["events"]
    assert (end["sender"], end["state_key"], end["content"]["membership"]) == ("@alice:a.test", "@bob:b.test", "leave")
    left = town["b.test"].ok(bob.get(V3 + "/sync", {"since": since}))["rooms"]["leave"][room]
    assert ([event["event_id"] for event in left["timeline"]["events"]], left["state"]["events"]) == ([end["event_id"]], [])
    after = town["b.test"].ok(bob.get(V3 + "/sync", {"since": since, "use_state_after": "true"}))["rooms"]["leave"][room]
    assert [event["event_id"] for event in after["state_after"]["events"]] == [end["event_id"]]


def test_an_invite_is_not_taken_back_by_another(town: Town) -> None:
    """Whether he has the power to, bob's server cannot know."""
    alice, carol, bob = town.user("a.test", "alice"), town.user("a.test", "carol"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat", power_level_content_override={"invite": 0})
    town["a.test"].ok(carol.post(path("join", room)))
    member(town["a.test"], carol, room, "invite", "@bob:b.test")
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    town.settle(1)
    assert room in synced(town, "b.test", bob)["invite"]


def test_nothing_is_stored_of_an_invite_that_the_other_server_refuses(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="private_chat")
    config = {"default_action": "block"}
    town["b.test"].ok(bob.put(path("user", "@bob:b.test", "account_data", "m.invite_permission_config"), config))
    status, answer = member(town["a.test"], alice, room, "invite", "@bob:b.test")
    assert (status, answer["errcode"]) == (403, "M_INVITE_BLOCKED")
    assert membership(town, "a.test", alice, room, "@bob:b.test") is None
    town.network.take_down("b.test")
    status, answer = member(town["a.test"], alice, room, "invite", "@carol:b.test")
    assert status == 502
    assert membership(town, "a.test", alice, room, "@carol:b.test") is None


def test_who_is_in_the_room_already_sees_others_of_his_server_invited(town: Town) -> None:
    alice, bob, ben = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("b.test", "ben")
    room = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    assert member(town["a.test"], alice, room, "invite", "@ben:b.test") == (200, {})
    town.settle(1)
    assert membership(town, "b.test", bob, room, "@ben:b.test") == "invite"
    assert room in synced(town, "b.test", ben)["invite"]
    town["b.test"].ok(ben.post(path("join", room)))
    town.settle(1)
    assert membership(town, "a.test", alice, room, "@ben:b.test") == "join"
