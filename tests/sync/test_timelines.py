"""Timelines with gaps, and the way back through them; tokens; what `unsigned` says to whom."""

from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest

from tests.support.client import Client
from tests.support.places import on_file, restarted
from tests.support.rooms import create_room, join, path, refused
from tests.support.server import TestServer, make_server

ALICE, BOB = "@alice:test", "@bob:test"


class World:
    """Alice and Bob in a room."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.alice, self.bob = server.user("alice"), server.user("bob")
        self.room = create_room(server, self.alice, preset="public_chat")
        join(server, self.bob, self.room)
        self.count = 0

    def ok(self, request: Any) -> Any:
        self.server.clock.advance(0.01)
        return self.server.ok(request)

    def say(self, client: Client, text: str = "", type: str = "m.room.message", more: dict[str, Any] | None = None) -> str:
        self.count += 1
        where = path("rooms", self.room, "send", type, f"txn{self.count}")
        return str(self.ok(client.put(where, {"msgtype": "m.text", "body": text or f"message {self.count}", **(more or {})}))["event_id"])

    def sync(self, client: Client, since: str | None = None, wanted: dict[str, Any] | None = None, **query: Any) -> Any:
        given = None if wanted is None else orjson.dumps(wanted).decode()
        return self.ok(client.get(path("sync"), {"since": since, "filter": given, **query}))

    def part(self, client: Client, since: str | None = None, wanted: dict[str, Any] | None = None, **query: Any) -> Any:
        return self.sync(client, since, wanted, **query)["rooms"]["join"][self.room]

    def back(self, client: Client, token: str, wanted: str | None = None) -> list[Any]:
        """All that /messages gives before the token, oldest first, in small pages."""
        found: list[Any] = []
        place: str | None = token
        while place is not None:
            page = self.ok(client.get(path("rooms", self.room, "messages"), {"dir": "b", "from": place, "limit": 3, "filter": wanted}))
            found += page["chunk"]
            place = page.get("end")
        return found[::-1]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(make_server(tmp_path))


def limited(limit: int, **timeline: Any) -> dict[str, Any]:
    return {"room": {"timeline": {"limit": limit, **timeline}}}


def ids(events: list[Any]) -> list[str]:
    return [event["event_id"] for event in events]


# ------------------------------------------------------------------ gaps


@pytest.mark.parametrize("seed", range(4))
def test_a_gap_is_filled_by_messages_without_hole_or_repetition(world: World, seed: int) -> None:
    chance = Random(seed)
    whole = ids(world.part(world.bob, None, limited(100))["timeline"]["events"])
    answer = world.sync(world.bob, None, limited(3))
    timeline = answer["rooms"]["join"][world.room]["timeline"]
    known, since = ids(timeline["events"]), answer["next_batch"]
    assert ids(world.back(world.bob, timeline["prev_batch"])) + known == whole
    known = whole[:]
    for _ in range(6):
        for _ in range(chance.randint(0, 7)):
            whole.append(world.say(chance.choice((world.alice, world.bob))))
        limit = chance.randint(0, 5)
        answer = world.sync(world.bob, since, limited(limit))
        since = answer["next_batch"]
        part = answer.get("rooms", {}).get("join", {}).get(world.room)
        if part is None:
            assert known == whole
            continue
        timeline = part["timeline"]
        missed = len(whole) - len(known)
        assert timeline["limited"] is (missed > limit)
        assert len(timeline["events"]) == min(missed, limit)
        before = ids(world.back(world.bob, timeline["prev_batch"]))
        assert before + ids(timeline["events"]) == whole
        known = whole[:]


@pytest.mark.parametrize("limit", [1, 2, 5, 20])
def test_a_filter_that_refuses_much_still_fills_its_timeline(world: World, limit: int) -> None:
    for number in range(120):
        world.say(world.alice, type="m.room.message" if number % 20 == 0 else "org.example.noise")
    wanted = limited(limit, types=["m.room.message"])
    timeline = world.part(world.bob, None, wanted)["timeline"]
    assert [event["type"] for event in timeline["events"]] == ["m.room.message"] * min(limit, 6)
    before = world.back(world.bob, timeline["prev_batch"], '{"types":["m.room.message"]}')
    assert len(before) + len(timeline["events"]) == 6


def test_limit_0_shows_that_there_is_something(world: World) -> None:
    since = world.sync(world.bob)["next_batch"]
    world.say(world.alice)
    part = world.part(world.bob, since, limited(0))
    assert part["timeline"]["events"] == []
    assert part["timeline"]["limited"]
    assert part["unread_notifications"]["notification_count"] == 1


def test_a_limit_beyond_reason(world: World) -> None:
    assert len(world.part(world.bob, None, limited(10**9))["timeline"]["events"]) == 6


def test_state_in_the_gap(world: World) -> None:
    """What changed in the gap is in `state`; what changed in the timeline is not."""
    since = world.sync(world.bob)["next_batch"]
    for number in range(3):
        world.ok(world.alice.put(path("rooms", world.room, "state", "m.room.topic", ""), {"topic": f"{number}"}))
        world.ok(world.alice.put(path("rooms", world.room, "state", "m.room.name", ""), {"name": f"{number}"}))
    part = world.part(world.bob, since, limited(1))
    assert [event["content"] for event in part["timeline"]["events"]] == [{"name": "2"}]
    assert {event["type"]: event["content"] for event in part["state"]["events"]} == {
        "m.room.topic": {"topic": "2"},
        "m.room.name": {"name": "1"},
    }
    part = world.part(world.bob, since, limited(1), use_state_after=True)
    assert "state" not in part
    assert {event["type"]: event["content"] for event in part["state_after"]["events"]} == {
        "m.room.topic": {"topic": "2"},
        "m.room.name": {"name": "2"},
    }
    assert world.part(world.bob, since, limited(50))["state"]["events"] == []


def test_full_state(world: World) -> None:
    since = world.sync(world.bob)["next_batch"]
    part = world.part(world.bob, since, full_state=True)
    assert part["timeline"]["events"] == []
    assert len(part["state"]["events"]) == 6
    assert part["summary"]["m.joined_member_count"] == 2
    world.ok(world.alice.put(path("rooms", world.room, "state", "m.room.topic", ""), {"topic": "new"}))
    part = world.part(world.bob, since, full_state=True)
    assert len(part["timeline"]["events"]) == 1
    assert "m.room.topic" not in {event["type"] for event in part["state"]["events"]}
    part = world.part(world.bob, since, full_state=True, use_state_after=True)
    assert "m.room.topic" in {event["type"] for event in part["state_after"]["events"]}


# ------------------------------------------------------------------ tokens


@pytest.mark.parametrize(
    "since", ["x", "s", "s1_", "s-1", "s1_abc", "s1_a_b", "t1_2", "s" + "9" * 30, "s1_a_1_2_3_4_5", "s٣", "s1 ", " s1"]
)
def test_what_is_no_token(world: World, since: str) -> None:
    refused(world.server.run(world.alice.get(path("sync"), {"since": since})), 400, "M_INVALID_PARAM")


def test_a_token_of_the_future(world: World) -> None:
    refused(world.server.run(world.alice.get(path("sync"), {"since": "s999999_abc_0"})), 400, "M_INVALID_PARAM")


def test_a_token_of_another_boot_tells_again_what_is_not_stored(world: World) -> None:
    world.ok(world.alice.put(path("rooms", world.room, "typing", ALICE), {"typing": True, "timeout": 30_000}))
    since = world.sync(world.bob)["next_batch"]
    assert "rooms" not in world.sync(world.bob, since)
    position, _, counter = since[1:].split("_")[:3]
    for other in (f"s{position}_other_{counter}", f"s{position}_{since.split('_')[1]}_999999", f"s{position}"):
        part = world.sync(world.bob, other)["rooms"]["join"][world.room]
        assert part["ephemeral"]["events"] == [{"type": "m.typing", "content": {"user_ids": [ALICE]}}]
        assert part["timeline"]["events"] == []


def test_the_same_token_twice(world: World) -> None:
    """An answer that was lost on the way is given again."""
    since = world.sync(world.bob)["next_batch"]
    world.say(world.alice)
    first, second = world.part(world.bob, since), world.part(world.bob, since)
    assert ids(first["timeline"]["events"]) == ids(second["timeline"]["events"])


def test_tokens_outlive_a_restart(tmp_path: Path) -> None:
    world = World(on_file(tmp_path))
    since = world.sync(world.bob)["next_batch"]
    said = world.say(world.alice)
    prev_batch = world.part(world.bob, since, limited(1))["timeline"]["prev_batch"]
    server = restarted(world.server, tmp_path, seed=5)
    world.server, world.alice, world.bob = server, *(server.client.with_token(client.token) for client in (world.alice, world.bob))
    answer = world.sync(world.bob, since)
    assert ids(answer["rooms"]["join"][world.room]["timeline"]["events"]) == [said]
    assert "rooms" not in world.sync(world.bob, answer["next_batch"])
    assert len(world.back(world.bob, prev_batch)) == 6


# ------------------------------------------------------------------ unsigned


def test_the_transaction_id_is_for_the_sending_device_alone(world: World) -> None:
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret secret"}
    second = world.server.client.with_token(world.ok(world.server.client.post(path("login"), login))["access_token"])
    world.say(world.alice)
    seen = {name: world.part(client)["timeline"]["events"][-1]["unsigned"] for name, client in
            (("sender", world.alice), ("other device", second), ("other user", world.bob))}  # fmt: skip
    assert seen["sender"]["transaction_id"] == "txn1"
    assert "transaction_id" not in seen["other device"]
    assert "transaction_id" not in seen["other user"]


def test_the_transaction_id_after_a_restart(tmp_path: Path) -> None:
    world = World(on_file(tmp_path))
    since = world.sync(world.alice)["next_batch"]
    world.say(world.alice)
    server = restarted(world.server, tmp_path, seed=5)
    world.server, world.alice = server, server.client.with_token(world.alice.token)
    assert world.part(world.alice, since)["timeline"]["events"][-1]["unsigned"]["transaction_id"] == "txn1"


def test_age_prev_content_and_membership(world: World) -> None:
    topic = path("rooms", world.room, "state", "m.room.topic", "")
    first = world.ok(world.alice.put(topic, {"topic": "old"}))["event_id"]
    since = world.sync(world.bob)["next_batch"]
    world.ok(world.alice.put(topic, {"topic": "new"}))
    world.server.clock.advance(5)
    (event,) = world.part(world.bob, since)["timeline"]["events"]
    unsigned = event["unsigned"]
    assert 5_000 <= unsigned["age"] < 5_200
    assert unsigned["membership"] == "join"
    assert (unsigned["prev_content"], unsigned["prev_sender"], unsigned["replaces_state"]) == ({"topic": "old"}, ALICE, first)
    assert "room_id" not in event


def test_the_age_is_that_of_each_answer(world: World) -> None:
    since = world.sync(world.bob)["next_batch"]
    world.say(world.alice)
    ages = []
    for _ in range(3):
        world.server.clock.advance(60)
        ages.append(world.part(world.bob, since)["timeline"]["events"][0]["unsigned"]["age"])
    assert [round(age, -4) for age in ages] == [60_000, 120_000, 180_000]


def test_a_redaction(world: World) -> None:
    said = world.say(world.alice, "regretted")
    since = world.sync(world.bob)["next_batch"]
    world.ok(world.alice.put(path("rooms", world.room, "redact", said, "1"), {"reason": "why"}))
    (event,) = world.part(world.bob, since)["timeline"]["events"]
    assert (event["type"], event["content"]["reason"], event["content"]["redacts"]) == ("m.room.redaction", "why", said)
    shown = next(event for event in world.part(world.bob)["timeline"]["events"] if event["event_id"] == said)
    assert shown["content"] == {}
    assert shown["unsigned"]["redacted_because"]["content"]["reason"] == "why"
    assert "regretted" not in str(world.sync(world.bob))


def test_aggregations_are_each_readers_own(world: World) -> None:
    """Two who wait for the same events are told of a thread as each of them knows it."""
    dave = world.server.user("dave")
    join(world.server, dave, world.room)
    since = {client: world.sync(client)["next_batch"] for client in (world.alice, world.bob, dave)}
    root = world.say(world.alice, "root")
    world.say(world.bob, "child", more={"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    seen = {}
    for client in (dave, world.bob, world.alice):
        events = world.part(client, since[client])["timeline"]["events"]
        thread = next(event for event in events if event["event_id"] == root)["unsigned"]["m.relations"]["m.thread"]
        seen[client] = thread["current_user_participated"]
    assert seen == {dave: False, world.bob: True, world.alice: True}
