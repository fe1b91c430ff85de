"""What counts as unread and whom it calls, and what relates to what: pure readings of content, however odd it is."""

from typing import Any

import pytest

from homeserver.protocol.room_versions import DEFAULT_ROOM_VERSION
from homeserver.rooms.notice import MAX_MENTIONS, QUIET, Notice, notice_of, notice_of_stored
from homeserver.rooms.relations import MAX_KEY_BYTES, relation_of, thread_root
from homeserver.rooms.store import Relation, StoredEvent

BOB = "@bob:test"
EDIT = {"m.relates_to": {"rel_type": "m.replace", "event_id": "$x"}}
CALLED = {"m.mentions": {"user_ids": [BOB]}}
PLAIN = Notice(True, frozenset(), False)


@pytest.mark.parametrize(
    ("type_", "content", "expected"),
    [
        ("m.room.message", {"msgtype": "m.text"}, PLAIN),
        ("m.room.encrypted", {}, PLAIN),
        ("m.call.invite", {}, PLAIN),
        ("org.matrix.msc3381.poll.start", {}, PLAIN),
        ("org.matrix.msc3381.poll.end", {}, PLAIN),
        ("org.matrix.msc3381.poll.response", {}, QUIET),
        ("m.sticker", {}, QUIET),
        ("m.reaction", {}, QUIET),
        ("m.room.redaction", {}, QUIET),
        ("m.room.message", {"msgtype": "m.notice"}, QUIET),
        ("m.room.message", {"msgtype": "m.notice", **CALLED}, QUIET),  # notices are suppressed before mentions are looked at
        ("m.room.message", EDIT, QUIET),
        ("m.room.message", {**EDIT, **CALLED}, Notice(False, frozenset({BOB}), False)),
        ("m.room.message", CALLED, Notice(True, frozenset({BOB}), False)),
        ("m.sticker", CALLED, Notice(False, frozenset({BOB}), False)),
        ("m.room.message", {"m.mentions": {"room": True}}, Notice(True, frozenset(), True)),
        ("m.room.message", {"m.mentions": {"room": "true"}}, PLAIN),
        ("m.room.message", {"m.mentions": {"room": 1}}, PLAIN),
        ("m.room.message", {"m.mentions": {"user_ids": [1, None, {}, BOB]}}, Notice(True, frozenset({BOB}), False)),
        ("m.room.message", {"m.mentions": {"user_ids": BOB}}, PLAIN),
        ("m.room.message", {"m.mentions": []}, PLAIN),
        ("m.room.message", {"m.mentions": None, "m.relates_to": "x"}, PLAIN),
    ],
)
def test_messages(type_: str, content: dict[str, Any], expected: Notice) -> None:
    assert notice_of(type_, None, content) == expected


def test_state() -> None:
    assert notice_of("m.room.tombstone", "", {}) == Notice(True, frozenset(), True)
    assert notice_of("m.room.tombstone", "x", {}) == QUIET
    assert notice_of("m.room.message", "", CALLED) == Notice(True, frozenset({BOB}), False)
    assert notice_of("m.room.topic", "", CALLED) == Notice(False, frozenset({BOB}), False)
    assert notice_of("m.room.member", BOB, {"membership": "invite"}) == QUIET


def test_no_more_than_so_many_are_called() -> None:
    users = [f"@user{number}:test" for number in range(MAX_MENTIONS + 50)]
    assert notice_of("m.room.message", None, {"m.mentions": {"user_ids": users}}).mentions == frozenset(users[:MAX_MENTIONS])


@pytest.mark.parametrize("content", [b"{}", b'{"m.mentions":{"user_ids":["@bob:test"]}}', b'{"body":"\\"m.mentions\\""}'])
def test_a_stored_event_says_the_same(content: bytes) -> None:
    body = b'"content":%b,"origin_server_ts":0,"sender":"@a:test","type":"m.room.message"' % content
    links = b'"auth_events":[],"depth":1,"prev_events":[]'
    event = StoredEvent(
        1, 1, 1, 1, 0, 1, 0, "m.room.message", "@a:test", None, "$1", None, None, None, None, body, links, "!r:test", DEFAULT_ROOM_VERSION
    )
    assert notice_of_stored(event) == notice_of(event.type, None, event.content)


LONG = "x" * (MAX_KEY_BYTES + 1)


@pytest.mark.parametrize(
    ("relates_to", "expected"),
    [
        ({"rel_type": "m.thread", "event_id": "$x"}, Relation("$x", "m.thread", None)),
        ({"rel_type": "m.annotation", "event_id": "$x", "key": "+"}, Relation("$x", "m.annotation", "+")),
        ({"rel_type": "m.annotation", "event_id": "$x", "key": 1}, Relation("$x", "m.annotation", None)),
        ({"rel_type": "m.annotation", "event_id": "$x", "key": LONG}, Relation("$x", "m.annotation", None)),
        ({"m.in_reply_to": {"event_id": "$x"}}, None),
        ({"rel_type": "m.thread"}, None),
        ({"event_id": "$x"}, None),
        ({"rel_type": 1, "event_id": "$x"}, None),
        ({"rel_type": "m.thread", "event_id": ["$x"]}, None),
        ({"rel_type": LONG, "event_id": "$x"}, None),
        ({"rel_type": "m.thread", "event_id": LONG}, None),
        ("m.thread", None),
        (None, None),
    ],
)
def test_relations(relates_to: Any, expected: Relation | None) -> None:
    relation = relation_of({"m.relates_to": relates_to})
    assert relation == expected
    assert thread_root(relation) == ("$x" if expected is not None and expected.rel_type == "m.thread" else None)


def test_no_relation() -> None:
    assert relation_of({}) is None
