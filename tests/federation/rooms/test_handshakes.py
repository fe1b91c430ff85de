"""What other servers may do by handshakes, and what not: every lie beside an honest control."""

from typing import Any
from urllib.parse import quote

import pytest

from federation.client import v1
from federation.handshakes.template import complete, read_template
from federation.large_answers import parse_object
from tests.federation.support.shared import enter, membership, messages, state, synced
from tests.federation.support.sharing import say
from tests.federation.support.signing import ask, signed
from tests.federation.support.town import Town
from tests.support.rooms import create_room, path

USER = "@bob:b.test"


def proposal(town: Town, room: str, kind: str, **more: Any) -> dict[str, Any]:
    """bob's own event, as a.test would have it."""
    identity = town["b.test"].parts.ground.identity
    _, _, body = ask(town, "GET", v1("make_join", room, USER) + "?ver=11")
    template = read_template(parse_object(body), "a.test")
    content = {"membership": kind, **more}
    return complete(template, room, USER, content, identity=identity, now_ms=town.clock.now_ms(), token="").pdu


def end_of(end: str, room: str, event_id: str) -> str:
    segments = ("v1" if end == "send_knock" else "v2", end, room, event_id)
    return "/_matrix/federation/" + "/".join(quote(segment, safe="") for segment in segments)


def test_a_server_speaks_for_its_own_users_alone(town: Town) -> None:
    alice = town.user("a.test", "alice")
    room = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    for question in ("make_join", "make_leave", "make_knock"):
        assert ask(town, "GET", v1(question, room, "@alice:a.test") + "?ver=11")[:2] == (403, "M_FORBIDDEN")
    assert ask(town, "GET", v1("make_join", "!none:a.test", USER) + "?ver=11")[:2] == (404, "M_NOT_FOUND")
    assert ask(town, "GET", v1("make_join", room, USER) + "?ver=10")[:2] == (400, "M_INCOMPATIBLE_ROOM_VERSION")
    assert ask(town, "GET", v1("make_join", room, USER))[:2] == (400, "M_INCOMPATIBLE_ROOM_VERSION")
    assert ask(town, "GET", v1("make_join", room, USER) + "?ver=1&ver=11")[0] == 200


@pytest.mark.parametrize("end", ["send_join", "send_leave", "send_knock"])
@pytest.mark.parametrize(
    "lie",
    [
        {"content": {"membership": "ban"}},
        {"content": {"membership": "invite"}, "state_key": "@ben:b.test"},
        {"type": "m.room.topic", "state_key": "", "content": {"topic": "x"}},
        {"state_key": "@ben:b.test"},
        {"sender": "@alice:a.test", "state_key": "@alice:a.test"},
        {"depth": -1},
        {"room_id": "!other:a.test"},
        {"content": {}},
        {"auth_events": []},
        {"prev_events": []},
    ],
)
def test_only_the_right_event_ends_a_handshake(town: Town, end: str, lie: dict[str, Any]) -> None:
    alice = town.user("a.test", "alice")
    room = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    before = state(town, "a.test", alice, room)
    event_id, pdu = signed(town, {**proposal(town, room, end.removeprefix("send_")), **lie})
    status, errcode, _ = ask(town, "PUT", end_of(end, room, event_id), pdu)
    assert status in (400, 403), (status, errcode)
    assert errcode.startswith("M_")
    assert state(town, "a.test", alice, room) == before
    event_id, pdu = signed(town, proposal(town, room, "join"))
    assert ask(town, "PUT", end_of("send_join", room, event_id), pdu)[0] == 200
    assert membership(town, "a.test", alice, room, USER) == "join"
    town["a.test"].ok(alice.put(path("rooms", room, "send", "m.room.message", "1"), {"msgtype": "m.text", "body": "still here"}))
    assert synced(town, "a.test", alice)["join"].keys() == {room}


@pytest.mark.parametrize("spoil", ["id", "signature", "hash"])
def test_an_event_that_is_not_what_it_says_is_refused(town: Town, spoil: str) -> None:
    alice = town.user("a.test", "alice")
    room = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    event_id, pdu = signed(town, proposal(town, room, "join"))
    if spoil == "id":
        event_id = "$" + "a" * 43
    elif spoil == "hash":
        pdu = {**pdu, "content": {"membership": "join", "displayname": "Changed"}}
    else:
        pdu = {**pdu, "signatures": {"b.test": dict.fromkeys(pdu["signatures"]["b.test"], "a" * 86)}}
    assert ask(town, "PUT", end_of("send_join", room, event_id), pdu)[0] in (400, 403)
    assert membership(town, "a.test", alice, room, USER) is None


