"""Filters: what they accept, what is refused as malformed, and that hostile ones stay cheap."""

import re
from fnmatch import translate
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeserver.protocol.errors import InvalidFilter
from homeserver.protocol.filters import Filter, RoomEventFilter, Types
from homeserver.protocol.limits import MAX_FILTER_ENTRIES, MAX_FILTER_LIMIT

ROOM, OTHER_ROOM = "!room:hs", "!" + "a" * 43
ALICE, BOB = "@alice:hs", "@bob:hs"


def accepts(value: dict[str, Any], *, kind: str = "m.room.message", sender: str = ALICE, room: str = ROOM, url: bool = False) -> bool:
    return RoomEventFilter.compile(value).accepts(kind, sender, room, url)


@pytest.mark.parametrize(
    "value, given, accepted",
    [
        ({}, {}, True),
        ({"types": ["m.room.message"]}, {}, True),
        ({"types": ["m.room.*"]}, {}, True),
        ({"types": []}, {}, False),
        ({"types": ["m.room.member"]}, {}, False),
        ({"types": ["m.*"], "not_types": ["*.message"]}, {}, False),
        ({"not_types": ["m.room.member"]}, {}, True),
        ({"not_types": []}, {}, True),
        ({"not_types": ["*"]}, {}, False),
        ({"senders": [ALICE]}, {}, True),
        ({"senders": [BOB]}, {}, False),
        ({"senders": []}, {}, False),
        ({"senders": [ALICE], "not_senders": [ALICE]}, {}, False),
        ({"not_senders": [BOB]}, {}, True),
        ({"rooms": [ROOM]}, {}, True),
        ({"rooms": [OTHER_ROOM]}, {}, False),
        ({"rooms": []}, {}, False),
        ({"rooms": [ROOM], "not_rooms": [ROOM]}, {}, False),
        ({"not_rooms": [OTHER_ROOM]}, {"room": OTHER_ROOM}, False),
        ({"contains_url": True}, {}, False),
        ({"contains_url": True}, {"url": True}, True),
        ({"contains_url": False}, {}, True),
        ({"contains_url": False}, {"url": True}, False),
        ({"unknown": 1, "limit": 5, "lazy_load_members": True}, {}, True),
    ],
)
def test_what_is_accepted(value: dict[str, Any], given: dict[str, Any], accepted: bool) -> None:
    assert accepts(value, **given) is accepted


def test_the_content_is_only_looked_at_where_it_matters() -> None:
    def look() -> bool:
        raise AssertionError

    assert RoomEventFilter.compile({"types": ["a"]}).accepts("a", ALICE, ROOM, look)
    assert not RoomEventFilter.compile({"types": ["a"], "contains_url": True}).accepts("b", ALICE, ROOM, look)
    assert RoomEventFilter.compile({"contains_url": True}).accepts("b", ALICE, ROOM, lambda: True)


@pytest.mark.parametrize(
    "value, accepted",
    [
        ({}, [None, "m.thread", "m.replace"]),
        ({"org.matrix.msc3874.rel_types": ["m.thread"]}, ["m.thread"]),
        ({"org.matrix.msc3874.rel_types": []}, []),
        ({"org.matrix.msc3874.not_rel_types": ["m.thread"]}, [None, "m.replace"]),
        ({"org.matrix.msc3874.rel_types": ["m.thread", "m.replace"], "org.matrix.msc3874.not_rel_types": ["m.thread"]}, ["m.replace"]),
    ],
)
def test_what_an_event_relates_to_by(value: dict[str, Any], accepted: list[str | None]) -> None:
    compiled = RoomEventFilter.compile(value)
    assert [rel_type for rel_type in (None, "m.thread", "m.replace") if compiled.accepts_relation(rel_type)] == accepted
    assert compiled.is_trivial is not bool(value)


def test_what_has_no_sender_is_refused_by_a_list_of_senders_alone() -> None:
    assert Filter.compile({"account_data": {"not_senders": [BOB]}}).account_data.accepts("m.direct", None)
    assert not Filter.compile({"account_data": {"senders": [BOB]}}).account_data.accepts("m.direct", None)


@pytest.mark.parametrize("value", [{}, {"limit": 3}, {"lazy_load_members": True, "unread_thread_notifications": True}, {"limit": None}])
def test_trivial_filters_are_known_as_such(value: dict[str, Any]) -> None:
    assert RoomEventFilter.compile(value).is_trivial


@pytest.mark.parametrize(
    "value",
    [{"types": ["*"]}, {"not_types": []}, {"senders": []}, {"rooms": []}, {"contains_url": False}, {"related_by_rel_types": ["m.thread"]}],
)
def test_others_are_not(value: dict[str, Any]) -> None:
    assert not RoomEventFilter.compile(value).is_trivial


