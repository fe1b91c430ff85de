"""Forged events of a server with valid keys, each beside an honest one (RELIABILITY 1a, rows 1 to 7, 13 and 19)."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import pytest

from homeserver.protocol.event import Event
from homeserver.protocol.event_build import Reference
from homeserver.rooms.receiving.gather import MAX_EACH
from homeserver.rooms.receiving.outcome import Accepted, Rejected, SoftFailed, Unplaced
from homeserver.rooms.receiving.peers import StateNames, Subject
from tests.rooms.receiving.forger import ALICE, BOB, CAROL, Forger
from tests.support.rooms import create_room, path

POWER = ("m.room.power_levels", "")
CREATE = ("m.room.create", "")


@pytest.fixture(params=["11", "12"])
def forger(request: pytest.FixtureRequest, tmp_path: Path) -> Forger:
    return Forger(tmp_path, request.param)


def levels(forger: Forger, **users: int) -> dict[str, Any]:
    content = forger.state()[POWER].content
    return {**content, "users": {**content["users"], **{f"@{name}:b.test": level for name, level in users.items()}}}


FORBIDDEN: dict[str, Callable[[Forger], Event]] = {
    "power levels": lambda forger: forger.forge("m.room.power_levels", levels(forger, bob=100), ""),
    "topic": lambda forger: forger.forge("m.room.topic", {"topic": "mine"}, ""),
    "join rules": lambda forger: forger.forge("m.room.join_rules", {"join_rule": "invite"}, ""),
    "kick": lambda forger: forger.forge("m.room.member", {"membership": "leave"}, ALICE),
    "ban": lambda forger: forger.forge("m.room.member", {"membership": "ban"}, CAROL),
    "another's join": lambda forger: forger.forge("m.room.member", {"membership": "join"}, "@dave:b.test"),
    "another's name": lambda forger: forger.forge("m.room.member", {"membership": "join", "displayname": "bob"}, ALICE),
    "another's state": lambda forger: forger.forge("org.example", {}, ALICE),
    "unknown membership": lambda forger: forger.forge("m.room.member", {"membership": "owner"}, BOB),
    "membership of a wrong type": lambda forger: forger.forge("m.room.member", {"membership": ["join"]}, BOB),
    "no member speaks": lambda forger: forger.message("who?", sender="@dave:b.test"),
    "no member invites": lambda forger: forger.forge("m.room.member", {"membership": "invite"}, "@erin:b.test", sender="@dave:b.test"),
    "a second beginning": lambda forger: forger.forge("m.room.create", {"room_version": "11", "creator": BOB}, "", auth=[]),
    "a tombstone": lambda forger: forger.forge("m.room.tombstone", {"body": "gone", "replacement_room": "!x:b.test"}, ""),
    "nothing cited": lambda forger: forger.message("free", auth=[]),
    "an invitation by a token nobody gave": lambda forger: forger.forge(
        "m.room.member",
        {
            "membership": "invite",
            "third_party_invite": {"display_name": "x", "signed": {"mxid": "@d:b.test", "token": "t", "signatures": {}}},
        },
        "@d:b.test",
    ),
    "a join by leave of another": lambda forger: forger.forge(
        "m.room.member", {"membership": "join", "join_authorised_via_users_server": ALICE}, "@dave:b.test"
    ),
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_what_the_rules_refuse(forger: Forger, what: str) -> None:
    if what == "a second beginning" and forger.ends()[0].version.room_id_is_create_hash:
        pytest.skip("every beginning is that of a room of its own")
    forger.refused(FORBIDDEN[what](forger))


def test_power_from_another_room(forger: Forger) -> None:
    forger_room = create_room(forger.a.server, forger.alice, preset="public_chat", room_version=forger.ends()[0].version.identifier)
    forger.a.admit(forger.b, BOB, forger_room)
    theirs = forger.a.set_state(forger.alice, forger_room, "m.room.power_levels", {**levels(forger, bob=100)})
    ours = forger.state()
    cited = [event for address, event in ours.items() if address == CREATE and forger.ends()[0].version.identifier != "12"]
    forged = forger.forge("m.room.topic", {"topic": "mine"}, "", auth=[*cited, ours["m.room.member", BOB], theirs])
    forger.refused(forged)


def test_a_place_in_another_room(forger: Forger) -> None:
    """Its predecessor is an event of a room in which the liar has power."""
    version = forger.ends()[0].version.identifier
    other = create_room(forger.a.server, forger.alice, preset="public_chat", room_version=version)
    forger.a.admit(forger.b, BOB, other)
    there = forger.a.set_state(forger.alice, other, "m.room.topic", {"topic": "elsewhere"})
    forger.refused(forger.message("from afar", prev=[there]), forger.forge("m.room.topic", {"topic": "x"}, "", prev=[there]))


def test_two_of_a_kind_cited(forger: Forger) -> None:
    old = forger.state()[POWER]
    forger.a.set_state(forger.alice, forger.room, "m.room.power_levels", levels(forger, carol=10))
    cited = [event for address, event in forger.state().items() if address in (POWER, ("m.room.member", BOB))]
    if forger.ends()[0].version.identifier != "12":
        cited.append(forger.state()[CREATE])
    forger.refused(forger.message("twice", auth=[*cited, old]), outcome=Rejected)


def test_something_that_is_no_authority_cited(forger: Forger) -> None:
    state = forger.state()
    cited = [event for address, event in state.items() if address in (POWER, CREATE, ("m.room.member", BOB), ("m.room.name", ""))]
    forger.refused(forger.message("by name", auth=cited), outcome=Rejected)


def test_the_beginning_cited_where_the_room_names_it(forger: Forger) -> None:
    state = forger.state()
    is_named = forger.ends()[0].version.identifier == "12"
    addresses = [POWER, ("m.room.member", BOB)] + ([CREATE] if is_named else [])
    forger.refused(forger.message("create", auth=[state[address] for address in addresses]), outcome=Rejected)


def test_old_power_cited(forger: Forger) -> None:
    """It passes by what it cites, and not where it stands."""
    forger.a.set_state(forger.alice, forger.room, "m.room.power_levels", levels(forger, bob=50))
    mighty = forger.state()
    forger.a.set_state(forger.alice, forger.room, "m.room.power_levels", levels(forger, bob=0))
    forger.refused(forger.forge("m.room.topic", {"topic": "still"}, "", state=mighty), outcome=Rejected)


def test_row_4_nothing_comes_back_through_a_child(forger: Forger) -> None:
    taken = forger.forge("m.room.power_levels", levels(forger, bob=100), "")
    forger.refused(taken, outcome=Rejected)
    child = forger.message("child", prev=[taken])
    assert forger.tell(child) == [Accepted()]
    assert forger.state()[POWER].event_id != taken.event_id
    state = {**forger.state(), POWER: taken}
    forger.refused(forger.forge("m.room.topic", {"topic": "mine"}, "", prev=[child], state=state), outcome=Rejected)
    fork = forger.message("fork", prev=forger.ends()[:1])
    forger.tell(fork)
    forger.tell(forger.message("merge", prev=[child, fork]))
    assert forger.state()[POWER].event_id != taken.event_id


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


def test_row_7_the_deepest_claim(forger: Forger) -> None:
    deep = forger.message("deep", depth=2**53 - 1)
    assert forger.tell(deep) == [Accepted()]
    said = forger.a.send(forger.alice, forger.room, "after the deep")
    assert deep.event_id in said.prev_events
    assert said.depth == 2**53 - 1
    assert forger.tell(forger.message("honest", sender=CAROL)) == [Accepted()]
    shown = [event["content"].get("body") for event in forger.shown().values() if event["type"] == "m.room.message"]
    assert {"deep", "after the deep", "honest"} <= set(shown)


def test_row_3_an_authority_nobody_has(forger: Forger) -> None:
    hidden = forger.forge("m.room.member", {"membership": "join", "displayname": "hidden"}, BOB)
    state = {**forger.state(), ("m.room.member", BOB): hidden}
    forger.refused(forger.message("trust me", state=state), outcome=Unplaced)


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


def test_row_13_what_was_not_asked_for(forger: Forger) -> None:
    """Of four events offered for one gap, those that do not fill it stay out."""
    between = forger.message("between", sender=CAROL)
    after = forger.message("after", prev=[between], sender=CAROL)
    stray = [forger.message(f"stray {number}") for number in range(3)]

    async def missing(room: Subject, **more: Any) -> Sequence[Event]:
        return [*stray, between]

    forger.a.peers.missing_events = missing  # type: ignore[assignment,method-assign]
    assert forger.tell(after) == [Accepted()]
    shown = forger.shown()
    assert between.event_id in shown
    assert not shown.keys() & {event.event_id for event in stray}


def test_what_could_not_be_placed_may_come_again(forger: Forger) -> None:
    between = forger.message("between", sender=CAROL)
    after = forger.message("after", prev=[between], sender=CAROL)
    assert isinstance(forger.tell(after)[0], Unplaced)
    assert forger.tell(between, after) == [Accepted(), Accepted()]


@pytest.mark.parametrize("target", ["message", "create", "power_levels", "join_rules", "member"])
def test_row_19_no_power_to_redact(forger: Forger, target: str) -> None:
    said = forger.a.send(forger.alice, forger.room, "stays")
    event = said if target == "message" else forger.state()[f"m.room.{target}", ALICE if target == "member" else ""]
    content = dict(event.content)
    forger.tell(forger.forge("m.room.redaction", {}, redacts=event.event_id))
    stored = forger.a.stored([event.event_id])[event.event_id]
    assert stored.content == content
    assert forger.tell(forger.message("honest", sender=CAROL)) == [Accepted()]


def test_row_19_of_another_room(forger: Forger) -> None:
    version = forger.ends()[0].version.identifier
    other = create_room(forger.a.server, forger.alice, preset="public_chat", room_version=version)
    said = forger.a.send(forger.alice, other, "stays")
    forger.a.set_state(forger.alice, forger.room, "m.room.power_levels", levels(forger, bob=100))
    forger.tell(forger.forge("m.room.redaction", {}, redacts=said.event_id))
    assert forger.a.stored([said.event_id])[said.event_id].content["body"] == "stays"


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


def test_row_19_the_beginning_keeps_its_content(forger: Forger) -> None:
    forger.a.set_state(forger.alice, forger.room, "m.room.power_levels", levels(forger, bob=100))
    create = forger.state()[CREATE]
    forger.tell(forger.forge("m.room.redaction", {}, redacts=create.event_id))
    assert forger.a.stored([create.event_id])[create.event_id].content == create.content