def test_a_join_into_a_restricted_room_is_not_vouched_for_without_reason(town: Town) -> None:
    alice = town.user("a.test", "alice")
    space = create_room(town["a.test"], alice, preset="public_chat")
    allow = [{"type": "m.room_membership", "room_id": space}]
    rules = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "restricted", "allow": allow}}
    room = create_room(town["a.test"], alice, room_version="11", initial_state=[rules])
    public = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    assert ask(town, "GET", v1("make_join", room, USER) + "?ver=11")[:2] == (403, "M_FORBIDDEN")
    by_type = state(town, "a.test", alice, room)
    cited = [by_type[address] for address in (("m.room.create", ""), ("m.room.power_levels", ""), ("m.room.join_rules", ""))]
    for voucher in ({}, {"join_authorised_via_users_server": "@alice:a.test"}, {"join_authorised_via_users_server": "@bob:b.test"}):
        lie = {
            "room_id": room,
            "auth_events": [*cited, by_type["m.room.member", "@alice:a.test"]],
            "prev_events": [by_type["m.room.join_rules", ""]],
        }
        event_id, pdu = signed(town, {**proposal(town, public, "join", **voucher), **lie})
        assert ask(town, "PUT", end_of("send_join", room, event_id), pdu)[0] in (400, 403)
        assert membership(town, "a.test", alice, room, USER) is None


def test_who_was_in_a_room_that_this_server_has_left_is_not_known(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    space = create_room(town["b.test"], bob, preset="public_chat")
    enter(town, "a.test", alice, space, via="b.test")
    allow = [{"type": "m.room_membership", "room_id": space}]
    rules = {"type": "m.room.join_rules", "state_key": "", "content": {"join_rule": "restricted", "allow": allow}}
    room = create_room(town["a.test"], alice, room_version="11", initial_state=[rules])
    assert ask(town, "GET", v1("make_join", room, "@bob:b.test") + "?ver=11")[0] == 200
    town["a.test"].ok(alice.post(path("rooms", space, "leave")))
    town.settle(1)
    assert ask(town, "GET", v1("make_join", room, "@bob:b.test") + "?ver=11")[:2] == (400, "M_UNABLE_TO_AUTHORISE_JOIN")


def test_a_room_may_be_given_without_its_members(town: Town) -> None:
    alice, carol = town.user("a.test", "alice"), town.user("a.test", "carol")
    room = create_room(town["a.test"], alice, preset="public_chat", room_version="11", name="Named")
    town["a.test"].ok(carol.post(path("join", room)))
    event_id, pdu = signed(town, proposal(town, room, "join"))
    _, _, body = ask(town, "PUT", end_of("send_join", room, event_id) + "?omit_members=true", pdu)
    answer = parse_object(body)
    assert (answer["members_omitted"], answer["servers_in_room"], answer["origin"]) == (True, ["a.test"], "a.test")
    assert "m.room.member" not in {event["type"] for event in answer["state"]}
    assert {event["state_key"] for event in answer["auth_chain"]} == {"@alice:a.test"}
    assert answer["event"]["content"] == {"membership": "join"}
    unnamed = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    event_id, pdu = signed(town, proposal(town, unnamed, "join"))
    _, _, body = ask(town, "PUT", end_of("send_join", unnamed, event_id) + "?omit_members=true", pdu)
    assert [event["state_key"] for event in parse_object(body)["state"] if event["type"] == "m.room.member"] == ["@alice:a.test"]


def test_the_older_forms_answer_with_a_status(town: Town) -> None:
    alice = town.user("a.test", "alice")
    room = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    for kind in ("join", "leave"):
        event_id, pdu = signed(town, proposal(town, room, "join") if kind == "join" else leave(town, room))
        status, _, body = ask(town, "PUT", v1(f"send_{kind}", room, event_id), pdu)
        assert (status, body[:5]) == (200, b"[200,")
        assert membership(town, "a.test", alice, room, USER) == kind


def leave(town: Town, room: str) -> dict[str, Any]:
    _, _, body = ask(town, "GET", v1("make_leave", room, USER))
    template = read_template(parse_object(body), "a.test")
    identity = town["b.test"].parts.ground.identity
    return complete(template, room, USER, {"membership": "leave"}, identity=identity, now_ms=town.clock.now_ms(), token="").pdu


def test_whom_a_room_bars_does_not_get_in(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    town.settle(1)
    acl = {"allow": ["*"], "deny": ["b.test"]}
    town["a.test"].ok(alice.put(path("rooms", room, "state", "m.room.server_acl"), acl))
    say(town, bob, room, "barred", server="b.test")
    say(town, alice, room, "not barred")
    town.settle(2)
    assert messages(town, "a.test", alice, room) == ["not barred"]
    assert ask(town, "GET", v1("make_leave", room, USER))[:2] == (403, "M_FORBIDDEN")
