"""The queue of reports. Fills `homeserver.reports.store.ReportStore`."""

from homeserver.reports.store import REPORT, Kind, Report
from homeserver.streams import Change
from storage.database import Database, Row, WriteCursor

_COLUMNS = "SELECT report_id, kind, reporter, room_id, event_id, user_id, reason, score, created_ts, resolved_ts FROM reports"
_ADD = """INSERT INTO reports (report_id, kind, reporter, room_id, event_id, user_id, reason, score, created_ts)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
_LATEST = " WHERE report_id < ? ORDER BY report_id DESC LIMIT ?"
_LATEST_OPEN = " WHERE resolved_ts IS NULL AND report_id < ? ORDER BY report_id DESC LIMIT ?"
_COUNT = "SELECT count(*) FROM reports"
_COUNT_OPEN = "SELECT count(*) FROM reports WHERE resolved_ts IS NULL"
_NO_END = 2**62


def _report(row: Row) -> Report:
    return Report(row[0], Kind(row[1]), *row[2:])


class StoredReports:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, report: Report) -> Report:
        def change(cursor: WriteCursor) -> Report:
            stored = report._replace(report_id=cursor.position())
            cursor.run(_ADD, stored.report_id, stored.kind.value, *stored[2:9])
            cursor.announce(Change(stored.report_id, REPORT, stored.room_id, stored.user_id, stored))
            return stored

        return await self._database.write(change)

    async def get(self, report_id: int) -> Report | None:
        row = await self._database.read(lambda cursor: cursor.one(_COLUMNS + " WHERE report_id = ?", report_id))
        return None if row is None else _report(row)

    async def list(self, *, open_only: bool, before: int | None, limit: int) -> list[Report]:
        sql = _COLUMNS + (_LATEST_OPEN if open_only else _LATEST)
        rows = await self._database.read(lambda cursor: cursor.all(sql, _NO_END if before is None else before, limit))
        return [_report(row) for row in rows]

    async def count(self, *, open_only: bool) -> int:
        count = await self._database.read(lambda cursor: cursor.value(_COUNT_OPEN if open_only else _COUNT))
        return int(count)

    async def resolve(self, report_id: int, ts: int) -> bool:
        sql = "UPDATE reports SET resolved_ts = ? WHERE report_id = ? AND resolved_ts IS NULL"
        return bool(await self._database.write(lambda cursor: cursor.run(sql, ts, report_id)))
