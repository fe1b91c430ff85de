"""When devices were last seen: one entry a request, one write a minute."""

from collections.abc import Sequence

import pytest

from homeserver.devices import last_seen
from homeserver.devices.last_seen import LastSeen
from homeserver.devices.store import Device, Seen
from tests.support.accounts import People, make_people
from tests.support.client import run

ALICE = "@alice:test"


class Writes:
    """Counts the writes that arrive at the store."""

    def __init__(self, people: People, monkeypatch: pytest.MonkeyPatch) -> None:
        self.batches: list[list[Seen]] = []
        record = people.device_store.record_seen

        async def recorded(seen: Sequence[Seen]) -> None:
            self.batches.append(list(seen))
            await record(seen)

        monkeypatch.setattr(people.device_store, "record_seen", recorded)


@pytest.fixture
def people() -> People:
    made = make_people()
    made.user("alice", device_id="PHONE")
    return made


def stored(people: People) -> Device:
    device = run(people.device_store.device(ALICE, "PHONE"))
    assert device is not None
    return device


def test_many_requests_make_one_write(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    writes = Writes(people, monkeypatch)
    for second in range(30):
        people.last_seen.note(ALICE, "PHONE", people.clock.now_ms() + second, "192.0.2.9", "Agent/1")
    assert writes.batches == []
    assert run(people.devices.one(ALICE, "PHONE")).last_seen_ip == "192.0.2.9"
    assert stored(people).last_seen_ts is None
    people.clock.advance(60)
    assert [len(batch) for batch in writes.batches] == [1]
    assert stored(people).last_seen_ts == people.clock.now_ms() - 60_000 + 29
    assert stored(people).user_agent == "Agent/1"
    people.clock.advance(600)
    assert len(writes.batches) == 1
    assert people.clock.waiting() == 0


def test_a_stop_writes_at_once(people: People) -> None:
    people.last_seen.note(ALICE, "PHONE", 5, "192.0.2.9", "x" * 1000 + "\0")
    run(people.last_seen.flush())
    assert stored(people).last_seen_ts == 5
    assert len(stored(people).user_agent or "") == 200
    assert people.clock.waiting() == 0


def test_a_device_that_went_does_not_come_back(people: People) -> None:
    people.last_seen.note(ALICE, "PHONE", 5, "192.0.2.9", None)
    run(people.devices.remove(ALICE, ("PHONE",)))
    people.last_seen.note(ALICE, "PHONE", 6, "192.0.2.9", None)
    run(people.last_seen.flush())
    assert people.count("SELECT count(*) FROM devices") == 0


def test_memory_is_bounded(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_seen, "MAX_WAITING", 3)
    writes = Writes(people, monkeypatch)
    for number in range(10):
        people.last_seen.note(ALICE, f"D{number}", 5, "192.0.2.9", None)
    assert sum(len(batch) for batch in writes.batches) >= 7


def test_a_failing_store_is_logged_and_does_not_stop_it(people: People) -> None:
    class Broken:
        async def record_seen(self, seen: Sequence[Seen]) -> None:
            raise OSError("disk full")

    seen = LastSeen(Broken(), people.clock)  # type: ignore[arg-type]  # nothing else of it is asked for
    seen.note(ALICE, "PHONE", 5, "192.0.2.9", None)
    people.clock.advance(60)
    seen.note(ALICE, "PHONE", 6, "192.0.2.9", None)
    people.clock.advance(60)
    assert people.clock.waiting() == 0
