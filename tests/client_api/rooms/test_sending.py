"""Sending messages, state and redactions."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.client_api.rooms.sending import device_of, sent_at
from homeserver.errors import InvalidParam
from homeserver.web.endpoint import Caller
from storage.people.accounts import StoredAccounts
from tests.client_api.rooms.talk import Talk, bodies
from tests.support.client import Client
from tests.support.places import verified
from tests.support.rooms import create_room, join, path, refused


def test_a_transaction_gives_one_event(talk: Talk) -> None:
    url = talk.path("send", "m.room.message", "t")
    first = talk.server.ok(talk.alice.put(url, {"body": "a"}))
    assert talk.server.ok(talk.alice.put(url, {"body": "b"})) == first
    assert talk.server.ok(talk.bob.put(url, {"body": "c"})) != first
    other = create_room(talk.server, talk.alice)
    assert talk.server.ok(talk.alice.put(path("rooms", other, "send", "m.room.message", "t"), {"body": "d"})) != first
    assert talk.server.ok(talk.alice.put(talk.path("send", "m.other", "t"), {})) != first
    assert bodies(talk.messages(dir="f", limit=100)["chunk"]) == ["a", "c"]
    event = talk.event(first["event_id"])
    assert event["unsigned"]["transaction_id"] == "t"
    assert "transaction_id" not in talk.event(first["event_id"], talk.bob)["unsigned"]


def test_who_may_not_send(talk: Talk) -> None:
    refused(talk.server.run(talk.eve.put(talk.path("send", "m.room.message", "1"), {})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.eve.put(path("rooms", "!none:test", "send", "m.room.message", "1"), {})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.eve.put(path("rooms", "!none:test", "state", "m.room.topic"), {})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.bob.put(talk.path("state", "m.room.topic"), {"topic": "x"})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.bob.put(talk.path("send", "m.room.member", "1"), {"membership": "join"})), 403, "M_FORBIDDEN")
    status, _ = talk.server.run(talk.alice.put(talk.path("send", "m.room.create", "1"), {}))
    assert status in (400, 403)


@pytest.mark.parametrize("body,errcode", [(b"[]", "M_BAD_JSON"), (b"", "M_NOT_JSON"), (b'{"a":1.5}', "M_BAD_JSON")])
def test_bad_bodies(talk: Talk, body: bytes, errcode: str) -> None:
    refused(talk.server.run(talk.alice.put(talk.path("send", "m.room.message", "1"), body)), 400, errcode)


def test_too_large(talk: Talk) -> None:
    answer = talk.server.run(talk.alice.put(talk.path("send", "m.room.message", "1"), {"body": "x" * 70_000}))
    refused(answer, 413, "M_TOO_LARGE")
    refused(talk.server.run(talk.alice.put(talk.path("send", "x" * 300, "1"), {})), 413, "M_TOO_LARGE")


def test_a_reaction_counts_once(talk: Talk) -> None:
    message = talk.say("hello")
    first = talk.react(message, "👍")
    content = {"m.relates_to": {"rel_type": "m.annotation", "event_id": message, "key": "👍"}}
    again = talk.alice.put(talk.path("send", "m.reaction", "again"), content)
    refused(talk.server.run(again), 400, "M_DUPLICATE_ANNOTATION")
    talk.react(message, "🎉")
    talk.react(message, "👍", talk.bob)
    talk.redact(first)
    repeated = talk.server.ok(talk.alice.put(talk.path("send", "m.reaction", "again"), content))
    assert talk.server.ok(talk.alice.put(talk.path("send", "m.reaction", "again"), content)) == repeated


def test_two_equal_reactions_at_once(talk: Talk) -> None:
    message = talk.say("hello")
    content = {"m.relates_to": {"rel_type": "m.annotation", "event_id": message, "key": "👍"}}

    async def both() -> list[int]:
        one = await talk.alice.put(talk.path("send", "m.reaction", "1"), content)
        two = await talk.alice.put(talk.path("send", "m.reaction", "2"), content)
        return [one[0], two[0]]

    assert talk.server.run(both()) == [200, 400]


def test_no_thread_within_a_thread(talk: Talk) -> None:
    root = talk.say("root")
    reply = talk.relate(root, "m.thread", "reply")
    content = {"body": "nested", "m.relates_to": {"rel_type": "m.thread", "event_id": reply}}
    refused(talk.server.run(talk.alice.put(talk.path("send", "m.room.message", "n"), content)), 400, "M_UNKNOWN")


@pytest.mark.parametrize("version", ["1", "2", "3", "10", "11", "12"])
def test_redactions_in_every_version(talk: Talk, version: str) -> None:
    talk.room = create_room(talk.server, talk.alice, room_version=version)
    first, second = talk.say("one"), talk.say("two")
    by_path = talk.redact(first)
    by_send = talk.send("m.room.redaction", {"redacts": second, "reason": "no"})
    for target, redaction in ((first, by_path), (second, by_send)):
        event = talk.event(target)
        assert event["content"] == {}
        assert event["unsigned"]["redacted_because"]["event_id"] == redaction
        shown = talk.event(redaction)
        assert shown["redacts"] == shown["content"]["redacts"] == target


@pytest.mark.parametrize("version", ["1", "3", "10", "11", "12"])
def test_redactions_that_are_state(talk: Talk, tmp_path: Path, version: str) -> None:
    """As other servers take them, which look at the type alone."""
    talk.room = create_room(talk.server, talk.alice, room_version=version, preset="public_chat")
    join(talk.server, talk.bob, talk.room)
    first, second = talk.say("one", talk.bob), talk.say("two")
    for target in (first, second):
        done = talk.state("m.room.redaction", {"redacts": target, "reason": "no"}, "k")
        assert talk.event(target)["content"] == {}
        assert talk.event(target)["unsigned"]["redacted_because"]["event_id"] == done
        assert talk.event(done)["redacts"] == talk.event(done)["content"]["redacts"] == target
    url = talk.path("state", "m.room.redaction", "k")
    refused(talk.server.run(talk.bob.put(url, {"redacts": second})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.eve.put(url, {"redacts": second})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.alice.put(url, {})), 400, "M_MISSING_PARAM")
    assert verified(talk.server, tmp_path)


def test_redacting_what_is_not_yours(talk: Talk) -> None:
    message, own = talk.say("alice's"), talk.say("bob's", talk.bob)
    refused(talk.server.run(talk.bob.put(talk.path("redact", message, "1"), {})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.bob.put(talk.path("send", "m.room.redaction", "2"), {"redacts": message})), 403, "M_FORBIDDEN")
    refused(talk.server.run(talk.bob.put(talk.path("send", "m.room.redaction", "3"), {})), 400, "M_MISSING_PARAM")
    refused(talk.server.run(talk.bob.put(talk.path("send", "m.room.redaction", "4"), {"redacts": 5})), 400, "M_INVALID_PARAM")
    refused(talk.server.run(talk.bob.put(talk.path("redact", "$none", "5"), {})), 404, "M_NOT_FOUND")
    url = talk.path("redact", own, "6")
    done = talk.server.ok(talk.bob.put(url, {"reason": "mine"}))
    assert talk.server.ok(talk.bob.put(url, {"reason": "mine"})) == done
    assert talk.event(own)["content"] == {}


def test_state_is_written_once(talk: Talk) -> None:
    first = talk.state("m.room.topic", {"topic": "a"})
    assert talk.state("m.room.topic", {"topic": "a"}) == first
    slash = talk.server.ok(talk.alice.put(talk.path("state", "m.room.topic") + "/", {"topic": "a"}))["event_id"]
    assert slash == first
    assert talk.state("m.room.topic", {"topic": "b"}) != first
    talk.state("org.example", {"x": 1}, "a/b?c")
    assert talk.get(talk.path("state", "org.example", "a/b?c")) == {"x": 1}


def test_memberships_through_state(talk: Talk) -> None:
    def put(by: Client, user_id: str, membership: object) -> tuple[int, Any]:
        return talk.server.run(by.put(talk.path("state", "m.room.member", user_id), {"membership": membership}))

    def now(user_id: str) -> str:
        membership = talk.get(talk.path("state", "m.room.member", user_id))["membership"]
        assert isinstance(membership, str)
        return membership

    status, answer = put(talk.alice, "@eve:test", "invite")
    assert (status, now("@eve:test")) == (200, "invite")
    assert talk.event(answer["event_id"])["content"]["membership"] == "invite"
    assert put(talk.eve, "@eve:test", "join")[0] == 200
    assert put(talk.alice, "@eve:test", "leave")[0] == 200
    assert now("@eve:test") == "leave"
    assert put(talk.alice, "@eve:test", "ban")[0] == 200
    refused(put(talk.eve, "@eve:test", "join"), 403, "M_FORBIDDEN")
    assert put(talk.alice, "@eve:test", "leave")[0] == 200
    assert put(talk.eve, "@eve:test", "join")[0] == 200
    refused(put(talk.bob, "@eve:test", "leave"), 403, "M_FORBIDDEN")
    refused(put(talk.bob, "@eve:test", "join"), 403, "M_FORBIDDEN")
    refused(put(talk.alice, "@eve:test", 5), 400, "M_BAD_JSON")
    refused(put(talk.alice, "nonsense", "invite"), 400, "M_INVALID_PARAM")


def test_a_name_for_one_room(talk: Talk) -> None:
    talk.state("m.room.member", {"membership": "join", "displayname": "Bobby"}, "@bob:test", talk.bob)
    assert talk.get(talk.path("state", "m.room.member", "@bob:test"))["displayname"] == "Bobby"
    assert talk.get(talk.path("joined_members"))["joined"]["@bob:test"]["display_name"] == "Bobby"


def test_canonical_aliases_are_checked(talk: Talk) -> None:
    url = talk.path("state", "m.room.canonical_alias")
    refused(talk.server.run(talk.alice.put(url, {"alias": "#none:test"})), 400, "M_BAD_ALIAS")
    refused(talk.server.run(talk.alice.put(url, {"alias": "nonsense"})), 400, "M_INVALID_PARAM")


def test_only_application_services_choose_the_time(talk: Talk) -> None:
    url = talk.path("send", "m.room.message", "t")
    event_id = talk.server.ok(talk.alice.put(url, {"body": "then"}, {"ts": 1}))["event_id"]
    assert talk.event(event_id)["origin_server_ts"] > 1


def test_guests(talk: Talk) -> None:
    guest = talk.server.ok(talk.server.client.post("/_matrix/client/v3/register?kind=guest"))
    visitor = talk.server.client.with_token(guest["access_token"])
    membership = {"membership": "join"}
    url = talk.path("state", "m.room.member", guest["user_id"])
    refused(talk.server.run(visitor.put(url, membership)), 403, "M_GUEST_ACCESS_FORBIDDEN")
    talk.state("m.room.guest_access", {"guest_access": "can_join"})
    talk.server.ok(visitor.put(url, membership))
    assert bodies([talk.event(talk.say("a guest's", visitor))]) == ["a guest's"]
    assert bodies(talk.messages(visitor, dir="b", limit=1)["chunk"]) == ["a guest's"]


def test_suspended_users_may_only_take_back_and_leave(talk: Talk) -> None:
    own, other = talk.say("bob's", talk.bob), talk.say("alice's")
    talk.state("m.room.power_levels", {"users": {"@bob:test": 50}})
    talk.server.run(StoredAccounts(talk.server.database).set_flags("@bob:test", suspended=True))
    bob = talk.bob
    refused(talk.server.run(bob.put(talk.path("send", "m.room.message", "1"), {})), 403, "M_USER_SUSPENDED")
    refused(talk.server.run(bob.put(talk.path("state", "m.room.topic"), {"topic": ""})), 403, "M_USER_SUSPENDED")
    refused(talk.server.run(bob.put(talk.path("redact", other, "2"), {})), 403, "M_USER_SUSPENDED")
    talk.redact(own, bob)
    url = talk.path("state", "m.room.member", "@bob:test")
    refused(talk.server.run(bob.put(url, {"membership": "join", "displayname": "x"})), 403, "M_USER_SUSPENDED")
    talk.server.ok(bob.put(url, {"membership": "leave"}))


def test_what_a_bridge_may_say_of_its_events(talk: Talk) -> None:
    bridge = Caller("@bridge:test", None, 0, appservice="bridge")
    assert device_of(bridge) == "appservice/bridge"
    assert device_of(Caller("@alice:test", "A", 1)) == "A"
    assert sent_at(talk.alice.make("PUT", "/x?ts=5"), bridge) == 5
    assert sent_at(talk.alice.make("PUT", "/x?user_id=@a:test"), bridge) is None
    assert sent_at(talk.alice.make("PUT", "/x?ts=5"), Caller("@alice:test", "A", 1)) is None
    for bad in ("x", "-1"):
        with pytest.raises(InvalidParam):
            sent_at(talk.alice.make("PUT", "/x", query={"ts": bad}), bridge)


def test_a_room_is_created_once(talk: Talk) -> None:
    url = talk.path("state", "m.room.create")
    refused(talk.server.run(talk.alice.put(url, {"room_version": "12", "more": 1})), 400, "M_BAD_JSON")


def test_a_state_key_of_nobody_is_a_mistake_where_keys_have_owners(talk: Talk) -> None:
    room = create_room(talk.server, talk.alice, room_version="org.matrix.msc3757.10")
    talk.server.ok(talk.alice.put(path("rooms", room, "state", "x.y", "@bob:test_mood"), {}))
    refused(talk.server.run(talk.alice.put(path("rooms", room, "state", "x.y", "@oops"), {})), 400, "M_BAD_JSON")
    refused(talk.server.run(talk.alice.put(talk.path("state", "x.y", "@oops"), {})), 403, "M_FORBIDDEN")


def test_a_level_for_a_creator_is_a_mistake_where_he_stands_above_all(talk: Talk) -> None:
    levels = {"users": {"@alice:test": 100, "@bob:test": 50}}
    url = talk.path("state", "m.room.power_levels")
    refused(talk.server.run(talk.alice.put(url, levels)), 400, "M_BAD_JSON")
    refused(talk.server.run(talk.eve.put(url, levels)), 403, "M_FORBIDDEN")
    older = create_room(talk.server, talk.alice, room_version="11")
    talk.server.ok(talk.alice.put(path("rooms", older, "state", "m.room.power_levels"), levels))
