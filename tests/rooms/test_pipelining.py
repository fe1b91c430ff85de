"""Events built on events that are not on disk yet: what fails together, what is known afterwards, and that nothing is told too early."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from homeserver.protocol.event import Draft
from homeserver.rooms.head import RoomHead
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.store import EventCommit
from tests.support.client import Client, start
from tests.support.places import Failing, on_file, slowly, verified
from tests.support.rooms import create_room, join, path

Answer = tuple[int, Any]


class World:
    """A server whose commits take a while and may fail, with Alice's room on it."""

    def __init__(self, directory: Path, seed: int = 0) -> None:
        self.directory = directory
        self.observer = Failing()
        self.server = slowly(directory, seed=seed, observer=self.observer)
        self.alice = self.server.user("alice")
        self.room = create_room(self.server, self.alice, preset="public_chat")

    def begin(self, number: int, client: Client | None = None, room: str | None = None) -> "Deferred[Answer]":
        """A message on its way."""
        content = {"msgtype": "m.text", "body": f"message {number}"}
        return start((client or self.alice).put(path("rooms", room or self.room, "send", "m.room.message", f"txn{number}"), content))

    def finish(self, *begun: "Deferred[Answer]") -> list[Answer]:
        async def wait() -> list[Answer]:
            return await gatherResults(begun)

        return self.server.run(wait())

    def messages(self, client: Client | None = None, room: str | None = None) -> list[str]:
        """The bodies in the room, oldest first."""
        query = {"dir": "b", "limit": 500, "filter": '{"types":["m.room.message"]}'}
        chunk = self.server.ok((client or self.alice).get(path("rooms", room or self.room, "messages"), query))["chunk"]
        return [event["content"]["body"] for event in reversed(chunk)]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def numbers(*wanted: int) -> list[str]:
    return [f"message {number}" for number in wanted]


def test_many_messages_share_commits(world: World) -> None:
    answers = world.finish(*[world.begin(number) for number in range(50)])
    assert [status for status, _ in answers] == [200] * 50
    assert len({body["event_id"] for _, body in answers}) == 50
    assert sorted(world.messages()) == sorted(numbers(*range(50)))
    assert world.observer.commits < 20
    verified(world.server, world.directory)


def test_a_failed_commit_fails_all_that_was_built_on_it(world: World) -> None:
    world.observer.next = 1
    first = [world.begin(number) for number in range(10)]
    world.server.clock.advance(0)  # the batch of the first ten is on its way
    answers = world.finish(*first)
    assert [(status, body["errcode"]) for status, body in answers] == [(503, "M_UNKNOWN")] * 10
    assert world.messages() == []
    assert [status for status, _ in world.finish(world.begin(100), world.begin(101))] == [200, 200]
    assert world.messages() == numbers(100, 101)
    verified(world.server, world.directory)


@pytest.mark.parametrize("seed", range(10))
def test_failures_at_any_moment(tmp_path: Path, seed: int) -> None:
    """Senders in two rooms, commits that fail now and then: who was told of success finds the message, once, and no one else does."""
    world = World(tmp_path, seed)
    bob = world.server.user("bob")
    join(world.server, bob, world.room)
    other = create_room(world.server, bob)
    begun: dict[str, list[tuple[int, Deferred[Answer]]]] = {world.room: [], other: []}
    for number in range(60):
        world.observer.next += number % 7 == seed % 7
        room = (world.room, other)[number % 2]
        begun[room].append((number, world.begin(number, bob, room)))
        world.server.clock.advance(0.004 * (number % 3))
    for room, sent in begun.items():
        answers = world.finish(*[answer for _, answer in sent])
        acknowledged = [number for (number, _), (status, _) in zip(sent, answers, strict=True) if status == 200]
        assert {status for status, _ in answers} <= {200, 503}
        assert sorted(world.messages(bob, room)) == sorted(numbers(*acknowledged))  # what is sent at once stands in any order
    assert world.observer.failed > 0
    world.observer.next = 0
    for room, sent in begun.items():  # whoever was refused tries again, whoever was not, too
        again = world.finish(*[world.begin(number, bob, room) for number, _ in sent])
        assert [status for status, _ in again] == [200] * len(sent)
        assert sorted(world.messages(bob, room)) == sorted(numbers(*[number for number, _ in sent]))
    verified(world.server, world.directory)


def test_parallel_retries_make_one_event(world: World) -> None:
    answers = world.finish(*[world.begin(1) for _ in range(20)])
    assert len({body["event_id"] for _, body in answers}) == 1
    assert world.messages() == numbers(1)


