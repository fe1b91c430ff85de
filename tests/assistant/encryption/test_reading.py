"""What is not believed: replays, other people's keys, letters that are not what they say; and what becomes of a broken session."""

from collections.abc import Callable
from typing import Any

import pytest
from vodozemac import InboundGroupSession, Session

from appservices.assistant.encryption.olm import Unreadable
from appservices.assistant.encryption.signing import canonical, unpadded
from tests.assistant.encryption.key_server import PICKLE_KEY, ROOM, FakeKeyServer, Json, Somebody, run

Meet = Callable[..., Somebody]


def letter(server: FakeKeyServer, to: Somebody) -> Json:
    return server.inbox[to.place][-1]


def forge(author: Somebody, to: Somebody, kind: str, content: Json, **changes: Any) -> Json:
    """A letter in a good session that says something else of itself."""
    (device,) = run(author.vault.devices.of([to.user]))
    run(author.vault.olm.reach([device]))
    session: Any = Session.from_pickle(author.store.sessions_with(device.key)[0][1], PICKLE_KEY)
    plain = {
        "type": kind,
        "content": content,
        "sender": author.user,
        "recipient": to.user,
        "recipient_keys": {"ed25519": to.vault.own.signing_key},
        "keys": {"ed25519": author.vault.own.signing_key},
        "sender_device_keys": author.vault.own.keys,
    }
    number, body = session.encrypt(canonical(plain | changes)).to_parts()
    author.store.put_session(device.key, session.session_id, session.pickle(PICKLE_KEY), None)
    cipher = {to.vault.own.key: {"type": number, "body": unpadded(body)}}
    return {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": author.vault.own.key, "ciphertext": cipher}


def test_the_same_event_again_and_another_with_the_same_words(meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    event = alice.say("pay Mallory")
    bob.fetch()
    assert [bob.reads(event), bob.reads(event)] == ["pay Mallory", "pay Mallory"]
    assert bob.reads(event | {"event_id": "$again"}) is None
    bob.restart()
    assert bob.reads(event | {"event_id": "$again"}) is None
    assert bob.reads(event) == "pay Mallory"


def test_moved_to_another_room_or_into_another_mouth(meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    event = alice.say("hello")
    bob.fetch()
    assert bob.reads(event | {"sender": "@mallory:test"}) is None
    assert bob.reads(event | {"room_id": "!other:test"}) is None
    assert bob.reads(event) == "hello"


def test_a_key_that_somebody_passes_off_as_their_own(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, mallory = meet("alice"), meet("bob"), meet("mallory")
    event = alice.say("hello")
    mallory.fetch()
    key = mallory.store.room_keys(ROOM, event["content"]["session_id"])[0]
    exported = InboundGroupSession.from_pickle(key.pickle, PICKLE_KEY).export_at(0)
    assert exported is not None
    content = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": ROOM, "session_id": key.session, "session_key": exported.to_base64()}
    for kind in ("m.forwarded_room_key", "m.room_key"):
        stolen = {"sender": mallory.user, "type": "m.room.encrypted", "content": forge(mallory, bob, kind, content)}
        bob.vault.take({"to_device": [stolen | {"to_user_id": bob.user, "to_device_id": bob.vault.own.id}]})
    assert bob.store.room_keys(ROOM, key.session) == []
    assert bob.reads(event) is None
    bob.fetch()
    assert bob.reads(event) == "hello"


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "@carol:test"},
        {"recipient": "@carol:test"},
        {"recipient_keys": {"ed25519": "other"}},
        {"keys": {"ed25519": "other"}},
        {"keys": {}},
        {"sender_device_keys": {"user_id": "@bob:test"}},
    ],
)
def test_letters_that_are_not_what_they_say(server: FakeKeyServer, meet: Meet, changes: Json) -> None:
    alice, bob = meet("alice"), meet("bob")
    with pytest.raises(Unreadable):
        bob.vault.olm.open(alice.user, forge(alice, bob, "m.dummy", {}, **changes))
    assert bob.vault.olm.open(alice.user, forge(alice, bob, "m.dummy", {})).type == "m.dummy"


def test_device_keys_of_somebody_else(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, carol = meet("alice"), meet("bob"), meet("carol")
    with pytest.raises(Unreadable):
        bob.vault.olm.open(alice.user, forge(alice, bob, "m.dummy", {}, sender_device_keys=carol.vault.own.keys))


def test_without_device_keys_the_list_tells(server: FakeKeyServer, meet: Meet) -> None:
    """And a device that is on no list is nobody's."""
    alice, bob = meet("alice"), meet("bob")
    event = alice.say("hello")
    key = alice.store.speaking(ROOM)
    assert key is not None
    content = {"algorithm": "m.megolm.v1.aes-sha2", "room_id": ROOM, "session_id": key.session, "session_key": _session_key(event, bob)}
    hidden = server.devices[alice.user].copy()
    letter = {
        "sender": alice.user,
        "type": "m.room.encrypted",
        "content": forge(alice, bob, "m.room_key", content, sender_device_keys=None),
    }
    server.inbox.clear()
    server.devices[alice.user].clear()
    bob.restart()
    bob.vault.take({"to_device": [letter | {"to_user_id": bob.user, "to_device_id": bob.vault.own.id}]})
    assert bob.reads(event) is None
    server.devices[alice.user].update(hidden)
    bob.vault.take({"org.matrix.msc3202.device_lists": {"changed": [alice.user]}})
    assert bob.reads(event) == "hello"


def _session_key(event: Json, bob: Somebody) -> str:
    """As it was in the letter that brought it."""
    return next(each for each in _keys(bob) if each)


def _keys(bob: Somebody) -> list[str]:
    found = []
    for each in bob.server.inbox[bob.place]:
        opened = bob.vault.olm.open(each["sender"], each["content"])
        found.append(str(opened.content.get("session_key", "")))
    return found


def test_a_letter_that_comes_twice(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    event = alice.say("hello")
    letters = list(server.inbox[bob.place])
    for _ in range(3):
        bob.vault.take({"to_device": letters})
        bob.restart()
    assert server.inbox[alice.place] == []  # no session was thought to be broken
    assert bob.reads(event) == "hello"


def test_a_broken_session_is_renewed_once_an_hour(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    alice.say("one")
    bob.fetch()
    for number in range(3):
        cipher = {bob.vault.own.key: {"type": 1, "body": unpadded(bytes([3, number]))}}
        content = {"algorithm": "m.olm.v1.curve25519-aes-sha2", "sender_key": alice.vault.own.key, "ciphertext": cipher}
        broken = {"sender": alice.user, "type": "m.room.encrypted", "content": content}
        bob.vault.take({"to_device": [broken | {"to_user_id": bob.user, "to_device_id": bob.vault.own.id}]})
    assert [each["type"] for each in server.inbox[alice.place]] == ["m.room.encrypted"]
    alice.fetch()
    alice.store.fall_silent(ROOM)
    event = alice.say("two")
    bob.fetch()
    assert bob.reads(event) == "two"


def test_who_could_not_reach_us_is_met_halfway(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    content = {"algorithm": "m.megolm.v1.aes-sha2", "sender_key": alice.vault.own.key, "code": "m.no_olm"}
    withheld = {"sender": alice.user, "type": "m.room_key.withheld", "content": content}
    bob.vault.take({"to_device": [withheld | {"to_user_id": bob.user, "to_device_id": bob.vault.own.id}]})
    assert len(server.inbox[alice.place]) == 1


def test_keys_that_come_late(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    event = alice.say("hello")
    bob.store.wait(event["event_id"], ROOM, event["content"]["session_id"], 1)
    assert bob.store.came_late() == []
    bob.fetch()
    bob.restart()
    assert bob.store.came_late() == [(ROOM, event["event_id"])]
    bob.store.no_longer_waits(event["event_id"])
    assert bob.store.came_late() == []


def test_blind_for_what_was_and_not_for_what_comes(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, carol = meet("alice"), meet("bob"), meet("carol")
    before = [alice.say("one"), carol.say("two"), alice.say("off")]
    after = [alice.say("on"), alice.say("later"), carol.say("later")]
    bob.fetch()
    assert [bob.reads(event) for event in (*before, after[0])] == ["one", "two", "off", "on"]
    bob.vault.reader.blind(ROOM, before[2]["event_id"])
    for _ in range(2):
        assert [bob.reads(event) for event in (*before, *after)] == [None, None, None, "on", "later", "later"]
        bob.restart()
    bob.vault.reader.forget(ROOM)
    assert bob.reads(after[1]) is None


def test_what_is_never_sealed(meet: Meet) -> None:
    """It would pass by those who judge it."""
    alice, bob = meet("alice"), meet("bob")
    events = [alice.say("words", kind=kind) for kind in ("m.room.redaction", "m.room.encrypted")]
    state = alice.say("words") | {"state_key": ""}
    bob.fetch()
    assert [bob.reads(event) for event in (*events, state)] == [None, None, None]


def test_what_cannot_be_an_event(meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    event = alice.say("hello")
    bob.fetch()
    for cipher in ("", "AAAA", "ä", None, 3):
        assert bob.reads(event | {"content": event["content"] | {"ciphertext": cipher}}) is None
