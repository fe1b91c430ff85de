"""Many ends of the graph become few, and what is sent meanwhile stands in the state that everybody computes (RELIABILITY 51)."""

from pathlib import Path

import pytest

from homeserver.protocol.event import Event
from homeserver.rooms.receiving.merge import DUMMY, MAX_ENDS
from homeserver.rooms.receiving.outcome import Accepted
from tests.rooms.receiving.forger import BOB, Forger
from tests.rooms.receiving.verify_forks import verify_forked


def forks(forger: Forger, count: int, wave: int = 0) -> list[Event]:
    """As many branches, each a message or a new name of bob's."""
    ends, state = forger.ends(), forger.state()
    made = []
    for number in range(count):
        if number % 3:
            made.append(forger.message(f"{wave} {number}", prev=ends, state=state))
        else:
            content = {"membership": "join", "displayname": f"{wave} {number}"}
            made.append(forger.forge("m.room.member", content, BOB, prev=ends, state=state))
    return made


def verify(forger: Forger) -> None:
    async def ask() -> int:
        return await forger.a.server.database.read(lambda cursor: verify_forked(cursor, forger.room))

    forger.a.server.run(ask())


@pytest.mark.parametrize("version", ["6", "11", "12"])
@pytest.mark.parametrize("at_once", [1, 7, 50])
def test_few_ends(tmp_path: Path, version: str, at_once: int) -> None:
    forger = Forger(tmp_path, version)
    events = forks(forger, 100)
    for start in range(0, len(events), at_once):
        assert set(forger.tell(*events[start : start + at_once])) == {Accepted()}
        assert len(forger.ends()) <= MAX_ENDS
    dummies = [event for event in forger.ends() if event.type == DUMMY]
    assert all(len(event.prev_events) <= 20 and event.sender.endswith(":a.test") for event in dummies)
    said = forger.a.send(forger.alice, forger.room, "at last")
    assert [event.event_id for event in forger.ends()] == [said.event_id]
    verify(forger)


def test_waves(tmp_path: Path) -> None:
    forger = Forger(tmp_path, "11")
    for wave in range(6):
        events = forks(forger, 20, wave)
        assert set(forger.tell(*events)) == {Accepted()}
        forger.a.send(forger.alice, forger.room, f"wave {wave}")
    assert len(forger.ends()) == 1
