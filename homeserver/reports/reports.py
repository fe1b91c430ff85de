"""Reports of events, rooms and users, kept in a queue for those who moderate (client-server API, "Reporting Content"; MSC4277).

Whether a reported room or user exists is not told: any of them may be known to the reporter from elsewhere, and is written down as it was named.
An event can be reported by who is joined to its room and may see it.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from homeserver.clock import Clock
from homeserver.errors import NotFound
from homeserver.reports.store import Kind, Report, ReportStore
from homeserver.rooms.reading.history import Seen
from homeserver.rooms.store import StoredEvent

MAX_LISTED = 100


class Events(Protocol):
    """A part of `homeserver.rooms.store.RoomStore`."""

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]: ...


class Visible(Protocol):
    """A part of `homeserver.rooms.reading.history.History`."""

    async def visible(self, user_id: str, room_id: str, events: Sequence[StoredEvent]) -> list[Seen]: ...


class Members(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def is_joined(self, room_id: str, user_id: str) -> bool: ...


class Reports:
    def __init__(self, store: ReportStore, events: Events, history: Visible, members: Members, clock: Clock) -> None:
        self._store = store
        self._events = events
        self._history = history
        self._members = members
        self._clock = clock

    async def report_event(self, reporter: str, room_id: str, event_id: str, reason: str, score: int | None) -> None:
        """Raises NotFound when the reporter is not in the room, or it has no such event to see."""
        event = (await self._events.events([event_id])).get(event_id) if await self._members.is_joined(room_id, reporter) else None
        if event is None or event.room_id != room_id or not await self._history.visible(reporter, room_id, [event]):
            raise NotFound("The event was not found or you are not joined to the room")
        await self._add(Kind.EVENT, reporter, reason, room_id=room_id, event_id=event_id, user_id=event.sender, score=score)

    async def report_room(self, reporter: str, room_id: str, reason: str) -> None:
        await self._add(Kind.ROOM, reporter, reason, room_id=room_id)

    async def report_user(self, reporter: str, user_id: str, reason: str) -> None:
        await self._add(Kind.USER, reporter, reason, user_id=user_id)

    async def list(self, *, open_only: bool = True, before: int | None = None, limit: int = MAX_LISTED) -> list[Report]:
        """For administrators: latest first; page on with the last one's ID as `before`."""
        return await self._store.list(open_only=open_only, before=before, limit=min(limit, MAX_LISTED))

    async def count(self, *, open_only: bool = True) -> int:
        return await self._store.count(open_only=open_only)

    async def get(self, report_id: int) -> Report:
        report = await self._store.get(report_id)
        if report is None:
            raise NotFound("There is no such report")
        return report

    async def resolve(self, report_id: int) -> None:
        """Close it; raises NotFound when it is not open."""
        if not await self._store.resolve(report_id, self._clock.now_ms()):
            raise NotFound("There is no such open report")

    async def _add(
        self,
        kind: Kind,
        reporter: str,
        reason: str,
        *,
        room_id: str | None = None,
        event_id: str | None = None,
        user_id: str | None = None,
        score: int | None = None,
    ) -> None:
        shown = reason.replace("\0", "\N{REPLACEMENT CHARACTER}")  # PostgreSQL takes no NUL in text
        await self._store.add(Report(0, kind, reporter, room_id, event_id, user_id, shown, score, self._clock.now_ms()))
