from collections.abc import Iterable, Sequence

import pytest

from homeserver.errors import NotFound
from homeserver.protocol.room_versions import room_version
from homeserver.reports.reports import Reports
from homeserver.reports.store import Kind
from homeserver.rooms.reading.history import Seen
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams
from storage.personal.reports import StoredReports
from tests.support.client import run
from tests.support.clock import FakeClock
from tests.support.storage import open_memory_database

ALICE, BOB, EVE = "@alice:test", "@bob:test", "@eve:test"
ROOM = "!room"


def event(event_id: str, room_id: str = ROOM) -> StoredEvent:
    return StoredEvent(
        1, 1, 1, 1, 0, 0, 0, "m.room.message", BOB, None, event_id, None, None, None, None, b"", b"", room_id, room_version("12")
    )  # fmt: skip


class Rooms:
    """Alice is in the room and may see $1 there, but not $secret; $far is in another room."""

    def __init__(self) -> None:
        self.known = {"$1": event("$1"), "$secret": event("$secret"), "$far": event("$far", "!other")}

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
        return {event_id: self.known[event_id] for event_id in event_ids if event_id in self.known}

    async def visible(self, user_id: str, room_id: str, events: Sequence[StoredEvent]) -> list[Seen]:
        return [Seen(event, "join") for event in events if event.event_id != "$secret"]

    async def is_joined(self, room_id: str, user_id: str) -> bool:
        return user_id == ALICE and room_id == ROOM


class World:
    def __init__(self) -> None:
        self.streams = Streams()
        rooms = Rooms()
        self.clock = FakeClock()
        self.reports = Reports(StoredReports(run(open_memory_database(self.streams))), rooms, rooms, rooms, self.clock)


@pytest.fixture
def world() -> World:
    return World()


def test_reports_are_kept_latest_first(world: World) -> None:
    heard: list[Change] = []
    world.streams.subscribe(heard.extend)
    run(world.reports.report_event(ALICE, ROOM, "$1", "rude", -50))
    run(world.reports.report_room(EVE, "!unknown", ""))
    run(world.reports.report_user(EVE, BOB, "spam\0"))
    listed = run(world.reports.list())
    assert [report[1:8] for report in listed] == [
        (Kind.USER, EVE, None, None, BOB, "spam\N{REPLACEMENT CHARACTER}", None),
        (Kind.ROOM, EVE, "!unknown", None, None, "", None),
        (Kind.EVENT, ALICE, ROOM, "$1", BOB, "rude", -50),
    ]
    assert [change.subject for change in heard] == list(reversed(listed))
    assert run(world.reports.get(listed[0].report_id)) == listed[0]


@pytest.mark.parametrize(
    "reporter, room_id, event_id", [(EVE, ROOM, "$1"), (ALICE, ROOM, "$none"), (ALICE, ROOM, "$secret"), (ALICE, ROOM, "$far")]
)
def test_events_must_be_there_to_see(world: World, reporter: str, room_id: str, event_id: str) -> None:
    with pytest.raises(NotFound):
        run(world.reports.report_event(reporter, room_id, event_id, "", None))
    assert run(world.reports.count(open_only=False)) == 0


def test_the_queue_is_paged_and_worked_off(world: World) -> None:
    for number in range(5):
        run(world.reports.report_user(ALICE, BOB, str(number)))
    first = run(world.reports.list(limit=2))
    second = run(world.reports.list(limit=2, before=first[-1].report_id))
    assert [report.reason for report in first + second] == ["4", "3", "2", "1"]
    run(world.reports.resolve(first[0].report_id))
    for report_id in (first[0].report_id, 10_000):
        with pytest.raises(NotFound):
            run(world.reports.resolve(report_id))
    assert [report.reason for report in run(world.reports.list())] == ["3", "2", "1", "0"]
    assert (run(world.reports.count()), run(world.reports.count(open_only=False))) == (4, 5)
    assert run(world.reports.get(first[0].report_id)).resolved_ts == world.clock.now_ms()
    with pytest.raises(NotFound):
        run(world.reports.get(10_000))
