"""What came while a room was known in part is judged again by the whole state (MSC3902)."""

from pathlib import Path
from urllib.parse import unquote

import orjson
import pytest

from federation.transport import ReadyAnswer, collect
from homeserver.protocol.event import Draft
from homeserver.rooms.partial import complete
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.resync import Resync
from homeserver.rooms.receiving import enter as enter_module
from homeserver.rooms.receiving import outliers
from homeserver.web.request import Request
from tests.federation.rooms.partial.halved import DEREK, ELSIE, Halved
from tests.federation.support.asking import put_member
from tests.federation.support.shared import enter, membership, messages, state
from tests.federation.support.sharing import say
from tests.federation.support.town import Town, town_of
from tests.support.client import start
from tests.support.rooms import create_room

MEMBER = "m.room.member"


def test_state_of_one_who_had_left_falls(town: Town) -> None:
    half = Halved(town, levels={DEREK: 50}, gone=DEREK)
    bad = half.forge(Draft("m.room.test", DEREK, {"body": "bad"}, ""), auth={(MEMBER, DEREK): half.joins[DEREK]})
    half.send(bad)
    assert half.shown(bad.event_id)
    good = half.forge(Draft("m.room.message", "@alice:a.test", {"body": "good"}))
    half.send(good)
    half.let_in()
    assert not half.is_partial()
    assert not half.shown(bad.event_id)
    assert half.shown(good.event_id)
    held = state(town, "b.test", half.bob, half.room_id)
    assert ("m.room.test", "") not in held
    assert membership(town, "b.test", half.bob, half.room_id, DEREK) == "leave"
    town.settle(3)
    assert held == state(town, "a.test", half.alice, half.room_id)


def test_what_was_refused_wrongly_is_revived(town: Town) -> None:
    half = Halved(town, levels={DEREK: 100, ELSIE: 50}, gone=DEREK)
    joins = {(MEMBER, DEREK): half.joins[DEREK], (MEMBER, ELSIE): half.joins[ELSIE]}
    kick = half.forge(Draft(MEMBER, DEREK, {"membership": "leave"}, ELSIE), auth=joins)
    named = half.forge(Draft("m.room.name", ELSIE, {"name": "elsie's"}, ""), auth={(MEMBER, ELSIE): half.joins[ELSIE]})
    half.keep(kick, named)
    half.send(kick, named)
    assert half.shown(kick.event_id)
    assert not half.shown(named.event_id)
    _, token = half.sync(lazy=True)
    half.let_in()
    assert not half.shown(kick.event_id)
    assert half.shown(named.event_id)
    assert membership(town, "b.test", half.bob, half.room_id, ELSIE) == "join"
    assert state(town, "b.test", half.bob, half.room_id)["m.room.name", ""] == named.event_id
    room, _ = half.sync(lazy=True, since=token)
    assert named.event_id in [event["event_id"] for event in room["timeline"]["events"]]
    say(town, half.bob, half.room_id, "on top of it", server="b.test")
    town.settle(2)
    assert messages(town, "a.test", half.alice, half.room_id)[-1] == "on top of it"
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)


def unread(half: Halved) -> tuple[int, int]:
    counts = half.sync(lazy=True)[0]["unread_notifications"]
    return counts["notification_count"], counts["highlight_count"]


def test_what_is_revived_is_unread_and_what_falls_is_not(town: Town) -> None:
    half = Halved(town, levels={DEREK: 100, ELSIE: 50}, gone=DEREK)
    call = {"msgtype": "m.text", "body": "bob", "m.mentions": {"user_ids": ["@bob:b.test"]}}
    by_elsie, by_derek = {(MEMBER, ELSIE): half.joins[ELSIE]}, {(MEMBER, DEREK): half.joins[DEREK]}
    falling = [half.forge(Draft("m.room.message", DEREK, content), auth=by_derek) for content in (call, {"body": "plain"})]
    kick = half.forge(Draft(MEMBER, DEREK, {"membership": "leave"}, ELSIE), auth={**by_elsie, **by_derek})
    asked = half.forge(Draft("m.room.message", ELSIE, {"msgtype": "m.text", "body": "a question"}), auth=by_elsie)
    relation = {"m.relates_to": {"rel_type": "m.thread", "event_id": asked.event_id}}
    answered = half.forge(Draft("m.room.message", ELSIE, {**call, **relation}), auth=by_elsie)
    regretted = half.forge(Draft("m.room.message", ELSIE, {"body": "regretted"}), auth=by_elsie)
    regret = half.forge(Draft("m.room.redaction", ELSIE, {"redacts": regretted.event_id}), auth=by_elsie)
    to_all = {"msgtype": "m.text", "body": "all", "m.mentions": {"room": True}}
    calling = half.forge(Draft("m.room.message", ELSIE, to_all), auth=by_elsie)
    revived = (asked, answered, regretted, regret, calling)
    half.keep(*falling, kick, *revived)
    half.send(*falling, kick, *revived)
    assert [half.shown(event.event_id) for event in (*falling, *revived)] == [True, True, *[False] * 5]
    assert unread(half) == (2, 1)
    half.let_in()
    assert [half.shown(event.event_id) for event in (*falling, *revived)] == [False, False, *[True] * 5]
    assert unread(half) == (3, 2)
    b_test = town["b.test"]
    thread = b_test.ok(half.bob.get(f"/_matrix/client/v1/rooms/{half.room_id}/relations/{asked.event_id}/m.thread"))["chunk"]
    assert [event["event_id"] for event in thread] == [answered.event_id]
    told = b_test.ok(half.bob.get("/_matrix/client/v3/notifications"))["notifications"]
    assert {calling.event_id, answered.event_id} <= {one["event"]["event_id"] for one in told}