def test_parallel_retries_of_a_failing_one_make_one_event_in_the_end(world: World) -> None:
    world.observer.next = 3
    answers = world.finish(*[world.begin(1) for _ in range(20)])
    told = {body["event_id"] for status, body in answers if status == 200}
    assert len(told) == 1
    assert [status for status, _ in answers].count(503) == world.observer.failed
    assert world.messages() == numbers(1)


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.06, 0.1, 0.2])
def test_a_cancelled_request_loses_nothing(world: World, after_s: float) -> None:
    """Its event is stored or it is not; either way the transaction gives one event, and what comes later stands."""
    gone = world.begin(1)
    world.server.clock.advance(after_s)
    gone.addErrback(lambda failure: failure.trap(CancelledError))
    gone.cancel()
    answers = world.finish(world.begin(2), world.begin(1), world.begin(1))
    assert [status for status, _ in answers] == [200, 200, 200]
    assert answers[1] == answers[2]
    assert sorted(world.messages()) == numbers(1, 2)
    verified(world.server, world.directory)


def test_a_waiting_retry_that_is_cancelled_disturbs_nobody(world: World) -> None:
    first, second, third = world.begin(1), world.begin(1), world.begin(1)
    second.addErrback(lambda failure: failure.trap(CancelledError))
    second.cancel()
    assert world.finish(first)[0] == world.finish(third)[0]
    assert world.messages() == numbers(1)


def events(world: World) -> int:
    """How many are on disk."""
    return int(world.server.database.now(lambda cursor: cursor.value("SELECT count(*) FROM events")))  # type: ignore[attr-defined]


@pytest.mark.parametrize("seed", range(4))
def test_what_is_there_already_is_acknowledged_when_it_is_on_disk(tmp_path: Path, seed: int) -> None:
    world = World(tmp_path, seed)
    bob = world.server.user("bob")
    topic = path("rooms", world.room, "state", "m.room.topic", "")
    asked: list[Callable[[], Deferred[Answer]]] = [
        lambda: start(world.alice.put(topic, {"topic": "new"})),
        lambda: start(bob.post(path("join", world.room))),
        lambda: start(bob.post(path("rooms", world.room, "leave"))),
    ]
    for ask in asked:
        before = events(world)
        begun = [ask()]
        while events(world) == before:
            assert not any(answer.called for answer in begun)
            begun.append(ask())
            world.server.clock.advance(0.001)
        assert {status for status, _ in world.finish(*begun)} == {200}
        assert events(world) == before + 1
    verified(world.server, world.directory)


def test_many_who_wait_for_one_room(world: World) -> None:
    """They are let in one after the other, however many they are."""
    topic = path("rooms", world.room, "state", "m.room.topic", "")
    for _ in range(2):  # the second is answered once the first is on disk, and holds the room until then
        start(world.alice.put(topic, {"topic": "new"}))
    answers = world.finish(*[world.begin(number) for number in range(1_000)])
    assert [status for status, _ in answers] == [200] * 1_000
    assert len(set(world.messages())) == 500  # the newest


def test_a_change_that_comes_to_nothing_hurts_nobody(world: World) -> None:
    """Part of it was appended when it failed: the room stands where it stood, and what others have under way is stored."""
    writing: Any = world.server.server._parts.rooms.writing

    async def fail(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], None]:
        for number in range(3):
            await writing.appender.append(lock, head, Draft("org.example", "@alice:test", {"n": number}, str(number)))
        raise ValueError("on second thoughts")

    def begin_to_fail() -> Deferred[None]:
        failing: Deferred[None] = start(writing.sender.change(world.room, fail))
        return failing.addErrback(lambda failure: failure.trap(ValueError) and None)

    begun = []
    for number in range(20):
        begun.append(world.begin(number))
        if number % 5 == 2:
            begin_to_fail()
        world.server.clock.advance(0.01)
    assert {status for status, _ in world.finish(*begun)} == {200}
    assert sorted(world.messages()) == sorted(numbers(*range(20)))
    verified(world.server, world.directory)


def test_a_transaction_survives_a_restart(tmp_path: Path) -> None:
    server = on_file(tmp_path)
    alice = server.user("alice")
    room = create_room(server, alice)
    where = path("rooms", room, "send", "m.room.message", "txn")
    sent = server.ok(alice.put(where, {"body": "once"}))
    server.run(server.server.stop())
    again = on_file(tmp_path, seed=1)
    alice = again.client.with_token(alice.token)
    assert again.ok(alice.put(where, {"body": "twice"})) == sent
    verified(again, tmp_path)
