"""What sync keeps in memory: feeds, deadlines, told members. Bounded, and never in the way of the truth."""

from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from homeserver.push import unread
from homeserver.rooms.reading import timelines
from homeserver.streams import Change
from homeserver.sync import feed as feeds
from homeserver.sync import lazy_members
from homeserver.sync.deadlines import MIN_SWEEP, Deadlines
from homeserver.sync.lazy_members import LazyMembers
from homeserver.sync.sections import timeline
from tests.support.client import Client, start
from tests.support.clock import FakeClock
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer, make_server
from tests.sync.histories import History
from tests.sync.law import Law


def sync(server: TestServer, client: Client, since: str | None = None, **query: Any) -> Any:
    return server.ok(client.get(path("sync"), {"since": since, **query}))


def bodies(answer: Any, room: str) -> list[str]:
    events = answer["rooms"]["join"][room]["timeline"]["events"]
    return [event["content"]["body"] for event in events if event["type"] == "m.room.message"]


@pytest.mark.parametrize("seed", range(800, 808))
def test_the_law_with_next_to_no_memory(tmp_path: Path, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is forgotten is read again."""
    monkeypatch.setattr(feeds, "MAX_FEEDS", 2)
    monkeypatch.setattr(lazy_members, "MAX_TOLD", 1_000_000)  # of whom a client was told cannot be read anywhere
    monkeypatch.setattr(timelines, "TAIL_EVENTS", 3)
    monkeypatch.setattr(timelines, "MAX_TAILS", 2)
    monkeypatch.setattr(unread, "MAX_REMEMBERED", 3)
    monkeypatch.setattr(timeline, "SHARED_BYTES", 1_000)
    server = make_server(tmp_path, seed=seed)
    law, history = Law(("plain", "lazy", "threads", "state_after")[seed % 4]), History(server, seed)
    models = {user: law.model() for user in history.clients}
    for _ in range(100):
        history.step()
        user = history.random.choice(list(models))
        law.read_on(server, history.clients[user], models[user])
    law.check(server, history.clients, models)


def test_idle_feeds_go_first_and_waiting_ones_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_FEEDS", 3)
    server = make_server(tmp_path)
    alice = server.user("alice")
    room = create_room(server, alice, preset="public_chat")
    since = sync(server, alice)["next_batch"]
    others = [server.user(f"user{number}") for number in range(8)]
    join(server, others[0], room)
    since = sync(server, alice, since)["next_batch"]
    waiting = start(alice.get(path("sync"), {"since": since, "timeout": 60_000, "filter": '{"presence":{"types":[]}}'}))
    tokens = {other: sync(server, other, set_presence="offline")["next_batch"] for other in others}
    assert not waiting.called
    server.ok(others[0].put(path("rooms", room, "send", "m.room.message", "1"), {"body": "hello"}))
    server.clock.advance(0)
    result: Any = waiting.result
    assert bodies(result[1], room) == ["hello"]
    assert bodies(sync(server, others[0], tokens[others[0]]), room) == ["hello"]


def test_rooms_of_feeds_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "MAX_ROOMS", 10)
    server = make_server(tmp_path)
    clients = [server.user(f"user{number}") for number in range(4)]
    rooms = [create_room(server, clients[0], preset="public_chat") for _ in range(6)]
    for client in clients[1:]:
        for room in rooms:
            join(server, client, room)
    kept = server.server._parts.sync.feeds
    tokens = []
    for number, client in enumerate(clients, 1):
        tokens.append(sync(server, client)["next_batch"])
        assert kept.figures == (1, 6, 10, number)
    server.ok(clients[0].put(path("rooms", rooms[3], "send", "m.room.message", "1"), {"body": "hello"}))
    for client, token in zip(clients, tokens, strict=True):
        assert bodies(sync(server, client, token), rooms[3]) == ["hello"]


def test_positions_that_were_stepped_over(tmp_path: Path) -> None:
    """Something was committed that this process never heard of: whoever waits looks, and finds it in the store."""
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)
    since = sync(server, bob, sync(server, bob)["next_batch"])["next_batch"]
    waiting = start(bob.get(path("sync"), {"since": since, "timeout": 60_000, "filter": '{"presence":{"types":[]}}'}))
    assert not waiting.called
    streams = server.server.database._commits._streams  # type: ignore[attr-defined]
    publish = streams.publish
    try:
        streams.publish = lambda changes, position: None
        begun = start(alice.put(path("rooms", room, "send", "m.room.message", "1"), {"body": "unheard"}))
    finally:
        streams.publish = publish
    assert begun.called
    streams.skip_to(streams.position + 1)
    server.clock.advance(0)
    result: Any = waiting.result
    assert bodies(result[1], room) == ["unheard"]
    count = result[1]["rooms"]["join"][room]["unread_notifications"]["notification_count"]
    assert count == 1


def test_a_change_of_another_process(tmp_path: Path) -> None:
    """It comes without its subject: memberships are read anew."""
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    since = sync(server, bob)["next_batch"]
    join(server, bob, room)
    streams = server.server.database._commits._streams  # type: ignore[attr-defined]
    streams.publish([Change(streams.position, "event", room, "@bob:test", None)], streams.position)
    assert room in sync(server, bob, since)["rooms"]["join"]


# ------------------------------------------------------------------ deadlines


def test_deadlines_fire_in_time_with_one_timer() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock)
    fired: list[float] = []
    waiters: list[Deferred[None]] = []
    chance = Random(1)

    def note(at: float, _: None) -> None:
        fired.append(at)

    for _ in range(500):
        at = chance.uniform(0, 30)
        waiter: Deferred[None] = Deferred()
        waiter.addCallback(partial(note, at))
        waiters.append(waiter)
        Deferred.fromCoroutine(deadlines.wait(waiter, at))
        assert clock.waiting() == 1
    early = waiters[:250]
    for waiter in early:
        waiter.callback(None)
    fired.clear()
    for _ in range(310):
        clock.advance(0.1)
        assert all(at <= clock.monotonic() for at in fired)
        assert clock.waiting() <= 1
    assert len(fired) == 250
    assert fired == sorted(fired)
    assert clock.waiting() == 0


def test_waits_that_ended_are_swept_out() -> None:
    clock = FakeClock()
    deadlines = Deadlines(clock)
    for _ in range(20 * MIN_SWEEP):
        waiter: Deferred[None] = Deferred()
        Deferred.fromCoroutine(deadlines.wait(waiter, 30.0))
        waiter.callback(None)
    assert len(deadlines._heap) <= MIN_SWEEP + 1


# ------------------------------------------------------------------ told members


def test_told_members_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lazy_members, "MAX_TOLD", 50)
    monkeypatch.setattr(lazy_members, "MAX_MEMBERS", 10)
    told = LazyMembers()
    for number in range(300):
        told.tell(("@a:test", "D", f"!{number % 12}:test"), f"@{number % 30}:test", number, number)
    assert len(told) <= 50
    key = ("@a:test", "D", "!11:test")
    assert told.is_told(key, "@29:test", 299, 299)
    assert not told.is_told(key, "@29:test", 299, 298)
    assert not told.is_told(key, "@29:test", 5, 299)
    told.forget(key)
    assert not told.is_told(key, "@29:test", 299, 299)
    for number in range(12):
        told.forget(("@a:test", "D", f"!{number}:test"))
    assert len(told) == 0
