"""Typing, receipts and presence between servers; what is forged is dropped, and dropped alone."""

from typing import Any

import pytest
from twisted.logger import globalLogPublisher

from federation.client import v1
from federation.errors import RemoteRefused
from tests.federation.support.asking import put_member
from tests.federation.support.sharing import edus, plant, say, shared_room, transactions
from tests.federation.support.town import Town
from tests.support.client import Client
from tests.support.clock import SeededChance
from tests.support.rooms import member, path

ALICE, BOB = "@alice:a.test", "@bob:b.test"


@pytest.fixture
def alice(town: Town) -> Client:
    return town.user("a.test", "alice")


@pytest.fixture
def bob(town: Town) -> Client:
    return town.user("b.test", "bob")


@pytest.fixture
def room(town: Town, alice: Client, bob: Client) -> str:
    """Known on both servers."""
    room_id = shared_room(town, alice)
    plant(town["b.test"], room_id, {ALICE: False, BOB: True})
    town.settle(1)
    return room_id


def send(town: Town, *told: dict[str, Any], txn_id: str = "t1", pdus: Any = ()) -> dict[str, Any]:
    """A transaction of a.test to b.test."""
    body = {"origin": "a.test", "origin_server_ts": 1, "pdus": list(pdus), "edus": list(told)}
    return town.run(town["a.test"].federation.reach.client.put("b.test", v1("send", txn_id), body))


def edu(kind: str, **content: Any) -> dict[str, Any]:
    return {"edu_type": kind, "content": content}


def typing_at_b(town: Town, room: str) -> tuple[str, ...]:
    return town["b.test"].parts.personal.typing.in_room(room)


def test_typing_is_told_and_heard(town: Town, alice: Client, room: str) -> None:
    where = path("rooms", room, "typing", ALICE)
    town["a.test"].ok(alice.put(where, {"typing": True, "timeout": 20_000}))
    town.settle(1)
    assert typing_at_b(town, room) == (ALICE,)
    town["a.test"].ok(alice.put(where, {"typing": False}))
    town.settle(1)
    assert typing_at_b(town, room) == ()
    assert [content["typing"] for content in edus(town, "m.typing")] == [True, False]


def test_the_last_word_alone_is_told(town: Town, alice: Client, room: str) -> None:
    where = path("rooms", room, "typing", ALICE)
    for typing in (True, False, True, False):
        town["a.test"].ok(alice.put(where, {"typing": typing}))
    town.settle(1)
    assert [content["typing"] for content in edus(town, "m.typing")] == [False]


def test_of_receipts_and_of_presence_too(town: Town, alice: Client, room: str) -> None:
    a, said = town["a.test"], [say(town, alice, room, str(number)) for number in range(3)]
    town.settle(1)
    for event_id in said:
        a.ok(alice.post(path("rooms", room, "receipt", "m.read", event_id), {}))
    for message in ("one", "two", "three"):
        a.ok(alice.put(path("presence", ALICE, "status"), {"presence": "online", "status_msg": message}))
    town.settle(1)
    assert [content[room]["m.read"][ALICE]["event_ids"] for content in edus(town, "m.receipt")] == [said[2:]]
    assert [each["status_msg"] for content in edus(town, "m.presence") for each in content["push"]][-1:] == ["three"]
    assert len(edus(town, "m.presence")) <= 2


def test_receipts_are_told_with_their_threads_and_private_ones_are_not(town: Town, alice: Client, room: str) -> None:
    event_id = say(town, alice, room, "read me")
    other = say(town, alice, room, "me too")
    for kind, target, body in (
        ("m.read", event_id, {}),
        ("m.read", other, {"thread_id": "main"}),
        ("m.read.private", event_id, {}),
    ):
        town["a.test"].ok(alice.post(path("rooms", room, "receipt", kind, target), body))
    town.settle(1)
    told = [content[room]["m.read"][ALICE] for content in edus(town, "m.receipt")]
    assert sorted((each["event_ids"][0] == event_id, each["data"].get("thread_id")) for each in told) == [(False, "main"), (True, None)]
    held = town.run(town["b.test"].parts.personal.receipts.room(room))
    assert held.latest(ALICE, "m.read") is not None
    assert held.latest(ALICE, "m.read", "main") is not None
    assert held.latest(ALICE, "m.read.private") is None
    assert b"thread_id" in b"".join(held.events(BOB, 0))


