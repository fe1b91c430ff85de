"""What is told beside rooms (MSC3884, MSC3885, MSC3959, MSC3960, MSC3961)."""

from typing import Any

from tests.support.rooms import path
from tests.sync.sliding.connection import a_list
from tests.sync.sliding.town import ALICE, BOB, Town

ON = {"enabled": True}


def read(town: Town, room: str, event_id: str, type: str = "m.read") -> None:
    town.ok(town.bob.post(path("rooms", room, "receipt", type, event_id)))


def test_nothing_that_was_not_asked_for(town: Town) -> None:
    town.room()
    client = town.client(lists={"all": a_list()}, extensions={"account_data": {"enabled": False}, "e2ee": {}, "org.example": ON})
    assert client.sync()["extensions"] == {}


def test_account_data(town: Town) -> None:
    room, other = town.room(), town.room()
    town.put_data("org.example.a", {"a": 1})
    town.put_data("org.example.b", {"b": 1}, room)
    client = town.client(lists={"all": a_list(0)}, extensions={"account_data": ON})
    told = client.sync()["extensions"]["account_data"]
    assert {"org.example.a", "m.push_rules"} <= {event["type"] for event in told["global"]}
    assert "rooms" not in told, "only those that are looked at"
    assert "account_data" not in client.sync()["extensions"]
    town.put_data("org.example.b", {"b": 2}, room)
    town.put_data("org.example.c", {"c": 2}, other)
    town.put_data("org.example.a", {"a": 2})
    told = client.sync()["extensions"]["account_data"]
    assert told == {
        "global": [{"type": "org.example.a", "content": {"a": 2}}],
        "rooms": {other: [{"type": "org.example.c", "content": {"c": 2}}]},
    }
    town.say(other)
    told = client.sync(lists={"all": a_list(9)})["extensions"]["account_data"]
    assert told == {"rooms": {room: [{"type": "org.example.b", "content": {"b": 2}}]}}


def test_account_data_that_was_not_asked_for_at_first(town: Town) -> None:
    room = town.room()
    town.put_data("org.example.a", {"a": 1}, room)
    client = town.client(lists={"all": a_list()})
    client.sync()
    told = client.sync(extensions={"account_data": ON})["extensions"]["account_data"]
    assert [event["content"] for event in told["rooms"][room]] == [{"a": 1}]
    assert told["global"]
    town.put_data("org.example.a", {"a": 2}, room)
    town.put_data("org.example.g", {"g": 2})
    assert client.sync()["extensions"] == {}
    told = client.sync(extensions={"account_data": ON})["extensions"]["account_data"]
    assert [event["content"] for event in told["rooms"][room]] == [{"a": 2}]
    assert [event["content"] for event in told["global"]] == [{"g": 2}]


def test_receipts(town: Town) -> None:
    room = town.room()
    first = town.say(room, town.alice)
    read(town, room, first)
    latest = town.say(room, town.alice)
    client = town.client(lists={"all": a_list(limit=1)}, extensions={"receipts": ON})
    assert "receipts" not in client.sync()["extensions"], "at events that are shown alone"
    read(town, room, latest)
    told = client.sync()["extensions"]["receipts"]["rooms"][room]
    assert told["type"] == "m.receipt"
    assert BOB in told["content"][latest]["m.read"]
    assert client.sync()["extensions"] == {}
    again = client.again()["extensions"]["receipts"]["rooms"][room]["content"]
    assert set(again) == {latest}
    read(town, room, town.say(room), "m.read.private")
    assert client.sync()["extensions"] == {}
    own = town.client("own", lists={"all": a_list(limit=1)}, extensions={"receipts": ON})
    own.client = town.bob
    assert "m.read.private" in str(own.sync()["extensions"]["receipts"]["rooms"][room]["content"])


def type_in(town: Town, room: str, *, is_typing: bool = True) -> None:
    town.ok(town.bob.put(path("rooms", room, "typing", BOB), {"typing": is_typing, "timeout": 30_000}))


def test_typing(town: Town) -> None:
    room, other = town.room(), town.room()
    type_in(town, room)
    client = town.client(lists={"all": a_list(0)}, extensions={"typing": ON})
    assert client.sync()["extensions"] == {}
    type_in(town, other)
    told = client.sync()["extensions"]["typing"]["rooms"]
    assert told == {other: {"type": "m.typing", "content": {"user_ids": [BOB]}}}
    type_in(town, other, is_typing=False)
    assert client.sync()["extensions"]["typing"]["rooms"][other]["content"] == {"user_ids": []}
    told = client.sync(lists={"all": a_list(1)})["extensions"]["typing"]["rooms"]
    assert told == {room: {"type": "m.typing", "content": {"user_ids": [BOB]}}}


