"""A room of a.test with many members that b.test enters, and whose state nobody tells until `let_in`."""

from collections.abc import Mapping
from typing import Any

from federation.client import v1
from federation.transport import ReadyAnswer
from homeserver.protocol.auth_rules import needed_state
from homeserver.protocol.event import Draft, Event, StateKey
from homeserver.protocol.event_build import build
from homeserver.web.request import Request
from tests.federation.support.asking import ask, put_member
from tests.federation.support.shared import enter
from tests.federation.support.town import Town
from tests.support.client import Client
from tests.support.rooms import create_room, path

LAZY = '{"room":{"state":{"lazy_load_members":true},"timeline":{"lazy_load_members":true}}}'
ANN, DEREK, ELSIE = "@ann:a.test", "@derek:a.test", "@elsie:a.test"


class Halved:
    """alice made the room, ann, derek and elsie of a.test are in it, carol where there is a c.test; bob of b.test enters."""

    def __init__(self, town: Town, *, levels: Mapping[str, int] | None = None, gone: str | None = None, version: str = "11") -> None:
        self.town = town
        self.is_told = False
        self.asked = 0
        self._carry_on = town.network.carry
        town.network.carry = self._carry  # type: ignore[method-assign]
        self.alice, self.bob = town.user("a.test", "alice"), town.user("b.test", "bob")
        more = {"power_level_content_override": {"users": {"@alice:a.test": 100, **levels}}} if levels else {}
        self.room_id = create_room(town["a.test"], self.alice, preset="public_chat", room_version=version, name="Halved", **more)
        self.joins = {user: put_member(town, self.room_id, user) for user in (ANN, DEREK, ELSIE)}
        if gone is not None:
            put_member(town, self.room_id, gone, "leave")
        if "c.test" in town.servers:
            enter(town, "c.test", town.user("c.test", "carol"), self.room_id)
            town.settle(1)
        enter(town, "b.test", self.bob, self.room_id)

    async def _carry(self, origin: str, destination: str, request: Request, uri: str) -> ReadyAnswer:
        if origin == "b.test" and "/state" in uri:
            self.asked += 1
            if not self.is_told:
                return ReadyAnswer(404, {"content-type": "application/json"}, b'{"errcode":"M_NOT_FOUND","error":"not now"}')
        return await self._carry_on(origin, destination, request, uri)

    def let_in(self) -> None:
        self.is_told = True
        self.town.settle(20)

    def is_partial(self) -> bool:
        return self.town["b.test"].parts.rooms.partial.is_partial(self.room_id)

    def sync(self, *, lazy: bool, since: str = "", client: Client | None = None) -> tuple[dict[str, Any], str]:
        """The room's part of bob's sync, empty where it is left out; and the token."""
        query = {"timeout": "0", **({"filter": LAZY} if lazy else {}), **({"since": since} if since else {})}
        answer = self.town["b.test"].ok((client or self.bob).get(path("sync"), query))
        return answer.get("rooms", {}).get("join", {}).get(self.room_id, {}), answer["next_batch"]

    def shown(self, event_id: str) -> bool:
        return self.town["b.test"].run(self.bob.get(path("rooms", self.room_id, "event", event_id)))[0] == 200

    def forge(self, draft: Draft, *, after: str | None = None, auth: Mapping[StateKey, str] | None = None) -> Event:
        """An event as a.test could make it, on top of `after` or of what is there; `auth` says what authorises it instead of what does."""
        return self.town.run(self._forge(draft, after, auth or {}))

    async def _forge(self, draft: Draft, after: str | None, auth: Mapping[StateKey, str]) -> Event:
        parts = self.town["a.test"].parts
        store, record = parts.rooms.store, await parts.rooms.store.head(self.room_id)
        assert record is not None
        needed = needed_state(draft.type, draft.sender, draft.state_key, draft.content, record.room.version)
        state = {address: event.event for address, event in (await parts.rooms.states.at(record.root, needed)).items()}
        instead = await store.events(auth.values())
        state.update((address, instead[event_id].event) for address, event_id in auth.items())
        ends = [self.last] if after is None and self.last is not None else [event.event for event in record.extremities]
        identity = parts.ground.identity
        self.last = build(
            draft, version=record.room.version, room_id=self.room_id, prev_events=ends, auth_events=list(state.values()), depth=100,
            now_ms=self.town.clock.now_ms(), server_name=identity.server_name, key=identity.key,
        )  # fmt: skip
        return self.last

    last: Event | None = None

    def send(self, *events: Event) -> None:
        """To b.test, which must not call them wrong."""
        body = {"origin": "a.test", "origin_server_ts": self.town.clock.now_ms(), "pdus": [event.pdu for event in events]}
        status, answer = ask(self.town, v1("send", events[0].event_id[1:20]), method="PUT", body=body, by="a.test", of="b.test")
        assert status == 200, answer

    def keep(self, *events: Event) -> None:
        """At a.test, whose events they are."""
        receiving = self.town["a.test"].parts.rooms.visiting.arrivals.receiving
        self.town.run(receiving.receive(["b.test"], self.room_id, events))
