"""Invites that another server makes up: nothing but an invite is signed, and what is shown of the room is bounded and well formed."""

from typing import Any

import pytest

from federation.client import v1, v2
from federation.large_answers import parse_object
from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.federation.support.shared import synced
from tests.federation.support.signing import ask, signed
from tests.federation.support.town import Town
from tests.support.rooms import create_room, path

ROOM = "!made-up:b.test"
ALICE = "@alice:a.test"
REFERENCE = ["$" + "a" * 43]


def invite(town: Town, **lie: Any) -> tuple[str, dict[str, Any]]:
    pdu = {
        "type": "m.room.member",
        "room_id": ROOM,
        "sender": "@mallory:b.test",
        "state_key": ALICE,
        "content": {"membership": "invite"},
        "depth": 5,
        "origin_server_ts": town.clock.now_ms(),
        "prev_events": REFERENCE,
        "auth_events": REFERENCE,
        **lie,
    }
    return signed(town, pdu)


def body_of(pdu: dict[str, Any], shown: Any = (), version: str = "11") -> dict[str, Any]:
    return {"room_version": version, "event": pdu, "invite_room_state": list(shown) if isinstance(shown, tuple) else shown}


@pytest.mark.parametrize(
    "lie",
    [
        {"content": {"membership": "join"}},
        {"content": {"membership": "ban"}},
        {"content": {}},
        {"type": "m.room.power_levels", "state_key": "", "content": {"users": {"@mallory:b.test": 100}}},
        {"state_key": "@bob:b.test"},
        {"state_key": "@carol:c.test"},
        {"state_key": "nobody"},
        {"sender": ALICE},
        {"sender": "@carol:c.test"},
        {"room_id": "!other:b.test"},
        {"depth": 1.5},
        {"prev_events": "none"},
    ],
)
def test_only_invites_of_its_own_users_are_signed(town: Town, lie: dict[str, Any]) -> None:
    alice = town.user("a.test", "alice")
    if "depth" in lie:
        event_id, pdu = invite(town)
        pdu = {**pdu, **lie}
    else:
        event_id, pdu = invite(town, **lie)
    try:
        status, errcode, _ = ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu))
    except ValueError:
        return  # that could not even be sent
    assert (status, errcode[:2]) == (400, "M_"), errcode
    assert synced(town, "a.test", alice).get("invite", {}) == {}
    event_id, pdu = invite(town)
    status, _, body = ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu))
    assert status == 200
    assert set(parse_object(body)["event"]["signatures"]) == {"a.test", "b.test"}
    assert set(synced(town, "a.test", alice)["invite"]) == {ROOM}


def test_an_invite_with_a_changed_content_or_signature_is_refused(town: Town) -> None:
    town.user("a.test", "alice")
    event_id, pdu = invite(town)
    assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of({**pdu, "content": {"membership": "invite", "x": 1}}))[0] == 400
    assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of({**pdu, "signatures": {"b.test": {}}}))[0] == 400
    assert ask(town, "PUT", v2("invite", ROOM, "$" + "b" * 43), body_of(pdu))[0] == 400
    assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu, version="99"))[:2] == (400, "M_INCOMPATIBLE_ROOM_VERSION")
    assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu))[0] == 200


