"""Olm and Megolm between devices: who can read what, and who gets which key."""

from collections.abc import Callable

import pytest
from twisted.internet.defer import Deferred

from appservices.assistant.encryption.secret_rooms import MEGOLM, Secrecy
from appservices.assistant.matrix.errors import Refused, Unreachable
from tests.assistant.encryption.key_server import ROOM, FakeKeyServer, Json, Somebody

Meet = Callable[..., Somebody]


def test_who_is_there_can_read(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, carol = meet("alice"), meet("bob"), meet("carol")
    server.members.discard(carol.user)
    event = alice.say("hello", relation={"rel_type": "m.thread", "event_id": "$root"})
    assert "hello" not in str(event)
    assert event["content"]["m.relates_to"] == {"rel_type": "m.thread", "event_id": "$root"}
    for each in (bob, carol):
        each.fetch()
    assert (alice.reads(event), bob.reads(event), carol.reads(event)) == ("hello", "hello", None)
    answer = bob.say("hello too")
    alice.fetch()
    assert alice.reads(answer) == "hello too"


def test_one_key_for_many_messages_and_one_letter_for_each_device(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    events = [alice.say(str(number)) for number in range(5)]
    bob.fetch()
    assert [bob.reads(event) for event in events] == ["0", "1", "2", "3", "4"]
    assert len({event["content"]["session_id"] for event in events}) == 1
    assert [name for _, name, _ in server.asked].count("sendToDevice") == 1


def test_who_comes_later_reads_from_then_on(server: FakeKeyServer, meet: Meet) -> None:
    alice = meet("alice")
    meet("bob")
    before = alice.say("before")
    carol = meet("carol")
    alice.audiences.forget(ROOM)
    after = alice.say("after")
    assert before["content"]["session_id"] == after["content"]["session_id"]
    carol.fetch()
    assert (carol.reads(before), carol.reads(after)) == (None, "after")


def test_a_new_session_when_somebody_leaves(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, carol = meet("alice"), meet("bob"), meet("carol")
    before = alice.say("with Carol")
    server.members.discard(carol.user)
    alice.audiences.forget(ROOM)
    after = alice.say("without")
    assert before["content"]["session_id"] != after["content"]["session_id"]
    for each in (bob, carol):
        each.fetch()
    assert (carol.reads(before), carol.reads(after), bob.reads(after)) == ("with Carol", None, "without")


def test_a_new_session_when_a_device_is_gone(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    before = alice.say("one")
    del server.devices[bob.user][bob.vault.own.id]
    assert alice.say("two")["content"]["session_id"] == before["content"]["session_id"]  # nobody has told us yet
    alice.fetch(**{"org.matrix.msc3202.device_lists": {"changed": [bob.user], "left": []}})
    assert alice.say("three")["content"]["session_id"] != before["content"]["session_id"]


def test_a_new_session_after_so_many_messages_and_so_much_time(meet: Meet) -> None:
    alice = meet("alice")
    alice.secrecy = Secrecy(MEGOLM, period_ms=60_000, period_messages=3)
    sessions = [alice.say(str(number))["content"]["session_id"] for number in range(7)]
    assert [sessions.index(each) for each in sessions] == [0, 0, 0, 3, 3, 3, 6]
    alice.clock.advance(61)
    assert alice.say("later")["content"]["session_id"] not in sessions


def test_a_new_session_when_history_is_shown_to_others(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    first = alice.say("one")["content"]["session_id"]
    bob.fetch()
    server.visibility = "joined"
    alice.audiences.forget(ROOM)
    second = alice.say("two")["content"]["session_id"]
    bob.fetch()
    assert first != second
    assert [bob.store.room_keys(ROOM, each)[0].is_shareable for each in (first, second)] == [True, False]


def test_a_restart_keeps_all_of_it(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    heard = bob.say("before")
    alice.fetch()
    said = alice.say("one")
    own = alice.vault.own
    alice.restart()
    assert (alice.vault.own.id, alice.vault.own.key, alice.vault.own.signing_key) == (own.id, own.key, own.signing_key)
    assert (alice.reads(heard), alice.reads(said)) == ("before", "one")
    again = alice.say("two")
    assert again["content"]["session_id"] == said["content"]["session_id"]
    bob.fetch()
    assert (bob.reads(said), bob.reads(again)) == ("one", "two")


@pytest.mark.parametrize("path", ["keys/query", "keys/claim", "sendToDevice"])
@pytest.mark.parametrize("error", [Unreachable("down"), Refused(403, "M_FORBIDDEN")])
def test_without_sharing_nothing_is_said(server: FakeKeyServer, meet: Meet, path: str, error: Exception) -> None:
    alice, bob = meet("alice"), meet("bob")
    server.fails[path] = error
    with pytest.raises((Refused, Unreachable)):
        alice.say("hello")
    server.fails.clear()
    event = alice.say("hello")
    bob.fetch()
    assert bob.reads(event) == "hello"


def test_a_device_without_keys_is_told_why(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, carol = meet("alice"), meet("bob"), meet("carol")
    server.one_time[carol.place].clear()
    server.fallback[carol.place].clear()
    event = alice.say("hello")
    bob.fetch()
    assert bob.reads(event) == "hello"
    (letter,) = server.inbox[carol.place]
    assert (letter["type"], letter["content"]["code"]) == ("m.room_key.withheld", "m.no_olm")
    alice.say("again")
    assert len(server.inbox[carol.place]) == 1
    carol.fetch()  # and begins a session herself
    alice.fetch()
    alice.clock.advance(301)
    late = alice.say("and now")
    carol.fetch()
    assert carol.reads(late) == "and now"


def test_a_crowd_gets_the_key_in_pieces(server: FakeKeyServer, meet: Meet) -> None:
    """And nobody has to wait for the whole of it."""
    alice = meet("alice")
    crowd = [meet(f"guest{number}") for number in range(45)]
    saying = Deferred.fromCoroutine(alice.vault.speaker.seal(ROOM, alice.secrecy, "m.room.message", {"body": "hello"}))
    assert pieces(saying, alice) == [False, True]
    assert all(len(server.inbox[each.place]) == 1 for each in crowd)


def pieces(saying: Deferred[Json], somebody: Somebody) -> list[bool]:
    """Whether it is done, before others had their turn and after it."""
    done = [saying.called]
    somebody.clock.advance(0)
    return [*done, saying.called]


def test_only_signed_devices(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, carol = meet("alice", only_signed=True), meet("bob"), meet("carol")
    del server.cross[carol.user]
    heard = {each: each.say("from me") for each in (bob, carol)}
    alice.fetch()
    assert [alice.reads(event) for event in heard.values()] == ["from me", None]
    event = alice.say("secret")
    assert [letter["content"].get("code") for letter in server.inbox[carol.place] if letter["type"] != "m.room.encrypted"] == [
        "m.unverified"
    ]
    for each in (bob, carol):
        each.fetch()
    assert (bob.reads(event), carol.reads(event)) == ("secret", None)
