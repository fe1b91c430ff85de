"""Servers that share rooms without a network: what one asks another is read from the other's store."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from homeserver.protocol.auth_rules import needed_state
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import build, reference_to
from homeserver.rooms.receiving.enter import Entrance
from homeserver.rooms.receiving.peers import StateNames, Subject
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Streams
from homeserver.wiring.parts import Parts
from homeserver.wiring.reaching.receiving import Arrivals, build_receiving
from tests.support.client import Client, run
from tests.support.rooms import path
from tests.support.server import TestServer, make_server, test_config
from tests.support.storage import open_inline_database


class Island:
    """One server, and the ways into it."""

    def __init__(self, name: str, directory: Path, others: Mapping[str, "Island"], seed: int, url: str = "sqlite:///:memory:") -> None:
        directory.mkdir(exist_ok=True)
        self.name = name
        section = test_config(directory).server._replace(name=name)
        streams = Streams()
        database = run(open_inline_database(url, streams))
        self.server: TestServer = make_server(directory, database=database, streams=streams, seed=seed, server=section)
        self.parts: Parts = self.server.server._parts
        self.peers = Peers(others)
        self.arrivals: Arrivals = build_receiving(
            self.parts.ground,
            self.parts.rooms.store,
            self.parts.rooms.states,
            self.parts.rooms.writing,
            self.parts.rooms.policy,
            self.peers,
            self._servers,
            self.parts.rooms.partial,
        )
        self._others = others

    async def _servers(self, room_id: str) -> Sequence[str]:
        return [name for name in self._others if name != self.name]

    def user(self, name: str) -> Client:
        return self.server.user(name)

    def user_id(self, name: str) -> str:
        return f"@{name}:{self.name}"

    def stored(self, event_ids: Collection[str]) -> dict[str, StoredEvent]:
        return self.server.run(self.parts.rooms.store.events(event_ids))

    def send(self, client: Client, room_id: str, text: str) -> Event:
        content = {"msgtype": "m.text", "body": text}
        event_id = self.server.ok(client.put(path("rooms", room_id, "send", "m.room.message", text), content))["event_id"]
        return copy_of(self.stored([event_id])[event_id])

    def set_state(self, client: Client, room_id: str, kind: str, content: Mapping[str, Any], state_key: str = "") -> Event:
        event_id = self.server.ok(client.put(path("rooms", room_id, "state", kind, state_key), content))["event_id"]
        return copy_of(self.stored([event_id])[event_id])

    def receive(self, origin: str, events: Sequence[Event]) -> dict[str, Any]:
        return self.server.run(self.arrivals.receiving.receive([origin], events[0].room_id, events))

    def admit(self, joiner: "Island", user_id: str, room_id: str, *, partly: bool = False) -> Event:
        """Make the join of another server's user, take it in, and give the joining server the room; `partly`: without its members."""
        join, state, chain = self.server.run(self._join(joiner, user_id, room_id))
        self.receive(joiner.name, [join])
        if partly:
            state = [event for event in state if event.type != "m.room.member"]
        servers = [self.name, *self._others] if partly else None
        joiner.server.run(joiner.arrivals.entering.enter(Entrance(join.version, copy(join), state, chain, servers)))
        return join

    async def _join(self, joiner: "Island", user_id: str, room_id: str) -> tuple[Event, list[Event], list[Event]]:
        rooms = self.parts.rooms
        async with rooms.writing.locks.hold(room_id):
            head = await rooms.writing.heads.get(room_id)
            record = await rooms.store.head(room_id)
            assert record is not None
            state = await rooms.states.all(head.root)
            by_address = {event.event.address: event.event for event in state}
            draft = Draft("m.room.member", user_id, {"membership": "join"}, user_id)
            auth = [by_address[a] for a in needed_state(draft.type, user_id, user_id, draft.content, head.version) if a in by_address]
            identity = joiner.parts.ground.identity
            join = build(
                draft, version=head.version, room_id=room_id, prev_events=[reference_to(e.event) for e in record.extremities],
                auth_events=auth, depth=head.depth, now_ms=self.server.clock.now_ms(), server_name=identity.server_name, key=identity.key,
                event_id=f"$join{rooms.store.take_event_num()}:{joiner.name}" if head.version.event_id == "server_chosen" else None,
            )  # fmt: skip
        chain = await chain_of(self, [event.event for event in state])
        return join, [copy_of(event) for event in state], chain