def test_presence_is_told_and_heard(town: Town, alice: Client, bob: Client, room: str) -> None:
    town["a.test"].ok(alice.put(path("presence", ALICE, "status"), {"presence": "online", "status_msg": "here"}))
    town.settle(2)
    seen = town["b.test"].ok(bob.get(path("presence", ALICE, "status")))
    assert (seen["presence"], seen["status_msg"]) == ("online", "here")
    assert len(edus(town, "m.presence")) == 1


def test_who_comes_to_a_room_learns_who_is_here(town: Town, alice: Client, room: str) -> None:
    a = town["a.test"]
    a.ok(alice.put(path("presence", ALICE, "status"), {"presence": "online", "status_msg": "here"}))
    town.settle(2)
    before = len(edus(town, "m.presence"))
    put_member(town, room, "@ben:b.test")  # not the first of that server
    town.settle(1)
    assert len(edus(town, "m.presence")) == before
    member(a, alice, room, "kick", BOB)
    member(a, alice, room, "kick", "@ben:b.test")
    say(town, alice, room, "so the room is looked up")
    put_member(town, room, BOB)
    town.settle(1)
    (told,) = edus(town, "m.presence")[before:]
    assert [(each["user_id"], each["presence"], each["status_msg"]) for each in told["push"]] == [(ALICE, "online", "here")]


def test_of_one_of_ours_who_comes_it_is_told_how_he_is_unless_offline(town: Town, room: str) -> None:
    a = town["a.test"]
    before = len(edus(town, "m.presence"))
    for name, presence in (("carol", "offline"), ("dora", "online")):
        user = town.user("a.test", name)
        a.ok(user.put(path("presence", f"@{name}:a.test", "status"), {"presence": presence}))
        a.ok(user.post(path("join", room)))
        town.settle(2)
    told = [each for content in edus(town, "m.presence")[before:] for each in content["push"]]
    assert {(each["user_id"], each["presence"]) for each in told} == {("@dora:a.test", "online")}


def test_what_is_forged_is_dropped_and_the_rest_is_taken(town: Town, room: str) -> None:
    b = town["b.test"]
    honest = edu("m.typing", room_id=room, user_id=ALICE, typing=True)
    send(
        town,
        edu("m.typing", room_id=room, user_id=BOB, typing=True),  # of the other server
        edu("m.typing", room_id=room, user_id="@carol:a.test", typing=True),  # not in the room
        edu("m.typing", room_id="!other:b.test", user_id=ALICE, typing=True),
        edu("m.typing", room_id=room, user_id=ALICE, typing="yes"),
        edu(
            "m.receipt",
            **{room: {"m.read": {BOB: {"event_ids": ["$x"], "data": {"ts": 1}}, ALICE: {"event_ids": ["$y"], "data": {"ts": 1}}}}},
        ),
        edu("m.presence", push=[{"user_id": BOB, "presence": "offline", "last_active_ago": 1}]),
        edu("m.presence", push=[{"user_id": "@stranger:a.test", "presence": "online", "last_active_ago": 1}]),
        edu("m.unknown", a=1),
        {"edu_type": ["m.typing"], "content": {}},
        {"content": {}},
        honest,
    )
    assert typing_at_b(town, room) == (ALICE,)
    held = town.run(b.parts.personal.receipts.room(room))
    assert held.latest(BOB, "m.read") is None
    assert held.latest(ALICE, "m.read") is not None
    assert b.parts.personal.presence.known_users <= 1
    assert b.federation.traffic.edus.dropped >= 5


def test_edus_that_are_no_objects_are_dropped_alone(town: Town, room: str) -> None:
    honest = edu("m.typing", room_id=room, user_id=ALICE, typing=True)
    nonsense: tuple[Any, ...] = (None, 3, "x", [], {"edu_type": "m.typing", "content": None}, {"edu_type": "m.receipt", "content": []})
    assert send(town, *nonsense, honest) == {"pdus": {}}
    assert typing_at_b(town, room) == (ALICE,)


def test_a_room_may_keep_a_server_out(town: Town, room: str) -> None:
    acls = town["b.test"].federation.acls

    async def bars(server_name: str, room_id: str) -> bool:
        return False

    acls.allows = bars  # type: ignore[method-assign]
    send(town, edu("m.typing", room_id=room, user_id=ALICE, typing=True))
    assert typing_at_b(town, room) == ()


