"""Long polls: whatever happens wakes those whom it concerns, nobody else, and nothing falls between two syncs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from twisted.internet.defer import Deferred

from tests.support.client import Client, start
from tests.support.rooms import create_room, join, member, path
from tests.support.server import make_server

ALICE, BOB, CAROL = "@alice:test", "@bob:test", "@carol:test"
TIMEOUT_MS = 30_000


class World:
    """Alice and Bob in a room, Carol outside; each of them can wait."""

    def __init__(self, directory: Path) -> None:
        self.server = make_server(directory)
        self.alice, self.bob, self.carol = (self.server.user(name) for name in ("alice", "bob", "carol"))
        self.room = create_room(self.server, self.alice, preset="public_chat")
        join(self.server, self.bob, self.room)
        self.event = self.say(self.alice, "first")
        self.tokens = {client: self.sync(client)["next_batch"] for client in (self.alice, self.bob, self.carol)}
        for client in self.tokens:  # whoever came online is told
            self.tokens[client] = self.sync(client)["next_batch"]

    def ok(self, request: Any) -> Any:
        return self.server.ok(request)

    def say(self, client: Client, text: str) -> str:
        where = path("rooms", self.room, "send", "m.room.message", text)
        return str(self.ok(client.put(where, {"msgtype": "m.text", "body": text}))["event_id"])

    def sync(self, client: Client, since: str | None = None, **query: Any) -> Any:
        return self.ok(client.get(path("sync"), {"since": since, **query}))

    def wait(self, client: Client, timeout: int = TIMEOUT_MS, **query: Any) -> "Deferred[tuple[int, Any]]":
        """A sync that waits; it must not be answered at once."""
        query = {"since": self.tokens[client], "timeout": timeout, **query}
        waiting = start(client.get(path("sync"), query))
        assert not waiting.called
        return waiting

    def pass_time(self, seconds: float = 0.6) -> None:
        self.server.clock.advance(seconds)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def told(waiting: "Deferred[tuple[int, Any]]") -> Any:
    """The answer, which must be there."""
    assert waiting.called
    result: Any = waiting.result
    status, answer = result
    assert status == 200, answer
    return answer


def in_room(answer: Any, world: World, section: str = "join") -> Any:
    return answer["rooms"][section][world.room]


def change(name: str, act: Callable[[World], object], seen: Callable[[Any, World], object]) -> Any:
    return pytest.param(act, seen, id=name)


def put_data(world: World, *where: str) -> None:
    world.ok(world.alice.put(path("user", ALICE, *where), {"x": 1}))


WAKES_ALICE = [
    change("message", lambda w: w.say(w.bob, "hello"), lambda a, w: in_room(a, w)["timeline"]["events"][0]["content"]["body"] == "hello"),
    change(
        "state",
        lambda w: w.ok(w.alice.put(path("rooms", w.room, "state", "m.room.topic", ""), {"topic": "new"})),
        lambda a, w: in_room(a, w)["timeline"]["events"][0]["type"] == "m.room.topic",
    ),
    change("join", lambda w: join(w.server, w.carol, w.room), lambda a, w: in_room(a, w)["summary"]["m.joined_member_count"] == 3),
    change(
        "redaction",
        lambda w: w.ok(w.alice.put(path("rooms", w.room, "redact", w.event, "1"))),
        lambda a, w: in_room(a, w)["timeline"]["events"][0]["type"] == "m.room.redaction",
    ),
    change(
        "receipt",
        lambda w: w.ok(w.bob.post(path("rooms", w.room, "receipt", "m.read", w.event))),
        lambda a, w: BOB in in_room(a, w)["ephemeral"]["events"][0]["content"][w.event]["m.read"],
    ),
    change(
        "own private receipt",
        lambda w: w.ok(w.alice.post(path("rooms", w.room, "receipt", "m.read.private", w.event))),
        lambda a, w: ALICE in in_room(a, w)["ephemeral"]["events"][0]["content"][w.event]["m.read.private"],
    ),
    change(
        "typing",
        lambda w: w.ok(w.bob.put(path("rooms", w.room, "typing", BOB), {"typing": True, "timeout": 5_000})),
        lambda a, w: in_room(a, w)["ephemeral"]["events"] == [{"type": "m.typing", "content": {"user_ids": [BOB]}}],
    ),
    change("account data", lambda w: put_data(w, "account_data", "org.example"), lambda a, w: a["account_data"]["events"][0]["type"]),
    change(
        "account data of a room",
        lambda w: put_data(w, "rooms", w.room, "account_data", "org.example"),
        lambda a, w: in_room(a, w)["account_data"]["events"] == [{"type": "org.example", "content": {"x": 1}}],
    ),
    change(
        "tag",
        lambda w: w.ok(w.alice.put(path("user", ALICE, "rooms", w.room, "tags", "u.work"), {"order": 0.5})),
        lambda a, w: in_room(a, w)["account_data"]["events"][0]["content"] == {"tags": {"u.work": {"order": 0.5}}},
    ),
    change(
        "presence",
        lambda w: w.ok(w.bob.put(path("presence", BOB, "status"), {"presence": "unavailable", "status_msg": "away"})),
        lambda a, w: a["presence"]["events"][0]["content"]["status_msg"] == "away",
    ),
    change(
        "name",
        lambda w: w.ok(w.bob.put(path("profile", BOB, "displayname"), {"displayname": "Robert"})),
        lambda a, w: in_room(a, w)["timeline"]["events"][0]["content"]["displayname"] == "Robert",
    ),
    change(
        "fully read marker",
        lambda w: w.ok(w.alice.post(path("rooms", w.room, "read_markers"), {"m.fully_read": w.event})),
        lambda a, w: in_room(a, w)["account_data"]["events"][0]["type"] == "m.fully_read",
    ),
]


@pytest.mark.parametrize(("act", "seen"), WAKES_ALICE)
def test_what_wakes_alice(world: World, act: Callable[[World], object], seen: Callable[[Any, World], object]) -> None:
    waiting, carol = world.wait(world.alice), world.wait(world.carol)
    act(world)
    world.pass_time()
    answer = told(waiting)
    assert seen(answer, world)
    if "rooms" not in (told(carol) if carol.called else {}):
        again = world.wait(world.alice, since=world.sync(world.alice, answer["next_batch"])["next_batch"])
        assert not again.called


@pytest.mark.parametrize(
    ("section", "act"),
    [
        ("invite", lambda w: member(w.server, w.alice, w.room, "invite", CAROL)),
        ("join", lambda w: join(w.server, w.carol, w.room)),
        ("leave", lambda w: member(w.server, w.alice, w.room, "ban", CAROL)),
    ],
)
def test_what_wakes_an_outsider(world: World, section: str, act: Callable[[World], object]) -> None:
    waiting = world.wait(world.carol)
    act(world)
    world.pass_time()
    assert world.room in told(waiting)["rooms"][section]


@pytest.mark.parametrize("action", ["kick", "ban"])
def test_being_thrown_out(world: World, action: str) -> None:
    waiting = world.wait(world.bob)
    member(world.server, world.alice, world.room, action, BOB)
    world.pass_time()
    left = in_room(told(waiting), world, "leave")
    assert left["timeline"]["events"][-1]["state_key"] == BOB
    world.tokens[world.bob] = told(waiting)["next_batch"]
    waiting = world.wait(world.bob)
    world.say(world.alice, "behind his back")
    world.pass_time()
    assert not waiting.called


def test_knocking_wakes_the_one_who_knocks(world: World) -> None:
    world.ok(world.alice.put(path("rooms", world.room, "state", "m.room.join_rules", ""), {"join_rule": "knock"}))
    waiting = world.wait(world.carol)
    world.ok(world.carol.post(path("knock", world.room)))
    world.pass_time()
    events = in_room(told(waiting), world, "knock")["knock_state"]["events"]
    assert events[-1]["content"]["membership"] == "knock"


def test_the_end_of_typing(world: World) -> None:
    for end in (lambda: world.ok(world.bob.put(path("rooms", world.room, "typing", BOB), {"typing": False})), lambda: world.pass_time(6)):
        world.ok(world.bob.put(path("rooms", world.room, "typing", BOB), {"typing": True, "timeout": 5_000}))
        world.tokens[world.alice] = world.sync(world.alice, world.tokens[world.alice])["next_batch"]
        waiting = world.wait(world.alice)
        end()
        world.pass_time()
        assert in_room(told(waiting), world)["ephemeral"]["events"] == [{"type": "m.typing", "content": {"user_ids": []}}]
        world.tokens[world.alice] = told(waiting)["next_batch"]


def test_presence_of_one_who_does_not_sync(world: World) -> None:
    dave = world.server.user("dave")
    join(world.server, dave, world.room)
    for client in (world.alice, world.carol):
        world.tokens[client] = world.sync(client, world.tokens[client])["next_batch"]
    waiting, carol = world.wait(world.alice), world.wait(world.carol)
    world.ok(dave.put(path("presence", "@dave:test", "status"), {"presence": "online", "status_msg": "hello"}))
    world.pass_time()
    assert told(waiting)["presence"]["events"][0]["sender"] == "@dave:test"
    assert not carol.called


def test_nothing_happens(world: World) -> None:
    for _ in range(2):
        world.tokens[world.alice] = world.sync(world.alice, world.tokens[world.alice], set_presence="offline")["next_batch"]
    waiting = world.wait(world.alice, timeout=10_000, set_presence="offline")
    world.pass_time(9.9)
    assert not waiting.called
    world.pass_time(0.2)
    answer = told(waiting)
    assert "rooms" not in answer
    assert "account_data" not in answer


def test_no_timeout_no_wait(world: World) -> None:
    answer = world.sync(world.alice, world.tokens[world.alice])
    assert "rooms" not in answer
    status, answer = world.server.run(world.alice.get(path("sync"), {"timeout": 30_000}))
    assert (status, list(answer["rooms"]["join"])) == (200, [world.room])


def test_full_state_does_not_wait(world: World) -> None:
    query = {"since": world.tokens[world.alice], "timeout": TIMEOUT_MS, "full_state": True}
    answered = start(world.alice.get(path("sync"), query))
    assert ("m.room.create", "") in {(event["type"], event["state_key"]) for event in in_room(told(answered), world)["state"]["events"]}
    assert in_room(told(answered), world)["timeline"]["events"] == []


def test_many_changes_in_one_turn_wake_once_and_none_is_lost(world: World) -> None:
    waiting = [world.wait(world.bob), world.wait(world.bob)]
    for number in range(5):
        world.say(world.alice, f"message {number}")
    world.ok(world.alice.post(path("rooms", world.room, "receipt", "m.read", world.event)))
    world.pass_time()
    for task in waiting:
        bodies = [event["content"]["body"] for event in in_room(told(task), world)["timeline"]["events"]]
        assert bodies == [f"message {number}" for number in range(5)]
        assert in_room(told(task), world)["ephemeral"]["events"] != []


def test_what_the_filter_hides_does_not_end_the_wait(world: World) -> None:
    wanted = orjson.dumps(
        {"room": {"timeline": {"types": ["m.room.topic"]}, "ephemeral": {"types": []}}, "presence": {"types": []}}
    ).decode()
    waiting = world.wait(world.bob, filter=wanted)
    world.say(world.alice, "not for him")
    world.ok(world.alice.put(path("rooms", world.room, "typing", ALICE), {"typing": True, "timeout": 5_000}))
    world.pass_time()
    assert not waiting.called
    world.ok(world.alice.put(path("rooms", world.room, "state", "m.room.topic", ""), {"topic": "for him"}))
    world.pass_time()
    timeline = in_room(told(waiting), world)["timeline"]["events"]
    assert [event["content"] for event in timeline] == [{"topic": "for him"}]


def test_a_client_that_went_away_leaves_nothing_behind(world: World) -> None:
    gone = world.wait(world.alice)
    waiting = world.wait(world.alice)
    gone.addErrback(lambda failure: None)
    gone.cancel()
    world.say(world.bob, "hello")
    world.pass_time()
    assert waiting.called


def test_a_crowd_is_woken_in_steps(tmp_path: Path) -> None:
    """A burst of messages wakes everyone once, however many they are, and others get their turn meanwhile."""
    server = make_server(tmp_path)
    alice = server.user("alice")
    room = create_room(server, alice, preset="public_chat")
    crowd = [server.user(f"user{number}") for number in range(120)]
    waiting = []
    for client in crowd:
        join(server, client, room)
    for client in crowd:
        since = server.ok(client.get(path("sync"), {"set_presence": "offline"}))["next_batch"]
        waiting.append(start(client.get(path("sync"), {"since": since, "timeout": 30_000, "set_presence": "offline"})))
    for number in range(40):
        server.ok(alice.put(path("rooms", room, "send", "m.room.message", str(number)), {"body": str(number)}))
    turns = 0
    while not all(task.called for task in waiting):
        server.clock.advance(0)
        turns += 1
    assert turns <= 10
    for task in waiting:
        assert told(task)["rooms"]
