"""State resolution in rooms with a story: who wins when servers saw different things."""

import pytest

from homeserver.protocol.room_versions import ROOM_VERSIONS
from tests.protocol.rooms.history import History
from tests.protocol.rooms.small_room import ALICE, BOB, EVE, MO

_SECOND = [identifier for identifier, version in ROOM_VERSIONS.items() if version.state_resolution == "v2"]
_second = pytest.mark.parametrize("version", _SECOND)
_skewed = pytest.mark.parametrize("skew", [-(10**9), 0, 10**9])
_LEVELS, _RULES, _TOPIC = ("m.room.power_levels", ""), ("m.room.join_rules", ""), ("m.room.topic", "")


def _room(version: str) -> History:
    room = History(version)
    room.join("mo", MO)
    room.join("bob", BOB)
    return room


def _topic(room: History, name: str, sender: str, **more: object) -> str:
    return room.add(name, "m.room.topic", sender, {"topic": name}, **more)  # type: ignore[arg-type]


@_second
@_skewed
def test_row_5_a_demotion_stays(version: str, skew: int) -> None:
    room = _room(version)
    start = room.last
    demoted = room.levels("demoted", ALICE, {"users": {} if version == "12" else {ALICE: 100}})
    room.levels("grab", MO, {"users": {MO: 50, EVE: 50} if version == "12" else {ALICE: 100, MO: 50, EVE: 50}}, after=start, ts=skew)
    banned = room.member("ban", MO, BOB, "ban", ts=skew)
    topic = _topic(room, "topic", MO, after=start, ts=skew)
    state = room.state(demoted, banned, topic)
    assert state[_LEVELS] == "$demoted"
    assert state[("m.room.member", BOB)] == "$bob"
    assert _TOPIC not in state


@_second
@_skewed
def test_a_ban_beats_what_the_banned_did_meanwhile(version: str, skew: int) -> None:
    room = _room(version)
    start = room.last
    banned = room.member("ban", ALICE, MO, "ban")
    topic = _topic(room, "topic", MO, after=start, ts=skew)
    kicked = room.member("kick", MO, BOB, "leave", ts=skew)
    state = room.state(banned, kicked)
    assert state[("m.room.member", MO)] == "$ban"
    assert state[("m.room.member", BOB)] == "$bob"
    assert _TOPIC not in state
    assert room.state(topic) == {**room.after[start], _TOPIC: "$topic"}


@_second
@_skewed
def test_a_closed_door_beats_who_came_in_meanwhile(version: str, skew: int) -> None:
    room = _room(version)
    start = room.last
    closed = room.add("closed", "m.room.join_rules", ALICE, {"join_rule": "invite"})
    came = room.join("eve", EVE, after=start, ts=skew)
    state = room.state(closed, came)
    assert state[_RULES] == "$closed"
    assert ("m.room.member", EVE) not in state


@_second
@_skewed
def test_who_rules_more_is_heard_first(version: str, skew: int) -> None:
    room = _room(version)
    start = room.last
    users = {} if version == "12" else {ALICE: 100}
    by_alice = room.levels("alices", ALICE, {"users": {**users, MO: 25}, "ban": 25})
    by_mo = room.levels("mos", MO, {"users": {**users, MO: 50}, "ban": 40}, after=start, ts=skew)
    assert room.state(by_alice, by_mo)[_LEVELS] == "$alices"


@_second
def test_the_later_clock_wins_among_equals(version: str) -> None:
    room = _room(version)
    start = room.last
    late = _topic(room, "late", ALICE, ts=2000)
    early = _topic(room, "early", MO, after=start, ts=1000)
    assert room.state(late, early)[_TOPIC] == "$late"


@_second
def test_the_greater_id_wins_among_same_clocks(version: str) -> None:
    room = _room(version)
    start = room.last
    one = _topic(room, "one", ALICE, ts=1000)
    two = _topic(room, "two", MO, after=start, ts=1000)
    assert room.state(one, two)[_TOPIC] == "$two"