def test_what_is_shown_of_a_room_is_made_fit_for_clients(town: Town) -> None:
    alice = town.user("a.test", "alice")
    event_id, pdu = invite(town)
    name = {"type": "m.room.name", "state_key": "", "sender": "@mallory:b.test", "content": {"name": "Trap"}}
    shown = [
        name,
        {**name, "content": {"name": "Second"}},
        {**name, "state_key": 7},
        {**name, "type": ["x"]},
        {**name, "type": "m.room.topic", "content": "none"},
        {**name, "type": "m.room.topic", "sender": "nobody"},
        {"type": "m.room.member", "state_key": ALICE, "sender": ALICE, "content": {"membership": "join"}},
        {**name, "type": "m.room.avatar", "unsigned": {"secret": 1}, "event_id": "$x", "room_id": "!elsewhere:b.test"},
        "text",
        None,
        *({**name, "type": f"x.{number}", "content": {"text": "x" * 50_000}} for number in range(50)),
    ]
    assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu, shown))[0] == 200
    events = synced(town, "a.test", alice)["invite"][ROOM]["invite_state"]["events"]
    assert events[0]["content"] == {"name": "Trap"}
    assert [event["type"] for event in events][:3] == ["m.room.name", "m.room.avatar", "x.0"]
    assert all(set(event) == {"type", "state_key", "sender", "content"} for event in events)
    assert (events[-1]["state_key"], events[-1]["content"]) == (ALICE, {"membership": "invite"})
    assert len(events) < 10
    event_id, pdu = invite(town, depth=6)
    for wrong in ({"a": 1}, "text", 7):
        assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu, wrong))[0] == 400


def test_the_beginning_of_a_room_named_by_it_has_to_be_shown(town: Town) -> None:
    alice, mallory = town.user("a.test", "alice"), town.user("b.test", "mallory")
    room = create_room(town["b.test"], mallory, room_version="12")
    other = create_room(town["b.test"], mallory, room_version="12")
    creates = [
        event.event.pdu
        for each in (room, other)
        for event in town["b.test"].run(town["b.test"].parts.rooms.store.events(["$" + each[1:]])).values()
    ]
    _, pdu = invite(town, room_id=room)
    event_id, pdu = signed(town, pdu, ROOM_VERSIONS["12"])
    for shown in ([], [creates[1]], [{**creates[0], "content": {"room_version": "12", "more": 1}}]):
        status, errcode, _ = ask(town, "PUT", v2("invite", room, event_id), body_of(pdu, shown, "12"))
        assert (status, errcode) == (400, "M_INVALID_PARAM")
    assert ask(town, "PUT", v2("invite", room, event_id), body_of(pdu, [creates[0]], "12"))[0] == 200
    assert room in synced(town, "a.test", alice)["invite"]


def test_the_older_form_of_an_invite(town: Town) -> None:
    alice = town.user("a.test", "alice")
    name = {"type": "m.room.name", "state_key": "", "sender": "@mallory:b.test", "content": {"name": "Old"}}
    room, sender = "!old:b.test", "@mallory:b.test"
    version = ROOM_VERSIONS["1"]
    cited = [["$a:b.test", {"sha256": "aGFzaA"}]]
    _, pdu = signed(
        town,
        {
            "type": "m.room.member",
            "room_id": room,
            "sender": sender,
            "state_key": ALICE,
            "content": {"membership": "invite"},
            "depth": 5,
            "origin_server_ts": town.clock.now_ms(),
            "prev_events": cited,
            "auth_events": cited,
            "event_id": "$i:b.test",
        },
        version,
    )
    status, _, body = ask(town, "PUT", v1("invite", room, "$i:b.test"), {**pdu, "unsigned": {"invite_room_state": [name]}})
    assert (status, body[:5]) == (200, b"[200,")
    assert synced(town, "a.test", alice)["invite"][room]["invite_state"]["events"][0]["content"] == {"name": "Old"}


def test_a_made_up_invite_lets_nobody_in_and_can_be_turned_down(town: Town) -> None:
    alice = town.user("a.test", "alice")
    event_id, pdu = invite(town)
    assert ask(town, "PUT", v2("invite", ROOM, event_id), body_of(pdu))[0] == 200
    status, answer = town["a.test"].run(alice.post(path("join", ROOM)))
    assert (status, answer["errcode"]) == (404, "M_NOT_FOUND")
    town["a.test"].ok(alice.post(path("rooms", ROOM, "leave")))
    assert synced(town, "a.test", alice).get("invite", {}) == {}
    assert synced(town, "a.test", alice).get("join", {}) == {}
