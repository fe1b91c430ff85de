"""Pages at the edge of what this server knows: other servers are asked for what came before."""

from collections.abc import Sequence

import pytest

from homeserver.protocol.filters import RoomEventFilter
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.rooms.reading.fill import fill
from homeserver.rooms.reading.history import Seen
from homeserver.rooms.reading.paging import Page, PageQuestion, Paging
from homeserver.rooms.reading.place import Place, Span, before
from homeserver.rooms.store import MemberRecord, StoredEvent
from homeserver.streams import Streams
from tests.support.client import run

ROOM, ALICE = "!room:test", "@alice:test"


def event(number: int) -> StoredEvent:
    """At a depth and position of that number."""
    place = {"num": number, "room_num": 1, "position": number, "topo": number}
    rest = {"flags": 0, "notifies": 0, "ts": 0, "type": "m.x", "sender": ALICE, "state_key": None, "event_id": f"${number}", "thread": None}
    more = {"redacted_by": None, "state_before": None, "state_after": None, "body": b"", "links": b""}
    return StoredEvent(**place, **rest, **more, room_id=ROOM, version=ROOM_VERSIONS["12"])  # type: ignore[arg-type]


class Room:
    """The events of some numbers; other servers give up to `each` more at a time, down to `first`."""

    def __init__(self, numbers: Sequence[int], first: int = 0, each: int = 10) -> None:
        self.numbers = sorted(numbers)
        self.first = first
        self.each = each
        self.fetched = 0

    async def page(self, room_id: str, span: Span, *, backwards: bool, limit: int, far: bool = False) -> list[StoredEvent]:
        found = [n for n in self.numbers if span.low < (n, n) <= span.high and span.since < n <= span.until]
        return [event(number) for number in (found[::-1] if backwards else found)[:limit]]

    async def may_read(self, user_id: str, room_id: str) -> MemberRecord | None:
        return None

    async def visible_to(self, user_id: str, member: MemberRecord | None, events: Sequence[StoredEvent]) -> list[Seen]:
        return [Seen(event, "join") for event in events]

    async def ignored(self, user_id: str) -> frozenset[str]:
        return frozenset()

    async def is_missing(self, room_id: str) -> bool:
        return self.numbers[0] > self.first

    async def gap(self, room_id: str, span: Span) -> Place | None:
        first = self.numbers[0]
        return before(event(first)) if first > self.first and span.meets(event(first)) else None

    async def fetch(self, room_id: str, before: Place) -> bool:
        self.fetched += 1
        assert before.topo == self.numbers[0]
        older = range(max(self.first, self.numbers[0] - self.each), self.numbers[0])
        self.numbers = [*older, *self.numbers]
        return bool(older)

    def read(self, backwards: bool = True, limit: int = 10, start: Place | None = None, wanted: RoomEventFilter | None = None) -> Page:
        streams = Streams(self.numbers[-1])
        parts = {"store": self, "timelines": self, "history": self, "states": self, "ignoring": self, "older": self}
        paging = Paging(**parts, streams=streams)  # type: ignore[arg-type]
        return run(paging.page(PageQuestion(ALICE, ROOM, backwards, start, limit=limit, wanted=wanted or RoomEventFilter())))


def numbers(page: Page) -> list[int]:
    return [seen.event.num for seen in page.seen]


def test_a_page_is_filled_by_other_servers() -> None:
    room = Room(range(50, 55), first=20)
    page = room.read(limit=20)
    assert numbers(page) == list(range(54, 34, -1))
    assert (room.fetched, str(page.end)) == (2, "t35_34")
    rest = room.read(limit=20, start=page.end)
    assert numbers(rest) == list(range(34, 19, -1))
    assert rest.end is None


def test_nobody_is_asked_while_the_page_is_full() -> None:
    room = Room(range(50, 60))
    page = room.read(limit=5)
    assert (numbers(page), room.fetched) == ([59, 58, 57, 56, 55], 0)
    full = room.read(limit=10)
    assert (len(full.seen), room.fetched, str(full.end)) == (10, 0, "t50_49")


def test_not_every_page_waits_for_all_of_history() -> None:
    room = Room(range(5000, 5001), each=1)
    page = room.read(limit=500)
    assert room.fetched <= 6
    assert len(page.seen) < 10
    assert page.end is not None
    assert numbers(room.read(limit=2, start=page.end)) == [page.seen[-1].event.num - 1, page.seen[-1].event.num - 2]


def test_forwards_nobody_is_asked() -> None:
    room = Room(range(50, 60))
    assert numbers(room.read(backwards=False, limit=20)) == list(range(50, 60))
    assert room.fetched == 0


@pytest.mark.parametrize("limit", [1, 2, 9, 10, 11])
@pytest.mark.parametrize("backwards", [True, False])
def test_filling_makes_progress_past_what_is_refused(limit: int, backwards: bool) -> None:
    room = Room(range(300))

    async def read(span: Span, count: int) -> list[StoredEvent]:
        return await room.page(ROOM, span, backwards=backwards, limit=count)

    async def judge(events: list[StoredEvent]) -> list[Seen]:
        return [Seen(event, None) for event in events if event.num % 29 == 0]

    found: list[int] = []
    span = Span()
    while True:
        filled = run(fill(read, judge, span, backwards=backwards, limit=limit))
        assert len(filled.seen) <= limit
        found += [seen.event.num for seen in filled.seen]
        if filled.end is None:
            break
        span = span.up_to(filled.end) if backwards else span.after(filled.end)
    expected = [number for number in range(300) if number % 29 == 0]
    assert found == (expected[::-1] if backwards else expected)
