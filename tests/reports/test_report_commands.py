"""What the machine's administrator sees of reports, and how they are put away."""

import pytest

from homeserver.control.errors import Refused
from homeserver.control.report_commands import ReportCommands
from tests.reports.test_reports import ALICE, BOB, EVE, ROOM, World
from tests.support.client import run


def test_open_reports_are_listed_the_latest_first_and_closed_one_by_one() -> None:
    world = World()
    commands = ReportCommands(world.reports)
    assert run(commands.run("list-reports", {"all": True})) == []
    run(world.reports.report_event(ALICE, ROOM, "$1", "rude", -50))
    run(world.reports.report_room(EVE, "!unknown", ""))
    run(world.reports.report_user(EVE, BOB, "spam"))
    event = f"1  2023-11-14, event $1 of {BOB} in {ROOM}, reported by {ALICE}: rude"
    room = f"2  2023-11-14, room !unknown, reported by {EVE}"
    assert run(commands.run("list-reports", {"all": False})) == [f"3  2023-11-14, user {BOB}, reported by {EVE}: spam", room, event]
    assert run(commands.run("close-report", {"number": 3})) == ["Report 3 is closed."]
    assert run(commands.run("list-reports", {"all": False})) == [room, event]
    assert run(commands.run("list-reports", {"all": True}))[0] == f"3  2023-11-14, closed, user {BOB}, reported by {EVE}: spam"
    with pytest.raises(Refused, match="There is no such open report"):
        run(commands.run("close-report", {"number": 3}))


def test_all_pages_are_listed() -> None:
    world = World()
    for number in range(101):
        run(world.reports.report_user(EVE, BOB, f"{number}"))
    assert len(run(ReportCommands(world.reports).run("list-reports", {"all": False}))) == 101


def test_what_a_reporter_wrote_does_nothing_to_a_terminal() -> None:
    world = World()
    run(world.reports.report_user(EVE, BOB, "a\n2  2023\x1b[2J\u202eb"))
    [line] = run(ReportCommands(world.reports).run("list-reports", {"all": False}))
    assert line.endswith(": a 2  2023 [2J b")