def test_transactions_are_bounded(town: Town) -> None:
    too_many = edu("m.unknown")
    for edus_sent, pdus in (([too_many] * 101, []), ([], [{}] * 51)):
        with pytest.raises(RemoteRefused) as refused:
            send(town, *edus_sent, pdus=pdus)
        assert refused.value.remote_status == 400
    assert send(town, *[too_many] * 100, pdus=[{}] * 50) == {"pdus": {}}
    malformed: tuple[dict[str, Any], ...] = ({"edus": {}}, {"pdus": "x"})
    for body in malformed:
        with pytest.raises(RemoteRefused):
            town.run(town["a.test"].federation.reach.client.put("b.test", v1("send", "x"), body))


def test_the_same_transaction_again_is_answered_as_before(town: Town, room: str) -> None:
    calls: list[list[Any]] = []

    class Counting:
        async def receive(self, origin: str, pdus: list[Any]) -> dict[str, str | None]:
            calls.append(pdus)
            return {"$a": None, "$b": "no"}

    endpoint = town["b.test"].federation.traffic.chapters[0]
    endpoint._arrivals = Counting()
    first = send(town, pdus=[{"a": 1}], txn_id="same")
    assert first == {"pdus": {"$a": {}, "$b": {"error": "no"}}}
    assert send(town, pdus=[{"a": 1}], txn_id="same") == first
    assert len(calls) == 1
    send(town, pdus=[{"a": 1}], txn_id="other")
    assert len(calls) == 2
    assert transactions(town)


VALUES: tuple[Any, ...] = (
    None, True, -1, 2**53, 2**70, 1.5, 1.0, "", "x", "@", "@alice:a.test", "@\x00:a.test", "!r:b.test", "$e", "\u2028" * 300,
    [], [[]], [None], {}, {"": {}}, {"m.read": {}}, {"@alice:a.test": {"*": {}}}, [1, 2], {"a": {"b": {"c": []}}},
)  # fmt: skip
HONEST: dict[str, dict[str, Any]] = {
    "m.typing": {"room_id": "!r", "user_id": ALICE, "typing": True},
    "m.receipt": {"!r": {"m.read": {ALICE: {"event_ids": ["$e"], "data": {"ts": 1, "thread_id": "main"}}}}},
    "m.presence": {"push": [{"user_id": ALICE, "presence": "online", "last_active_ago": 1, "status_msg": "x", "currently_active": True}]},
    "m.device_list_update": {"user_id": ALICE, "device_id": "D", "stream_id": 1, "prev_id": [], "keys": {"keys": {}}, "deleted": False},
    "m.signing_key_update": {"user_id": ALICE, "master_key": {"keys": {"ed25519:a": "a"}}, "self_signing_key": {}},
    "m.direct_to_device": {"sender": ALICE, "type": "t", "message_id": "m", "messages": {BOB: {"*": {"a": 1}}}},
}


def spoilt(value: Any, chance: SeededChance) -> Any:
    """Somewhere within, something else."""
    if chance.uniform(0, 1) < 0.25 or not isinstance(value, dict | list) or not value:
        return VALUES[int(chance.uniform(0, len(VALUES)))]
    if isinstance(value, list):
        return [spoilt(value[0], chance), *value[1:]]
    names = list(value)
    name = names[int(chance.uniform(0, len(names)))]
    rest = {other: item for other, item in value.items() if other != name}
    return rest if chance.uniform(0, 1) < 0.1 else {**rest, name: spoilt(value[name], chance)}


def placed(value: Any, room: str) -> Any:
    """In that room."""
    if isinstance(value, dict):
        return {placed(name, room): placed(item, room) for name, item in value.items()}
    return room if value == "!r" else value


def test_no_nonsense_leads_to_an_error_of_our_own(town: Town, room: str) -> None:
    chance = SeededChance(1)
    failures: list[Any] = []
    observer: Any = lambda event: failures.append(event) if "log_failure" in event else None  # noqa: E731
    globalLogPublisher.addObserver(observer)
    try:
        for number in range(40):
            told = [
                {"edu_type": kind, "content": spoilt(placed(content, room), chance)} for kind, content in HONEST.items() for _ in range(10)
            ]
            send(town, *told, txn_id=f"n{number}")
    finally:
        globalLogPublisher.removeObserver(observer)
    assert failures == []
    send(town, edu("m.typing", room_id=room, user_id=ALICE, typing=True), txn_id="honest")
    assert typing_at_b(town, room) == (ALICE,)