def test_members_who_come_and_go_meanwhile_end_where_they_are(town: Town) -> None:
    half = Halved(town)
    put_member(town, half.room_id, "@new:a.test")
    put_member(town, half.room_id, ELSIE, "leave")
    say(town, half.alice, half.room_id, "x")
    town.settle(0.3)
    half.let_in()
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)
    room = town["b.test"].run(town["b.test"].parts.rooms.store.room(half.room_id))
    assert room is not None
    assert (room.joined_count, room.local_joined_count) == (5, 1)
    counted = town["b.test"].run(town["b.test"].parts.rooms.members.joined_users(half.room_id))
    assert len(counted) == room.joined_count


def test_it_goes_on_after_a_restart(town: Town) -> None:
    """The parts that know of it are made anew, from what is stored."""
    half = Halved(town)
    parts = town["b.test"].parts
    parts.rooms.visiting.resync.stop()
    half.is_told = True
    town.settle(60)
    assert half.is_partial()
    partial = PartialRooms(parts.rooms.partial.store, parts.ground.streams, town.clock)
    town.run(partial.load())
    assert partial.servers(half.room_id)[0] == "a.test"
    resync = Resync(
        rooms=parts.rooms.store, partial=partial, completing=parts.rooms.visiting.arrivals.completing, streams=parts.ground.streams,
        clock=town.clock, chance=parts.ground.chance,
    )  # fmt: skip
    resync.start()
    town.settle(2)
    resync.stop()
    assert not partial.is_partial(half.room_id)
    assert partial.became_whole(half.room_id, 1)
    assert not half.is_partial()
    again = PartialRooms(parts.rooms.partial.store, parts.ground.streams, town.clock)
    town.run(again.load())
    assert not again.rooms
    assert again.became_whole(half.room_id, 1)


def test_another_server_helps_where_the_first_does_not(tmp_path: Path) -> None:
    with town_of(tmp_path, "a.test", "b.test", "c.test") as town:
        carol = town.user("c.test", "carol")
        alice = town.user("a.test", "alice")
        room = create_room(town["a.test"], alice, preset="public_chat")
        enter(town, "c.test", carol, room)
        town.network.lose = lambda origin, destination, uri: "request" if "/state" in uri and destination == "a.test" else None
        bob = town.user("b.test", "bob")
        enter(town, "b.test", bob, room)
        town.settle(3)
        assert not town["b.test"].parts.rooms.partial.is_partial(room)
        assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)


@pytest.mark.parametrize("partly", [True, False])
def test_large_rooms_are_written_in_pieces(town: Town, monkeypatch: pytest.MonkeyPatch, *, partly: bool) -> None:
    names = [(complete, name) for name in ("AT_ONCE", "WRITTEN", "MEMBERS_AT_ONCE")]
    for module, name in (*names, (enter_module, "WRITTEN"), (outliers, "AT_ONCE")):
        monkeypatch.setattr(module, name, 3)
    parts = town["b.test"].parts

    async def may_be_partial(room_id: str) -> bool:
        return partly

    monkeypatch.setattr(type(parts.rooms.visiting.arrivals.entering), "may_be_partial", staticmethod(may_be_partial))
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room_id = create_room(town["a.test"], alice, preset="public_chat", name="Large")
    for number in range(20):
        put_member(town, room_id, f"@user{number}:a.test")
    enter(town, "b.test", bob, room_id)
    assert any("/state/" in passed.uri for passed in town.network.passed) == partly
    assert not parts.rooms.partial.is_partial(room_id)
    assert state(town, "a.test", alice, room_id) == state(town, "b.test", bob, room_id)
    joined = town.run(parts.rooms.members.joined_users(room_id))
    record = town.run(parts.rooms.store.room(room_id))
    assert record is not None
    assert (len(joined), record.joined_count, record.local_joined_count) == (22, 22, 1)


def test_what_did_not_come_soundly_is_asked_for_by_its_name(town: Town) -> None:
    half, carry = Halved(town), town.network.carry

    async def spoil(origin: str, destination: str, request: Request, uri: str) -> ReadyAnswer:
        answer = await carry(origin, destination, request, uri)
        if not half.is_told or "/state/" not in uri:
            return answer
        body = orjson.loads(await collect(answer, 10**6))
        for pdu in body["pdus"]:
            if pdu.get("state_key") == DEREK:
                pdu["signatures"] = {"a.test": {}}
        return ReadyAnswer(answer.status, answer.headers, orjson.dumps(body))

    town.network.carry = spoil  # type: ignore[method-assign]
    town.network.passed.clear()
    half.let_in()
    assert not half.is_partial()
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)
    asked = [passed.uri.split("/")[4] for passed in town.network.passed if passed.origin == "b.test"]
    assert "state_ids" in asked
    assert any(half.joins[DEREK] in unquote(passed.uri) for passed in town.network.passed)


@pytest.mark.parametrize("large", [3, 500])
def test_nobody_waits_for_a_large_room(town: Town, monkeypatch: pytest.MonkeyPatch, large: int) -> None:
    monkeypatch.setattr(complete, "LARGE", large)
    half = Halved(town)
    ended: list[bool] = []
    for if_small in (True, False):
        start(town["b.test"].parts.rooms.partial.within(half.room_id, 60.0, if_small=if_small)).addCallback(ended.append)
    half.let_in()
    assert ended == ([False, True] if large == 3 else [True, True])