def test_scopes(town: Town) -> None:
    listed, subscribed = town.room(), town.room()
    for room in (listed, subscribed):
        town.put_data("org.example.a", {}, room)
        town.put_data("org.example.a", {"a": 1}, room)
    town.say(listed)

    def rooms(**scope: Any) -> set[str]:
        lists = {"one": a_list(0), "none": a_list(0, is_dm=True)}
        opened = {subscribed: {"timeline_limit": 1}}
        client = town.client("scopes", lists=lists, room_subscriptions=opened, extensions={"account_data": {**ON, **scope}})
        return set(client.sync()["extensions"]["account_data"].get("rooms", ()))

    assert rooms() == {listed, subscribed}
    assert rooms(rooms=[]) == rooms(lists=["one"], rooms=[]) == {listed}
    assert rooms(lists=[]) == rooms(lists=["none"]) == rooms(lists=[], rooms=["*"]) == {subscribed}
    assert rooms(lists=["none"], rooms=[]) == set()
    assert rooms(lists=["*"], rooms=[subscribed]) == {listed, subscribed}


def test_messages_to_the_device(town: Town) -> None:
    device = town.ok(town.alice.get("/_matrix/client/v3/account/whoami"))["device_id"]
    client = town.client(extensions={"to_device": ON})
    since = client.sync()["extensions"]["to_device"]["next_batch"]
    for number in range(3):
        messages = {"messages": {ALICE: {device: {"number": number}}}}
        town.ok(town.bob.put(path("sendToDevice", "org.example.letter", str(number)), messages))

    def letters(since: str | None, limit: int = 100) -> tuple[list[int], str]:
        told = client.sync(extensions={"to_device": {**ON, "since": since, "limit": limit}})["extensions"]["to_device"]
        return [event["content"]["number"] for event in told.get("events", ())], told["next_batch"]

    numbers, place = letters(since, 2)
    assert numbers == [0, 1]
    assert letters(since)[0] == [0, 1, 2], "not acknowledged"
    assert letters(place)[0] == [2]
    assert letters(since)[0] == [2], "acknowledged before"
    assert letters(None)[0] == [2]
    assert letters("999999")[0] == [2]


def test_keys(town: Town) -> None:
    client = town.client(extensions={"e2ee": ON})
    assert client.sync()["extensions"]["e2ee"]["device_one_time_keys_count"] == {"signed_curve25519": 0}
    town.room()
    lists = client.sync()["extensions"]["e2ee"]["device_lists"]
    assert lists == {"changed": [ALICE, BOB], "left": []}
    assert "device_lists" not in client.sync()["extensions"]["e2ee"]


THREADS = "io.element.msc4360.threads"


def answer(town: Town, room: str, root: str) -> str:
    return town.say(room, thread=root)


def test_threads(town: Town) -> None:
    room, other = town.room(), town.room()
    roots = [town.say(room), town.say(other)]
    for where, root in zip((room, other), roots, strict=True):
        answer(town, where, root)
    client = town.client(lists={"all": a_list(0, limit=2)}, extensions={THREADS: ON})
    assert client.sync()["extensions"] == {}
    answer(town, other, roots[1])
    assert client.sync()["extensions"] == {}, "it is in the timeline"
    before, latest = answer(town, room, roots[0]), answer(town, room, roots[0])
    for _ in range(2):
        town.say(room)
    answer(town, other, roots[1])
    pos = client.pos
    told = client.sync()["extensions"][THREADS]["updates"]
    assert told.keys() == {room}, "the other is in the timeline"
    assert told[room].keys() == {roots[0]}
    older = {"from": told[room][roots[0]]["prev_batch"], "dir": "b"}
    children = path("rooms", room, "relations", roots[0]).replace("/v3/", "/v1/")
    assert next(event["event_id"] for event in town.ok(town.alice.get(children, older))["chunk"]) == before
    client.pos = pos
    told = client.sync(extensions={THREADS: {**ON, "include_roots": True, "limit": 1}})["extensions"][THREADS]
    assert told["updates"].keys() == {other}
    assert told["updates"][other][roots[1]]["thread_root"]["event_id"] == roots[1]
    further = "/_matrix/client/unstable/io.element.msc4360/thread_updates"
    page = town.ok(town.alice.get(further, {"dir": "b", "from": told["prev_batch"], "to": pos}))
    bundled = page["chunk"][room][roots[0]]["thread_root"]["unsigned"]["m.relations"]["m.thread"]
    assert bundled["latest_event"]["event_id"] == latest
    assert "next_batch" not in page
    assert len(town.ok(town.alice.get(further, {"dir": "b", "limit": 1}))["chunk"]) == 1
