"""What a server is told when it asks about a room: sound events of that room under their own names, and nothing else."""

from typing import Any

import pytest

from federation.asking.room_peers import FederatedPeers
from federation.asking.sound_events import SoundEvents
from homeserver.protocol.event import Draft
from homeserver.protocol.room_versions import room_version
from homeserver.rooms.receiving.peers import Subject
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request
from tests.federation.support.asking import append, ok, put_member, say
from tests.federation.support.town import Town
from tests.support.client import dispatch_for
from tests.support.rooms import create_room

BOB, V1 = "@bob:b.test", "/_matrix/federation/v1"


class Looking:
    """a.test asks about a room on b.test, in which a user of its is."""

    def __init__(self, town: Town, *servers: str) -> None:
        self.town = town
        bob = town.user("b.test", "bob")
        self.room_id = create_room(town["b.test"], bob, preset="public_chat", room_version="11")
        put_member(town, self.room_id, "@alice:a.test", server="b.test")
        self.said = [say(town, self.room_id, BOB, str(number), "b.test") for number in range(5)]
        reach = town["a.test"].federation.reach
        self.peers = FederatedPeers(reach.client, SoundEvents(reach.keyring, town.clock), "a.test")
        self.room = Subject(self.room_id, room_version("11"), servers or ("a.test", "c.test", "b.test"))

    def ids(self, asking: Any) -> list[str]:
        return [event.event_id for event in self.town.run(asking)]


@pytest.fixture
def looking(town: Town) -> Looking:
    return Looking(town)


def test_questions_and_answers(looking: Looking) -> None:
    peers, room, said = looking.peers, looking.room, looking.said
    assert looking.ids(peers.backfill(room, [said[4]], 3)) == [said[4], said[3], said[2]]
    assert looking.ids(peers.missing_events(room, earliest=[said[0]], latest=[said[4]], limit=20)) == said[1:4]
    names = looking.town.run(peers.state_names(room, said[4]))
    assert names is not None
    chain = looking.ids(peers.auth_chain(room, said[4]))
    assert set(chain) < set(names.auth) | set(names.state)
    assert sorted(looking.ids(peers.events(room, [said[1], said[3], "$" + "x" * 43], around=said[4]))) == sorted([said[1], said[3]])


def test_a_state_comes_with_the_event_that_it_is_before(looking: Looking) -> None:
    names = looking.town.run(looking.peers.state_names(looking.room, looking.said[2]))
    assert names is not None
    told = set(looking.ids(looking.peers.state(looking.room, looking.said[2])))
    assert len({*names.state, *names.auth, looking.said[2]} - told) == 1  # alice's join, which her server did not sign
    assert looking.said[2] in told


def test_many_events_come_with_the_whole_state(looking: Looking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("federation.asking.room_peers.FEW", 3)
    town, said = looking.town, looking.said
    names = [append(town, looking.room_id, Draft("org.example", BOB, {}, str(number)), "b.test") for number in range(5)]
    around = say(town, looking.room_id, BOB, "last", "b.test")
    before = len(town.network.passed)
    assert sorted(looking.ids(looking.peers.events(looking.room, [*names, said[0]], around=around))) == sorted([*names, said[0]])
    uris = [passed.uri for passed in town.network.passed[before:] if passed.destination == "b.test"]
    assert [uri.split("/")[4] for uri in uris] == ["state", "event"]


def test_who_has_nothing_says_nothing(town: Town) -> None:
    looking = Looking(town, "a.test", "c.test")
    peers, room, said = looking.peers, looking.room, looking.said
    assert looking.ids(peers.backfill(room, said, 3)) == []
    assert looking.ids(peers.missing_events(room, earliest=[], latest=said, limit=3)) == []
    assert looking.ids(peers.auth_chain(room, said[0])) == []
    assert looking.ids(peers.events(room, said, around=said[0])) == []
    assert town.run(peers.state_names(room, said[0])) is None


class Forger:
    """Gives the same events to every question."""

    def __init__(self, pdus: Any) -> None:
        self.pdus = pdus

    def answer(self) -> Answer:
        return dict.fromkeys(("pdus", "events", "auth_chain", "pdu_ids", "auth_chain_ids"), self.pdus)

    @endpoint("GET", V1 + "/backfill/{room_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    @endpoint("GET", V1 + "/state_ids/{room_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    @endpoint("POST", V1 + "/get_missing_events/{room_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def of_room(self, request: Request, room_id: str) -> Answer:
        return self.answer()

    @endpoint("GET", V1 + "/event_auth/{room_id}/{event_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def chain(self, request: Request, room_id: str, event_id: str) -> Answer:
        return self.answer()

    @endpoint("GET", V1 + "/event/{event_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def event(self, request: Request, event_id: str) -> Answer:
        return self.answer()


def test_only_the_honest_event_comes_through(looking: Looking) -> None:
    """Signed by nobody who may, changed since it was signed, of another room, under another's name: none of them gets in by any question."""
    town, peers, room = looking.town, looking.peers, looking.room
    honest, second = (ok(town, f"{V1}/event/{event_id}", by="a.test", of="b.test")["pdus"][0] for event_id in looking.said[:2])
    forged = [
        {**honest, "sender": "@alice:a.test"},
        {**honest, "depth": honest["depth"] + 1},
        {**honest, "room_id": "!other:b.test"},
        {**honest, "signatures": {"b.test": {}}},
        {**honest, "signatures": {"c.test": honest["signatures"]["b.test"]}},
        {"not": "an event"},
        7,
    ]
    town.network.join("b.test", dispatch_for(Forger([*forged, honest, honest])))
    name = looking.said[0]
    assert looking.ids(peers.backfill(room, [name], 20)) == [name]
    assert looking.ids(peers.missing_events(room, earliest=[], latest=[name], limit=20)) == [name]
    assert looking.ids(peers.auth_chain(room, name)) == [name]
    town.network.join("b.test", dispatch_for(Forger([second])))
    assert looking.ids(peers.events(room, [name], around=name)) == []
    altered = {**honest, "content": {"body": "altered"}}
    town.network.join("b.test", dispatch_for(Forger([altered])))
    (event,) = town.run(peers.events(room, [name], around=name))
    assert (event.event_id, event.content) == (name, {})


@pytest.mark.parametrize("pdus", [None, {}, "x", 5, [[]]])
def test_answers_of_another_shape(looking: Looking, pdus: Any) -> None:
    looking.town.network.join("b.test", dispatch_for(Forger(pdus)))
    peers, room, name = looking.peers, looking.room, looking.said[0]
    assert looking.ids(peers.backfill(room, [name], 20)) == []
    assert looking.ids(peers.events(room, [name], around=name)) == []
    assert looking.town.run(peers.state_names(room, name)) is None
