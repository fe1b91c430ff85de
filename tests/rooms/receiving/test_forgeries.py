"""What becomes of forged events, one by one: how they fail, and how much is asked about them. That nobody sees them is shown in `tests/hostile`."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from homeserver.protocol.event import Event
from homeserver.protocol.event_build import Reference
from homeserver.rooms.receiving.gather import MAX_EACH
from homeserver.rooms.receiving.outcome import Accepted, Rejected, SoftFailed, Unplaced
from homeserver.rooms.receiving.peers import StateNames, Subject
from tests.rooms.receiving.forger import BOB, CAROL, Forger
from tests.support.rooms import path

POWER = ("m.room.power_levels", "")
CREATE = ("m.room.create", "")


@pytest.fixture(params=["11", "12"])
def forger(request: pytest.FixtureRequest, tmp_path: Path) -> Forger:
    return Forger(tmp_path, request.param)


@pytest.mark.parametrize("what", ["message", "join", "leave", "redaction"])
def test_row_6_a_ban_is_not_evaded(forger: Forger, what: str) -> None:
    said = forger.a.send(forger.alice, forger.room, "stays")
    before, ends = forger.state(), forger.ends()
    forger.a.server.ok(forger.alice.post(path("rooms", forger.room, "ban"), {"user_id": BOB}))
    forged = {
        "message": lambda: forger.message("evading", prev=ends, state=before),
        "join": lambda: forger.forge("m.room.member", {"membership": "join", "displayname": "x"}, BOB, prev=ends, state=before),
        "leave": lambda: forger.forge("m.room.member", {"membership": "leave"}, BOB, prev=ends, state=before),
        "redaction": lambda: forger.forge("m.room.redaction", {}, prev=ends, state=before, redacts=said.event_id),
    }[what]()
    forger.refused(forged, outcome=SoftFailed)
    assert forger.shown()[said.event_id]["content"]["body"] == "stays"
    child = forger.message("after it", prev=[forged], state=before)
    forger.refused(child, outcome=Rejected if what == "leave" else SoftFailed)


class Endless:
    """Each event that is asked for is authorised by others that nobody has seen."""

    def __init__(self, forger: Forger) -> None:
        self.forger = forger
        self.asked = 0
        self.made: dict[str, Event] = {}

    def make(self) -> Event:
        event = self.forger.forge("m.room.member", {"membership": "join"}, BOB, auth=self.unknown())
        self.made[event.event_id] = event
        return event

    def unknown(self) -> list[Event]:
        return [self.forger.forge("m.room.member", {"membership": "join", "n": self.forger.count}, BOB, auth=[]) for _ in range(10)]

    async def events(self, room: Subject, event_ids: Collection[str], *, around: str) -> list[Event]:
        self.asked += min(len(event_ids), MAX_EACH)
        return [self.make() for _ in list(event_ids)[:20]]

    async def auth_chain(self, room: Subject, event_id: str) -> list[Event]:
        self.asked += 1
        return [self.make() for _ in range(5)]

    async def missing_events(self, room: Subject, **more: Any) -> list[Event]:
        self.asked += 1
        return [self.forger.message("filler", prev=[self.forger.message("x")]) for _ in range(20)]

    async def state_names(self, room: Subject, event_id: str) -> StateNames | None:
        self.asked += 1
        return StateNames([event.event_id for event in self.unknown()], [event.event_id for event in self.unknown()])


def test_row_3_an_endless_chain(forger: Forger) -> None:
    endless = Endless(forger)
    peers: Any = forger.a.peers
    for name in ("events", "auth_chain", "missing_events", "state_names"):
        setattr(peers, name, getattr(endless, name))
    prev = [Reference(forger.message(f"unknown {number}").event_id) for number in range(20)]
    cited = endless.unknown()[:1]
    forger.refused(*(forger.message(f"endless {n}", prev=prev, auth=cited) for n in range(3)), outcome=Unplaced)
    forger.refused(*(forger.message(f"more {n}", auth=endless.unknown()) for n in range(30)), outcome=Unplaced)
    assert endless.asked < 1_000  # two batches


def test_what_could_not_be_placed_may_come_again(forger: Forger) -> None:
    between = forger.message("between", sender=CAROL)
    after = forger.message("after", prev=[between], sender=CAROL)
    assert isinstance(forger.tell(after)[0], Unplaced)
    assert forger.tell(between, after) == [Accepted(), Accepted()]


@pytest.mark.parametrize("is_together", [True, False])
@pytest.mark.parametrize("order", ["redaction first", "target first"])
@pytest.mark.parametrize("kind", ["message", "member"])
def test_row_19_both_orders(forger: Forger, kind: str, order: str, is_together: bool) -> None:
    ends = forger.ends()
    if kind == "message":
        target = forger.message("unwise", prev=ends)
    else:
        target = forger.forge("m.room.member", {"membership": "join", "displayname": "unwise"}, BOB, prev=ends)
    redaction = forger.forge("m.room.redaction", {}, prev=ends, redacts=target.event_id)
    events = [redaction, target] if order == "redaction first" else [target, redaction]
    outcomes = forger.tell(*events) if is_together else [outcome for event in events for outcome in forger.tell(event)]
    assert outcomes == [Accepted(), Accepted()]
    stored = forger.a.stored([target.event_id])[target.event_id]
    assert stored.redacted_by is not None
    assert b"unwise" not in stored.body + stored.links
    assert "unwise" not in str(forger.shown())
    assert forger.tell(forger.message("honest", sender=CAROL)) == [Accepted()]