async def chain_of(island: Island, events: Sequence[Event]) -> list[Event]:
    """All that the events are authorised by, directly or not."""
    found: dict[str, Event] = {}
    wanted = {event_id for event in events for event_id in event.auth_events}
    while wanted:
        more = await island.parts.rooms.store.events(wanted)
        found.update((event_id, copy_of(event)) for event_id, event in more.items())
        wanted = {one for event in more.values() for one in event.event.auth_events} - set(found)
    return list(found.values())


def copy_of(stored: StoredEvent) -> Event:
    """As it would come over the network."""
    return copy(stored.event)


def copy(event: Event) -> Event:
    return Event.from_pdu(dict(event.pdu), event_id=event.event_id, room_id=event.room_id, version=event.version)


class Peers:
    """RoomPeers over the stores of other islands. Whoever is not `reachable` has nothing."""

    def __init__(self, islands: Mapping[str, Island]) -> None:
        self._islands = islands
        self.reachable: set[str] | None = None
        self.asked: list[str] = []

    def _of(self, room: Subject, question: str) -> list[Island]:
        self.asked.append(question)
        return [self._islands[name] for name in room.servers if self.reachable is None or name in self.reachable]

    async def missing_events(self, room: Subject, *, earliest: Sequence[str], latest: Sequence[str], limit: int) -> list[Event]:
        for island in self._of(room, "missing_events"):
            found: dict[str, Event] = {}
            wanted = [one for event in (await island.parts.rooms.store.events(latest)).values() for one in event.event.prev_events]
            while wanted and len(found) < limit:
                event_id = wanted.pop(0)
                stored = (await island.parts.rooms.store.events([event_id])).get(event_id)
                if event_id not in earliest and event_id not in found and stored is not None and stored.state_before is not None:
                    found[event_id] = copy_of(stored)
                    wanted += stored.event.prev_events
            return list(found.values())[::-1]
        return []

    async def state_names(self, room: Subject, event_id: str) -> StateNames | None:
        for island in self._of(room, "state_names"):
            stored = (await island.parts.rooms.store.events([event_id])).get(event_id)
            if stored is None or stored.state_before is None:
                continue
            state = await island.parts.rooms.states.all(stored.state_before)
            chain = await chain_of(island, [event.event for event in state])
            return StateNames([event.event_id for event in state], [event.event_id for event in chain])
        return None

    async def state(self, room: Subject, event_id: str) -> list[Event] | None:
        names = await self.state_names(room, event_id)
        return None if names is None else await self.events(room, [*names.state, *names.auth, event_id], around=event_id)

    async def events(self, room: Subject, event_ids: Collection[str], *, around: str) -> list[Event]:
        for island in self._of(room, "events"):
            return [copy_of(event) for event in (await island.parts.rooms.store.events(event_ids)).values()]
        return []

    async def auth_chain(self, room: Subject, event_id: str) -> list[Event]:
        for island in self._of(room, "auth_chain"):
            stored = (await island.parts.rooms.store.events([event_id])).get(event_id)
            return [] if stored is None else await chain_of(island, [stored.event])
        return []

    async def backfill(self, room: Subject, event_ids: Sequence[str], limit: int) -> list[Event]:
        for island in self._of(room, "backfill"):
            found: dict[str, Event] = {}
            wanted = list(event_ids)
            while wanted and len(found) < limit:
                event_id = wanted.pop(0)
                stored = (await island.parts.rooms.store.events([event_id])).get(event_id)
                if stored is not None and stored.state_before is not None and event_id not in found:
                    found[event_id] = copy_of(stored)
                    wanted += stored.event.prev_events
            return list(found.values())
        return []
