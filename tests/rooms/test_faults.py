"""Each main operation with its Nth question to the database, or its Nth commit, failing, for every N: it says so, leaves no part of itself, hangs
nobody, and goes well the next time."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail

from storage.database import Database, StorageUnavailable
from tests.support.client import Client
from tests.support.places import Failing, on_file, verified
from tests.support.rooms import create_room, join, member, path
from tests.support.server import TestServer

BOB = "@bob:test"
MOST = 60  # questions of one operation


class FailingReads:
    """Over a database: the Nth read from now on fails."""

    def __init__(self, database: Database) -> None:
        self._read, self._scan = database.read, database.scan
        self.left = -1
        database.read = self._wrap(self._read)  # type: ignore[method-assign,assignment]
        database.scan = self._wrap(self._scan)  # type: ignore[method-assign,assignment]

    def _wrap(self, ask: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def read(question: Any) -> Any:
            self.left -= self.left >= 0
            if self.left == 0:
                self.left = -1
                failed: Deferred[Any] = fail(StorageUnavailable())
                return failed
            return ask(question)

        return read


class World:
    """Alice has a room, Bob is in it, Carol is not."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.observer = Failing()
        self.server: TestServer = on_file(directory, observer=self.observer)
        self.reads = FailingReads(self.server.database)
        self.alice, self.bob, self.carol = (self.server.user(name) for name in ("alice", "bob", "carol"))
        self.room = create_room(self.server, self.alice, preset="public_chat")
        join(self.server, self.bob, self.room)
        self.count = 0

    def restart(self) -> None:
        """With nothing in memory there is more to ask."""
        self.server.run(self.server.server.stop())
        self.server.clock.advance(0.01)
        self.server = on_file(self.directory, seed=self.count + 1, observer=self.observer, clock=self.server.clock)
        self.reads = FailingReads(self.server.database)
        self.alice, self.bob, self.carol = (self.server.client.with_token(c.token) for c in (self.alice, self.bob, self.carol))

    def say(self, client: Client) -> Any:
        return client.put(path("rooms", self.room, "send", "m.room.message", f"t{self.count}"), {"body": "x"})

    def last_event(self) -> str:
        chunk = self.server.ok(self.bob.get(path("rooms", self.room, "messages"), {"dir": "b", "filter": '{"senders":["@bob:test"]}'}))[
            "chunk"
        ]
        return str(next(event for event in chunk if event["type"] == "m.room.message")["event_id"])


def create(world: World) -> Any:
    return world.alice.post(path("createRoom"), {"invite": [BOB], "name": "x", "room_alias_name": f"alias{world.count}"})


def redact(world: World) -> Any:
    return world.alice.put(path("rooms", world.room, "redact", world.last_event(), f"t{world.count}"), {})


OPERATIONS: dict[str, Callable[[World], Any]] = {
    "create": create,
    "send": lambda w: w.say(w.bob),
    "state": lambda w: w.alice.put(path("rooms", w.room, "state", "m.room.topic", ""), {"topic": str(w.count)}),
    "redact": redact,
    "join": lambda w: w.carol.post(path("join", w.room)),
    "leave": lambda w: w.carol.post(path("rooms", w.room, "leave")),
    "kick and invite": lambda w: w.alice.post(path("rooms", w.room, "invite"), {"user_id": "@carol:test"}),
    "sync": lambda w: w.bob.get(path("sync")),
    "lazy sync": lambda w: w.bob.get(path("sync"), {"filter": '{"room":{"state":{"lazy_load_members":true}}}'}),
    "receipt": lambda w: w.alice.post(path("rooms", w.room, "receipt", "m.read", w.last_event())),
    "messages": lambda w: w.bob.get(path("rooms", w.room, "messages"), {"dir": "b"}),
}


def prepare(world: World, name: str) -> None:
    """Where the operation has something to do."""
    world.count += 1
    if name in ("redact", "receipt"):
        world.server.ok(world.say(world.bob))
    elif name == "leave":
        join(world.server, world.carol, world.room)
    elif name in ("join", "kick and invite"):
        member(world.server, world.alice, world.room, "kick", "@carol:test")


def tries(world: World, name: str) -> Iterator[int]:
    for number in range(1, MOST):
        prepare(world, name)
        yield number


def check_again(world: World, name: str, *, was_done: bool) -> None:
    """The second try goes well; of what was done before all the same it says so."""
    status, answer = world.server.run(OPERATIONS[name](world))
    assert status == 200 or (was_done and name == "create" and answer["errcode"] == "M_ROOM_IN_USE"), answer


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_nth_question_fails(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    failed = 0
    for number in tries(world, name):
        world.restart()
        request = OPERATIONS[name](world)
        world.reads.left = number
        status, answer = world.server.run(request)
        went_well, world.reads.left = world.reads.left >= 0, -1
        assert status in (200, 503), answer
        failed += status == 503
        check_again(world, name, was_done=status == 200)
        if went_well:  # there are no more questions than that
            break
    assert failed
    verified(world.server, tmp_path)


@pytest.mark.parametrize("name", OPERATIONS)
def test_the_commit_fails(tmp_path: Path, name: str) -> None:
    world = World(tmp_path)
    for skipped in range(3):
        prepare(world, name)
        request = OPERATIONS[name](world)
        world.observer.skip, world.observer.next = skipped, 1
        status, answer = world.server.run(request)
        world.observer.next = 0
        assert status in (200, 503), answer
        check_again(world, name, was_done=status == 200)
        verified(world.server, tmp_path)


@pytest.mark.parametrize("what", ["question", "commit"])
def test_an_upgrade_that_fails_leaves_no_successor(tmp_path: Path, what: str) -> None:
    """For whoever is told so tries again."""
    world, alias = World(tmp_path), path("directory", "room", "#first:test")
    world.server.ok(world.alice.put(alias, {"room_id": world.room}))
    failed = 0
    for number in range(1, MOST):
        world.restart()
        before = world.server.ok(world.alice.get(path("joined_rooms")))["joined_rooms"]
        request = world.alice.post(path("rooms", world.room, "upgrade"), {"new_version": "12"})
        if what == "question":
            world.reads.left = number
        else:
            world.observer.skip, world.observer.next = number - 1, 1
        status, answer = world.server.run(request)
        went_well = world.reads.left >= 0 or world.observer.next == 1
        world.reads.left, world.observer.next = -1, 0
        made = set(world.server.ok(world.alice.get(path("joined_rooms")))["joined_rooms"]).difference(before)
        assert (status, made) in ((503, set()), (200, {answer.get("replacement_room")}))
        failed += status == 503
        world.room = answer.get("replacement_room", world.room)
        assert world.server.ok(world.alice.get(alias))["room_id"] == world.room
        if went_well:
            break
    assert failed
    verified(world.server, tmp_path)