@_second
def test_the_mainline_counts_more_than_the_clock(version: str) -> None:
    room = _room(version)
    start = room.last
    old_line = _topic(room, "old", MO, ts=10**9)
    room.levels("newer", ALICE, {"ban": 60}, after=start)
    new_line = _topic(room, "new", MO, ts=0)
    # Without a conflict about the levels, resolution from nothing (12) knows no mainline, and the clock decides.
    both = room.state(old_line, new_line)
    assert both[_LEVELS] == "$newer"
    assert both[_TOPIC] == "$new"


@_second
def test_a_side_line_leads_to_the_mainline(version: str) -> None:
    room = _room(version)
    start = room.last
    room.levels("side1", MO, {"kick": 50}, after=start)
    room.levels("side2", MO, {"kick": 40})
    side = _topic(room, "side", MO, ts=10**9)
    room.levels("main1", ALICE, {"ban": 60}, after=start)
    main = _topic(room, "main", ALICE, ts=0)
    state = room.state(side, main)
    assert state[_TOPIC] in ("$side", "$main")
    assert state == room.state(main, side)


def _old_member_room(version: str) -> tuple[History, dict[tuple[str, str], str], dict[tuple[str, str], str]]:
    """All know the door is closed by now; one server has no word of Bob, who came while it was open."""
    room = _room(version)
    closed = room.add("closed", "m.room.join_rules", ALICE, {"join_rule": "invite"})
    whole = room.after[closed]
    return room, whole, {key: event_id for key, event_id in whole.items() if key != ("m.room.member", BOB)}


@_second
def test_row_5_resolution_from_nothing_keeps_who_came_by_older_rules(version: str) -> None:
    room, whole, holed = _old_member_room(version)
    kept = ("m.room.member", BOB) in room.resolve(whole, holed)
    assert kept == room.version.resolve_from_empty


@_second
def test_row_5_the_conflicted_subgraph_keeps_a_line_of_levels_whole(version: str) -> None:
    """Bob's levels rest on Alice's that made him strong; a server that lost both has a member who cites hers."""
    room = _room(version)
    users = {} if version == "12" else {ALICE: 100}
    old = dict(room.after[room.last])
    room.levels("strong", ALICE, {"users": {**users, BOB: 100}})
    room.join("eve", EVE)
    newest = room.after[room.levels("bobs", BOB, {"users": {**users, BOB: 100}, "ban": 70})]
    lost = {**newest, _LEVELS: old[_LEVELS]}
    assert room.resolve(newest, lost)[_LEVELS] == ("$bobs" if room.version.conflicted_subgraph else "$levels")


def test_version_1_power_levels_go_by_depth_and_each_is_asked() -> None:
    room = _room("1")
    start = room.last
    one = room.levels("one", ALICE, {"users": {ALICE: 100}})
    two = room.levels("two", MO, {"users": {ALICE: 100, MO: 50, BOB: 50}}, after=start)
    room.events["$one"].depth, room.events["$two"].depth = 10, 11
    assert room.state(one, two)[_LEVELS] == "$one"  # Mo's is newer but not allowed after Alice's
    room.events["$one"].depth, room.events["$two"].depth = 11, 10
    assert room.state(one, two)[_LEVELS] == "$one"  # and allowed the other way round


def test_version_1_the_deepest_allowed_topic_wins() -> None:
    room = _room("1")
    start = room.last
    allowed = _topic(room, "allowed", ALICE)
    refused = _topic(room, "refused", MO, after=start)
    room.events["$allowed"].depth, room.events["$refused"].depth = 10, 11
    demoted = room.levels("demoted", ALICE, {"users": {ALICE: 100}}, after=start)
    agreed = {_LEVELS: "$demoted"}
    states = [room.after[name] | agreed for name in (allowed, refused)]
    assert room.resolve(*states)[_TOPIC] == "$allowed"
    assert room.state(allowed, refused)[_TOPIC] == "$refused"
    assert demoted in room.after


def test_version_1_a_hole_is_no_conflict() -> None:
    room = _room("1")
    start = room.last
    topic = _topic(room, "topic", ALICE)
    assert room.state(topic, start)[_TOPIC] == "$topic"
