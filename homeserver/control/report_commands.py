"""The commands about what people have reported: the queue that reports wait in until somebody has dealt with them."""

from collections.abc import Awaitable, Callable
from time import gmtime, strftime
from typing import Any

from homeserver.control.errors import Refused
from homeserver.errors import MatrixError
from homeserver.reports.reports import Reports
from homeserver.reports.store import Kind, Report

Arguments = dict[str, Any]


class ReportCommands:
    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._table: dict[str, Callable[[Arguments], Awaitable[list[str]]]] = {
            "list-reports": self._list,
            "close-report": self._close,
        }

    def knows(self, command: str) -> bool:
        return command in self._table

    async def run(self, command: str, arguments: Arguments) -> list[str]:
        try:
            return await self._table[command](arguments)
        except MatrixError as error:
            raise Refused(error.message) from error

    async def _list(self, arguments: Arguments) -> list[str]:
        """Latest first."""
        lines, open_only = list[str](), not arguments["all"]
        page = await self._reports.list(open_only=open_only)
        while page:
            lines += map(_line, page)
            page = await self._reports.list(open_only=open_only, before=page[-1].report_id)
        return lines

    async def _close(self, arguments: Arguments) -> list[str]:
        await self._reports.resolve(arguments["number"])
        return [f"Report {arguments['number']} is closed."]


def _line(report: Report) -> str:
    """On one line, whatever the reporter wrote."""
    subject = {
        Kind.EVENT: f"event {report.event_id} of {report.user_id} in {report.room_id}",
        Kind.ROOM: f"room {report.room_id}",
        Kind.USER: f"user {report.user_id}",
    }[report.kind]
    day = strftime("%Y-%m-%d", gmtime(report.created_ts // 1000))
    closed = "" if report.resolved_ts is None else ", closed"
    told = f"{report.report_id}  {day}{closed}, {subject}, reported by {report.reporter}{f': {report.reason}' if report.reason else ''}"
    return "".join(sign if sign.isprintable() else " " for sign in told)  # strangers' text, shown in a terminal
