"""What reports ask of the storage, and the record that travels."""

import enum
from typing import NamedTuple, Protocol

REPORT = "report"  # the kind of the Change that is announced


class Kind(enum.Enum):
    EVENT = "event"
    ROOM = "room"
    USER = "user"


class Report(NamedTuple):
    """`report_id` is 0 until it is stored. Of an event's report, `user_id` is who sent it."""

    report_id: int
    kind: Kind
    reporter: str
    room_id: str | None
    event_id: str | None
    user_id: str | None
    reason: str
    score: int | None
    created_ts: int
    resolved_ts: int | None = None


class ReportStore(Protocol):
    async def add(self, report: Report) -> Report:
        """With its ID; announced as Change("report", room ID, user ID, subject=Report)."""

    async def get(self, report_id: int) -> Report | None: ...

    async def list(self, *, open_only: bool, before: int | None, limit: int) -> list[Report]:
        """Latest first; `before`: only those with a smaller ID."""

    async def count(self, *, open_only: bool) -> int: ...

    async def resolve(self, report_id: int, ts: int) -> bool:
        """False when there is no such open report."""
