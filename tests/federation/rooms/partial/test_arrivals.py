"""What arrives while a room becomes whole is judged by the whole state, and leaves the room whole (MSC3902)."""

from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from twisted.internet.defer import Deferred

from federation.transport import ReadyAnswer
from homeserver.protocol.event import Draft
from homeserver.rooms.partial.store import Completion, PartialStore
from homeserver.rooms.receiving.outcome import Accepted
from homeserver.web.request import Request
from tests.federation.rooms.partial.halved import ELSIE, Halved
from tests.federation.support.shared import state
from tests.federation.support.town import Town
from tests.support.rooms import path

MEMBER = "m.room.member"


class Doorway:
    """What comes just before the last write; and what became of it."""

    def __init__(self, store: PartialStore, coming: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        self._finish = store.finish
        self._coming = coming
        self.outcomes: list[Any] = []

    async def finish(self, completion: Completion) -> None:
        Deferred.fromCoroutine(self._coming()).addCallback(self.outcomes.append)
        await self._finish(completion)


def test_the_room_stays_whole(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    half = Halved(town)
    auth = {(MEMBER, ELSIE): half.joins[ELSIE]}
    before = half.forge(Draft("m.room.message", ELSIE, {"body": "before"}), auth=auth)
    half.keep(before)
    half.send(before)
    late = half.forge(Draft("m.room.message", ELSIE, {"body": "late"}), auth=auth)
    store, arrivals = town["b.test"].parts.rooms.partial.store, town["b.test"].parts.rooms.visiting.arrivals
    doorway = Doorway(store, lambda: arrivals.receiving.receive(["a.test"], half.room_id, [late]))
    monkeypatch.setattr(store, "finish", doorway.finish)
    half.let_in()
    assert doorway.outcomes == [{late.event_id: Accepted()}]
    half.keep(late)
    town.settle(1)
    assert not half.is_partial()
    assert state(town, "a.test", half.alice, half.room_id) == state(town, "b.test", half.bob, half.room_id)
    b_test = town["b.test"]
    assert b_test.run(b_test.parts.rooms.partial.store.events(half.room_id)) == []


def test_so_does_its_past(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that lay in a gap is fetched meanwhile, and is built on one that was known in part."""
    half = Halved(town)
    auth = {(MEMBER, ELSIE): half.joins[ELSIE]}
    texts = ("before", "between", "next", "after")
    before, between, following, after = (half.forge(Draft("m.room.message", ELSIE, {"body": text}), auth=auth) for text in texts)
    half.keep(before)
    half.send(before)
    carry, names = town.network.carry, state(town, "a.test", half.alice, half.room_id).values()

    async def tell(origin: str, destination: str, request: Request, uri: str) -> ReadyAnswer:
        """The gap stays, but for its state and for who reads back."""
        told: dict[str, Any] | None = None
        if "get_missing_events" in uri:
            told = {"events": [following.pdu]}
        elif "/state_ids/" in uri and quote(between.event_id) in uri:
            told = {"pdu_ids": list(names), "auth_chain_ids": []}
        elif "/backfill/" in uri or ("/event/" in uri and quote(between.event_id) in uri):
            told = {"origin": "a.test", "origin_server_ts": 1, "pdus": [between.pdu]}
        if told is None or origin != "b.test":
            return await carry(origin, destination, request, uri)
        return ReadyAnswer(200, {"content-type": "application/json"}, orjson.dumps(told))

    monkeypatch.setattr(town.network, "carry", tell)
    half.send(after)
    assert half.shown(after.event_id)
    assert half.is_partial()
    store = town["b.test"].parts.rooms.partial.store
    doorway = Doorway(store, lambda: half.bob.get(path("rooms", half.room_id, "messages"), {"dir": "b", "limit": "4"}))
    monkeypatch.setattr(store, "finish", doorway.finish)
    half.let_in()
    assert not half.is_partial()
    [(status, read)] = doorway.outcomes
    assert status == 200
    assert between.event_id in [event["event_id"] for event in read["chunk"]]
    told = town["b.test"].ok(half.bob.get(path("rooms", half.room_id, "context", between.event_id), {"limit": "0"}))
    assert len(told["state"]) == len(names)
    assert town["b.test"].run(store.events(half.room_id)) == []
