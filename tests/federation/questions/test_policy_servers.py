"""Rooms whose events a policy server signs first: ours are not sent without it, those of others are shown to nobody."""

from typing import Any

import pytest

from federation.client import v1
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import room_version
from homeserver.protocol.signing import SigningKey, encode_base64, signed_bytes
from homeserver.rooms.servers.policy import KEY_ID, RoomPolicy, is_signed, policy_server
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request
from tests.federation.support.asking import ok, put_member
from tests.federation.support.shared import enter, messages
from tests.federation.support.town import Town
from tests.support.client import Client, dispatch_for
from tests.support.rooms import create_room, path, refused

NAME, VERSION = "policy.test", room_version("11")


class PolicyServer:
    """Signs what does not say spam, with the key it has."""

    def __init__(self) -> None:
        self.key = SigningKey("ed25519:p", bytes(range(32)))
        self.reply: Reply | None = None
        self.asked: list[dict[str, Any]] = []

    @endpoint("POST", "/_matrix/policy/v1/sign", access=Access.NONE, rate=Rate.NONE, body=Body.OBJECT)
    async def sign(self, request: Request) -> Answer:
        self.asked.append(request.body)
        if self.reply is not None:
            return self.reply
        if "spam" in str(request.body["content"]):
            return Reply({"errcode": "M_FORBIDDEN", "error": "This looks like spam"}, 400)
        return {NAME: {KEY_ID: encode_base64(self.key.sign(signed_bytes(request.body, VERSION)))}}

    @property
    def content(self) -> dict[str, Any]:
        return {"via": NAME, "public_keys": {"ed25519": encode_base64(self.key.public_key)}}


class Watched:
    """A room of alice's on a.test with a policy server, in which bob of b.test is, too."""

    def __init__(self, town: Town) -> None:
        self.town, self.server = town, PolicyServer()
        town.network.join(NAME, dispatch_for(self.server))
        self.alice: Client = town.user("a.test", "alice")
        self.room_id = create_room(town["a.test"], self.alice, preset="public_chat", room_version="11")
        put_member(town, self.room_id, "@bob:b.test")
        put_member(town, self.room_id, f"@watch:{NAME}")
        self.set_policy(self.server.content)

    def set_policy(self, content: dict[str, Any]) -> None:
        self.town["a.test"].ok(self.alice.put(path("rooms", self.room_id, "state", "m.room.policy"), content))

    def say(self, text: str) -> tuple[int, Any]:
        body = {"msgtype": "m.text", "body": text}
        return self.town.run(
            self.alice.put(path("rooms", self.room_id, "send", "m.room.message", f"{text}{self.town.clock.now_ms()}"), body)
        )

    def told(self, event_id: str) -> Event:
        pdu = ok(self.town, v1("event", event_id))["pdus"][0]
        return Event.from_pdu(pdu, event_id=event_id, room_id=self.room_id, version=VERSION)


@pytest.fixture
def watched(town: Town) -> Watched:
    return Watched(town)


def test_what_we_say_is_signed_first(watched: Watched) -> None:
    server = policy_server(watched.server.content)
    assert server is not None
    status, answer = watched.say("hello")
    assert status == 200
    event = watched.told(answer["event_id"])
    assert is_signed(event, server)
    watched.town.run(watched.town["b.test"].federation.reach.keyring.verify_event(event))
    refused(watched.say("spam"), 403, "M_FORBIDDEN")
    assert watched.say("spam")[1]["error"] == "This looks like spam"
    messages = watched.town["a.test"].ok(watched.alice.get(path("rooms", watched.room_id, "messages"), {"dir": "b", "limit": 1}))
    assert messages["chunk"][0]["event_id"] == answer["event_id"]
    state = watched.town.run(watched.alice.put(path("rooms", watched.room_id, "state", "m.room.topic"), {"topic": "spam"}))
    refused(state, 403, "M_FORBIDDEN")


def test_who_does_not_answer_has_not_said_yes(watched: Watched) -> None:
    watched.town.network.take_down(NAME)
    assert watched.say("hello")[0] == 502
    watched.set_policy({})  # the room can do without it
    assert watched.say("hello")[0] == 200


@pytest.mark.parametrize(
    "reply",
    [
        Reply({}),
        Reply({NAME: {}}),
        Reply({NAME: {KEY_ID: "x"}}),
        Reply({NAME: {KEY_ID: encode_base64(bytes(64))}}),
        Reply({"errcode": "ORG.ODD", "error": "odd"}, 400),
        Reply({"errcode": "M_UNRECOGNIZED", "error": ""}, 404),
    ],
)
def test_other_answers_are_no_yes(watched: Watched, reply: Reply) -> None:
    watched.server.reply = reply
    assert watched.say("hello")[0] in (403, 502)


def test_rooms_without_a_policy_server(watched: Watched) -> None:
    asked = len(watched.server.asked)
    for content in ({"via": NAME}, {**watched.server.content, "via": 1}, {**watched.server.content, "public_keys": {"other": "x"}}):
        watched.set_policy(content)
        assert watched.say("spam")[0] == 200
    watched.set_policy(watched.server.content)
    put_member(watched.town, watched.room_id, f"@watch:{NAME}", "leave")
    asked += 1  # about the leave
    assert watched.say("spam")[0] == 200
    assert len(watched.server.asked) == asked


def test_a_key_that_is_none_signs_nothing(watched: Watched) -> None:
    watched.set_policy({**watched.server.content, "public_keys": {"ed25519": "no key"}})
    refused(watched.say("hello"), 403, "M_FORBIDDEN")
    watched.set_policy({**watched.server.content, "public_keys": {"ed25519": encode_base64(bytes(32))}})
    refused(watched.say("hello"), 403, "M_FORBIDDEN")


def test_a_signature_that_is_there_is_enough(watched: Watched) -> None:
    town = watched.town
    event = watched.told(watched.say("hello")[1]["event_id"])
    rooms = town["a.test"].parts.rooms
    head = town.run(rooms.writing.heads.get(watched.room_id))
    policy = head.get(("m.room.policy", ""))
    asked = len(watched.server.asked)
    judge: RoomPolicy = rooms.policy
    assert town.run(judge.approved(event, policy)) is event
    bare = {**event.pdu, "signatures": {"a.test": event.pdu["signatures"]["a.test"]}}
    unsigned = Event.from_pdu(bare, event_id=event.event_id, room_id=event.room_id, version=VERSION)
    again = town.run(judge.approved(unsigned, policy))
    assert (again.pdu, again.event_id, len(watched.server.asked)) == (event.pdu, event.event_id, asked + 1)


def test_a_policy_server_may_stand_under_our_own_name(watched: Watched) -> None:
    watched.set_policy({**watched.server.content, "via": "a.test"})
    status, answer = watched.say("hello")
    assert (status, answer["error"]) == (403, "Unrecognised request")  # there is none


def test_what_others_say_is_looked_at_too(watched: Watched) -> None:
    """b.test does not know of the policy server: its events are shown to it by a.test, and what it does not sign is seen by nobody there."""
    town = watched.town
    bob = town.user("b.test", "bob")
    put_member(town, watched.room_id, "@bob:b.test", "leave")
    enter(town, "b.test", bob, watched.room_id)
    for text in ("spam", "hello"):
        body = {"msgtype": "m.text", "body": text}
        town["b.test"].ok(bob.put(path("rooms", watched.room_id, "send", "m.room.message", text), body))
    town.settle(2)
    assert messages(town, "b.test", bob, watched.room_id) == ["spam", "hello"]
    assert messages(town, "a.test", watched.alice, watched.room_id) == ["hello"]