def test_the_whole_filter() -> None:
    compiled = Filter.compile(
        {
            "event_fields": ["type", "content.body", "content.m\\.relates_to.rel_type"],
            "event_format": "federation",
            "presence": {"types": ["m.presence"], "not_senders": [ALICE]},
            "account_data": {"limit": 4},
            "room": {
                "rooms": [ROOM, OTHER_ROOM],
                "not_rooms": [OTHER_ROOM],
                "include_leave": True,
                "state": {"lazy_load_members": True, "include_redundant_members": True, "types": ["m.room.*"]},
                "timeline": {"limit": 10_000, "unread_thread_notifications": True, "related_by_senders": [BOB]},
                "ephemeral": {"not_types": ["*"]},
                "account_data": {"types": ["m.tag"]},
            },
        }
    )
    assert compiled.event_format == "federation"
    assert not compiled.presence.accepts("m.presence", ALICE)
    assert compiled.account_data.limit == 4
    assert (compiled.room.accepts_room(ROOM), compiled.room.accepts_room(OTHER_ROOM), compiled.room.include_leave) == (True, False, True)
    assert (compiled.room.state.lazy_load_members, compiled.room.state.include_redundant_members) == (True, True)
    assert (compiled.room.timeline.limit, compiled.room.timeline.unread_thread_notifications) == (MAX_FILTER_LIMIT, True)
    assert compiled.room.timeline.related_by_senders == frozenset({BOB})
    assert not compiled.room.ephemeral.accepts("m.typing", None, ROOM, False)
    assert compiled.room.account_data.accepts("m.tag", None, ROOM, False)


def test_an_empty_filter_changes_nothing() -> None:
    compiled = Filter.compile({})
    assert compiled == Filter()
    assert compiled.room.accepts_room(ROOM)
    assert compiled.select_fields({"a": 1}) == {"a": 1}


@pytest.mark.parametrize(
    "fields, kept",
    [
        (["type"], {"type": "t"}),
        (["content.body", "content.m\\.x.y"], {"content": {"body": "b", "m.x": {"y": 1}}}),
        (["content.m\\\\.x"], {}),
        (["content.a\\b"], {"content": {"a\\b": 2}}),
        (["type.deeper", "nothing", "", "content..", "."], {}),
        ([], {}),
        (["content", "content.body"], {"content": {"body": "b", "m.x": {"y": 1, "z": 2}, "a\\b": 2}}),
    ],
)
def test_fields(fields: list[str], kept: dict[str, Any]) -> None:
    event = {"type": "t", "content": {"body": "b", "m.x": {"y": 1, "z": 2}, "a\\b": 2}}
    before = repr(event)
    assert Filter.compile({"event_fields": fields}).select_fields(event) == kept
    assert repr(event) == before


NO_OBJECT, NO_LIST = "not_an_object", "not_a_list"


@pytest.mark.parametrize(
    "value, word",
    [
        (None, "the filter"),
        ([], "the filter"),
        ({"presence": NO_OBJECT}, "presence"),
        ({"account_data": []}, "account_data"),
        ({"room": NO_OBJECT}, "room"),
        ({"room": {"timeline": NO_OBJECT}}, "room.timeline"),
        ({"room": {"state": 1}}, "room.state"),
        ({"room": {"ephemeral": None}}, "room.ephemeral"),
        ({"room": {"account_data": True}}, "room.account_data"),
        ({"room": {"rooms": NO_LIST}}, "room.rooms"),
        ({"room": {"not_rooms": ["nowhere"]}}, "room.not_rooms"),
        ({"room": {"include_leave": 1}}, "room.include_leave"),
        ({"room": {"timeline": {"rooms": NO_LIST}}}, "room.timeline.rooms"),
        ({"room": {"timeline": {"rooms": ["not_a_room_id"]}}}, "room.timeline.rooms"),
        ({"room": {"timeline": {"senders": NO_LIST}}}, "room.timeline.senders"),
        ({"room": {"timeline": {"senders": ["not_a_sender_id"]}}}, "room.timeline.senders"),
        ({"room": {"timeline": {"not_senders": [1]}}}, "room.timeline.not_senders"),
        ({"room": {"timeline": {"types": [1]}}}, "room.timeline.types"),
        ({"room": {"timeline": {"not_types": {}}}}, "room.timeline.not_types"),
        ({"room": {"timeline": {"types": ["x" * 256]}}}, "room.timeline.types"),
        ({"room": {"timeline": {"limit": -1}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"limit": 1.5}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"limit": True}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"limit": "10"}}}, "room.timeline.limit"),
        ({"room": {"timeline": {"contains_url": "yes"}}}, "room.timeline.contains_url"),
        ({"room": {"state": {"lazy_load_members": "yes"}}}, "room.state.lazy_load_members"),
        ({"event_fields": "type"}, "event_fields"),
        ({"event_format": "xml"}, "event_format"),
        ({"event_format": ["client"]}, "event_format"),
        ({"event_fields": ["x"] * MAX_FILTER_ENTRIES, "presence": {"types": ["x"]}}, "entries"),
    ],
)
def test_malformed_filters_are_refused_with_the_place_of_the_fault(value: Any, word: str) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(word)):
        Filter.compile(value)


@given(st.text("ab*", max_size=8), st.text("ab", max_size=10))
def test_wildcards_match_as_globs_do(pattern: str, text: str) -> None:
    assert (text in Types((pattern,))) is (re.fullmatch(translate(pattern), text) is not None)


def test_other_special_characters_are_literal() -> None:
    assert "a?c" in Types(("a?*",))
    assert "abc" not in Types(("a?*",))
    assert "axb" not in Types(("a.b", "[a-z]*"))


def test_exact_types_can_be_looked_up() -> None:
    assert Types(("a", "b")).exact == frozenset({"a", "b"})
    assert Types(("a", "b*")).exact is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(
                    ["room", "timeline", "state", "types", "senders", "limit", "event_fields", "presence", "rooms", "event_format"]
                ),
                inner,
            )
        ),
    )
)
def test_anything_is_compiled_or_refused(value: Any) -> None:
    try:
        Filter.compile(value)
    except InvalidFilter:
        return
