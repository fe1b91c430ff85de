"""A server with valid keys of its own that says what it likes, beside a user of it who behaves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from homeserver.protocol.auth_rules import needed_state
from homeserver.protocol.event import Draft, Event, StateKey
from homeserver.protocol.event_build import Reference, build
from homeserver.rooms.receiving.outcome import Accepted, Outcome
from tests.rooms.receiving.island import Island, copy
from tests.support.rooms import create_room, path

ALICE, BOB, CAROL = "@alice:a.test", "@bob:b.test", "@carol:b.test"


class Forger:
    """Alice's server a.test is lied to by b.test, where bob is the liar and carol is honest."""

    def __init__(self, place: Path, version: str) -> None:
        islands: dict[str, Island] = {}
        self.a = islands["a.test"] = Island("a.test", place / "a", islands, 1)
        self.b = islands["b.test"] = Island("b.test", place / "b", islands, 2)
        self.alice, self.bob = self.a.user("alice"), self.b.user("bob")
        self.carol = self.b.user("carol")
        self.room = create_room(self.a.server, self.alice, preset="public_chat", room_version=version, name="ours")
        self.a.admit(self.b, BOB, self.room)
        self.b.server.ok(self.carol.post(path("rooms", self.room, "join")))
        self.both(self.b.stored([self._newest(self.b)]).popitem()[1].event)
        self.count = 0
        self.known: list[str] = []

    def both(self, *events: Event) -> None:
        for event in events:
            assert list(self.a.receive("b.test", [copy(event)]).values()) == [Accepted()]

    def _newest(self, island: Island) -> str:
        return self.ends(island)[-1].event_id

    def ends(self, island: Island | None = None) -> list[Event]:
        island = island or self.a

        async def read() -> list[Event]:
            record = await island.parts.rooms.store.head(self.room)
            assert record is not None
            return [event.event for event in record.extremities]

        return island.server.run(read())

    def state(self, room: str | None = None) -> dict[StateKey, Event]:
        """As alice's server has it."""

        async def read() -> dict[StateKey, Event]:
            record = await self.a.parts.rooms.store.head(room or self.room)
            assert record is not None
            return {event.event.address: event.event for event in await self.a.parts.rooms.states.all(record.root)}

        return self.a.server.run(read())

    def forge(
        self,
        kind: str,
        content: Mapping[str, Any],
        state_key: str | None = None,
        *,
        sender: str = BOB,
        prev: Sequence[Event | Reference] | None = None,
        auth: Sequence[Event | Reference] | None = None,
        depth: int | None = None,
        redacts: str | None = None,
        state: Mapping[StateKey, Event] | None = None,
        room: str | None = None,
        ts: int | None = None,
    ) -> Event:
        version = self.ends()[0].version
        room_id = room or self.room
        self.count += 1
        if auth is None:
            known = self.state(room_id) if state is None else state
            auth = [known[a] for a in needed_state(kind, sender, state_key, content, version) if a in known]
        previous = self.ends() if prev is None else prev
        depth = depth or max((event.depth for event in previous if isinstance(event, Event)), default=0) + 1
        identity = self.b.parts.ground.identity
        now = self.a.server.clock.now_ms() + self.count
        return build(
            Draft(kind, sender, content, state_key, redacts, ts), version=version, room_id=room_id, prev_events=previous, auth_events=auth,
            depth=depth, now_ms=now, server_name="b.test", key=identity.key,
        )  # fmt: skip

    def message(self, body: str, **more: Any) -> Event:
        return self.forge("m.room.message", {"msgtype": "m.text", "body": body}, **more)

    def tell(self, *events: Event) -> list[Outcome]:
        """What alice's server makes of them."""
        outcomes = self.a.receive("b.test", [copy(event) for event in events])
        return [outcomes[event.event_id] for event in events]

    def refused(self, *events: Event, outcome: type[Any] | None = None) -> None:
        """None of it is taken, nothing changes, nobody sees it or builds on it; and what carol says comes through."""
        before = {address: event.event_id for address, event in self.state().items()}
        for found in self.tell(*events):
            assert not isinstance(found, Accepted), found
            assert outcome is None or isinstance(found, outcome), found
        self.count += 1
        control = self.message(f"honest {self.count}", sender=CAROL)
        assert self.tell(control) == [Accepted()]
        after = {address: event.event_id for address, event in self.state().items()}
        assert before == after
        shown = self.shown()
        assert control.event_id in shown
        assert not shown.keys() & {event.event_id for event in events}
        said = self.a.send(self.alice, self.room, f"next {self.count}")
        assert not set(said.prev_events) & {event.event_id for event in events}

    def shown(self) -> dict[str, dict[str, Any]]:
        """What alice sees, by /messages and by /sync."""
        answer = self.a.server.ok(self.alice.get(path("rooms", self.room, "messages"), {"dir": "b", "limit": 200}))
        paged = {event["event_id"]: event for event in answer["chunk"]}
        query = {"filter": '{"room":{"timeline":{"limit":200}}}'}
        room = self.a.server.ok(self.alice.get(path("sync"), query))["rooms"]["join"][self.room]
        return {**paged, **{event["event_id"]: event for event in (*room["timeline"]["events"], *room["state"]["events"])}}
