"""A room that two servers write in."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from homeserver.protocol.event import Event
from homeserver.rooms.receiving.outcome import Accepted, AlreadyKnown, SoftFailed, Unplaced
from homeserver.rooms.receiving.peers import Subject
from homeserver.rooms.store import StoredEvent
from tests.rooms.receiving.island import Island
from tests.support.client import Client
from tests.support.rooms import create_room, path

VERSIONS = ("1", "2", "3", "6", "10", "11", "12")


class Two:
    def __init__(self, place: Path, version: str = "12") -> None:
        islands: dict[str, Island] = {}
        self.a = islands["a.test"] = Island("a.test", place / "a", islands, 1)
        self.b = islands["b.test"] = Island("b.test", place / "b", islands, 2)
        self.alice, self.bob = self.a.user("alice"), self.b.user("bob")
        self.room = create_room(self.a.server, self.alice, preset="public_chat", room_version=version, name="both")

    def join(self) -> None:
        self.a.admit(self.b, "@bob:b.test", self.room)

    def roots(self) -> tuple[dict[Any, str], dict[Any, str]]:
        """The current states, by event IDs."""
        return current(self.a, self.room), current(self.b, self.room)


def current(island: Island, room_id: str) -> dict[Any, str]:
    async def read() -> dict[Any, str]:
        record = await island.parts.rooms.store.head(room_id)
        assert record is not None
        return {event.event.address: event.event_id for event in await island.parts.rooms.states.all(record.root)}

    return island.server.run(read())


def bodies(island: Island, client: Client, room_id: str) -> list[str]:
    answer = island.server.ok(client.get(path("rooms", room_id, "messages"), {"dir": "b", "limit": 100}))
    return [event["content"]["body"] for event in answer["chunk"] if event["type"] == "m.room.message"][::-1]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_room_comes_in_and_both_speak(tmp_path: Path, version: str) -> None:
    two = Two(tmp_path, version)
    two.join()
    ours, theirs = two.roots()
    assert ours == theirs
    first = two.a.send(two.alice, two.room, "from a")
    assert two.b.receive("a.test", [first]) == {first.event_id: Accepted()}
    assert two.b.receive("a.test", [first]) == {first.event_id: AlreadyKnown()}
    second = two.b.send(two.bob, two.room, "from b")
    assert first.event_id in second.prev_events
    assert two.a.receive("b.test", [second]) == {second.event_id: Accepted()}
    assert bodies(two.a, two.alice, two.room) == bodies(two.b, two.bob, two.room) == ["from a", "from b"]
    joined = two.b.server.ok(two.bob.get(path("rooms", two.room, "joined_members")))["joined"]
    assert set(joined) == {"@alice:a.test", "@bob:b.test"}
    assert two.b.server.ok(two.bob.get(path("rooms", two.room, "state", "m.room.name", "")))["name"] == "both"


@pytest.mark.parametrize("version", VERSIONS)
def test_forks_come_together(tmp_path: Path, version: str) -> None:
    two = Two(tmp_path, version)
    two.join()
    levels = two.a.server.ok(two.alice.get(path("rooms", two.room, "state", "m.room.power_levels", "")))
    promoted = two.a.set_state(two.alice, two.room, "m.room.power_levels", {**levels, "users": {**levels["users"], "@bob:b.test": 50}})
    two.b.receive("a.test", [promoted])
    for number in range(5):
        of_a = [
            two.a.set_state(two.alice, two.room, "m.room.topic", {"topic": f"a {number}"}),
            two.a.send(two.alice, two.room, f"a{number}"),
        ]
        two.a.server.clock.advance(1)
        of_b = [two.b.set_state(two.bob, two.room, "m.room.topic", {"topic": f"b {number}"}), two.b.send(two.bob, two.room, f"b{number}")]
        assert set(two.a.receive("b.test", of_b).values()) == {Accepted()}
        assert set(two.b.receive("a.test", of_a).values()) == {Accepted()}
        ours, theirs = two.roots()
        assert ours == theirs
        topics = {
            island.server.ok(client.get(path("rooms", two.room, "state", "m.room.topic", "")))["topic"]
            for island, client in ((two.a, two.alice), (two.b, two.bob))
        }
        assert len(topics) == 1
    assert sorted(bodies(two.a, two.alice, two.room)) == sorted(bodies(two.b, two.bob, two.room))
    assert len(bodies(two.a, two.alice, two.room)) == 10


def test_a_gap_is_filled(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.join()
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(30)]
    outcomes = two.b.receive("a.test", [events[-1]])
    assert outcomes[events[-1].event_id] == Accepted()
    assert bodies(two.b, two.bob, two.room) == [f"a{number}" for number in range(30)]
    assert "state_names" not in two.b.peers.asked


def test_a_gap_too_wide_is_leapt_over(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.join()
    two.a.set_state(two.alice, two.room, "m.room.topic", {"topic": "unheard"})
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(150)]
    outcomes = two.b.receive("a.test", [events[-1]])
    assert outcomes[events[-1].event_id] == Accepted()
    assert "state_names" in two.b.peers.asked
    assert two.roots()[0] == two.roots()[1]


def test_who_does_not_tell_what_an_event_cites_is_not_asked_for_the_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = Two(tmp_path)
    two.join()
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(2)]
    with monkeypatch.context() as silent:
        silent.setattr(two.b.peers, "missing_events", answering(two, []))
        assert isinstance(two.b.receive("a.test", [events[-1]])[events[-1].event_id], Unplaced)
    assert two.b.peers.asked == ["missing_events"]
    last = two.a.send(two.alice, two.room, "a2")
    assert two.b.receive("a.test", [last])[last.event_id] == Accepted()
    assert bodies(two.b, two.bob, two.room) == ["a0", "a1", "a2"]


def test_who_tells_less_than_he_may_has_told_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two = Two(tmp_path)
    two.join()
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(4)]
    monkeypatch.setattr(two.b.peers, "missing_events", answering(two, [events[2]]))
    assert two.b.receive("a.test", [events[3]])[events[3].event_id] == Accepted()
    assert two.b.peers.asked[:2] == ["missing_events", "state_names"]
    assert two.b.peers.asked.count("missing_events") == 1
    assert bodies(two.b, two.bob, two.room) == ["a2", "a3"]


def answering(two: Two, events: list[Event]) -> Any:
    """Instead of `Peers.missing_events`."""

    async def missing_events(room: Subject, **_: Any) -> list[Event]:
        two.b.peers.asked.append("missing_events")
        return events

    return missing_events


def test_who_syncs_over_a_gap_is_told_of_what_is_behind_it(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.join()
    sync, query = path("sync"), {"filter": '{"room":{"timeline":{"limit":500}}}'}
    query["since"] = two.b.server.ok(two.bob.get(sync, query))["next_batch"]
    two.b.send(two.bob, two.room, "before")
    two.a.set_state(two.alice, two.room, "m.room.topic", {"topic": "unheard"})
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(150)]
    two.b.receive("a.test", [events[-1]])
    told = two.b.server.ok(two.bob.get(sync, query))
    room = told["rooms"]["join"][two.room]
    said = [event["content"]["body"] for event in room["timeline"]["events"]]
    assert room["timeline"]["limited"]
    assert "before" not in said
    assert said == [f"a{number}" for number in range(150 - len(said), 150)]
    assert [event["content"] for event in room["state"]["events"]] == [{"topic": "unheard"}]
    last = two.a.send(two.alice, two.room, "after")
    two.b.receive("a.test", [last])
    after = two.b.server.ok(two.bob.get(sync, {**query, "since": told["next_batch"]}))["rooms"]["join"][two.room]["timeline"]
    assert ([event["event_id"] for event in after["events"]], after["limited"]) == ([last.event_id], False)


def test_whoever_was_banned_meanwhile_fails_softly(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.join()
    late = two.b.send(two.bob, two.room, "unheard")
    two.a.server.ok(two.alice.post(path("rooms", two.room, "ban"), {"user_id": "@bob:b.test"}))
    outcome = two.a.receive("b.test", [late])[late.event_id]
    assert isinstance(outcome, SoftFailed)
    assert bodies(two.a, two.alice, two.room) == []
    after = two.a.send(two.alice, two.room, "quiet now")
    assert late.event_id not in after.prev_events


def test_history_from_before_the_join(tmp_path: Path) -> None:
    two = Two(tmp_path)
    for number in range(250):
        two.a.send(two.alice, two.room, f"a{number}")
        if number % 50 == 0:
            two.a.set_state(two.alice, two.room, "m.room.topic", {"topic": str(number)})
    two.join()
    history = two.b.arrivals.history
    rounds = 0
    while two.b.server.run(history.is_missing(two.room)) and rounds < 10:
        assert two.b.server.run(history.fetch(two.room, None))  # type: ignore[arg-type]
        rounds += 1
    assert not two.b.server.run(history.is_missing(two.room))
    seen, start = [], None
    while True:
        query = {"dir": "b", "limit": 100} | ({"from": start} if start else {})
        answer = two.b.server.ok(two.bob.get(path("rooms", two.room, "messages"), query))
        seen += [event["content"]["body"] for event in answer["chunk"] if event["type"] == "m.room.message"]
        start = answer.get("end")
        if start is None:
            break
    assert seen == [f"a{number}" for number in reversed(range(250))]


def test_the_state_of_plain_history_is_not_asked_for(tmp_path: Path) -> None:
    two = Two(tmp_path)
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(150)]
    two.join()
    history = two.b.arrivals.history
    while two.b.server.run(history.is_missing(two.room)):
        assert two.b.server.run(history.fetch(two.room, None))  # type: ignore[arg-type]
    assert "state_names" not in two.b.peers.asked
    ours, theirs = (island.stored([event.event_id for event in events]) for island in (two.a, two.b))
    for event in events:
        assert state_before(two.b, theirs[event.event_id]) == state_before(two.a, ours[event.event_id])


def state_before(island: Island, event: StoredEvent) -> set[str]:
    assert event.state_before is not None
    return {one.event_id for one in island.server.run(island.parts.rooms.states.all(event.state_before))}


def test_history_goes_on_behind_what_nobody_can_vouch_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as events of servers that are gone and told nobody their keys."""
    two = Two(tmp_path)
    events = [two.a.send(two.alice, two.room, f"a{number}") for number in range(150)]
    spoilt = {events[149].event_id, events[100].event_id, events[20].event_id}
    two.join()
    backfill = two.b.peers.backfill

    async def sound(room: Subject, event_ids: Sequence[str], limit: int) -> list[Event]:
        return [event for event in await backfill(room, event_ids, limit) if event.event_id not in spoilt]

    monkeypatch.setattr(two.b.peers, "backfill", sound)
    monkeypatch.setattr(two.b.parts.rooms.visiting.arrivals.history, "fetch", two.b.arrivals.history.fetch)
    said = [event.content["body"] for event in events if event.event_id not in spoilt]
    seen, start = list[str](), None
    for _ in range(10):
        query = {"dir": "b", "limit": 50} | ({"from": start} if start else {})
        answer = two.b.server.ok(two.bob.get(path("rooms", two.room, "messages"), query))
        seen += [event["content"]["body"] for event in answer["chunk"] if event["type"] == "m.room.message"]
        start = answer.get("end")
        if start is None:
            break
    assert seen[::-1] == said
    assert start is None


def test_redactions_in_either_order(tmp_path: Path) -> None:
    two = Two(tmp_path)
    two.join()
    said = two.a.send(two.alice, two.room, "unwise")
    redact = path("rooms", two.room, "redact", said.event_id, "r")
    event_id = two.a.server.ok(two.alice.put(redact, {}))["event_id"]
    redaction = two.a.stored([event_id])[event_id].event
    two.b.receive("a.test", [redaction])  # which brings what it redacts
    assert bodies_of(two.b, two.bob, two.room, said.event_id) == {}


def bodies_of(island: Island, client: Client, room: str, event_id: str) -> Any:
    return island.server.ok(client.get(path("rooms", room, "event", event_id)))["content"]
