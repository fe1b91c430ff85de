"""Two states of a large room resolved: how long it takes, and the longest stretch for which nobody else has a turn. In CPU seconds, without the database.

python -m tests.bench.large_forks [MEMBERS]
"""

import gc
import sys
import time
from collections.abc import Iterable
from typing import Any

from twisted.internet.defer import Deferred, succeed

from homeserver.protocol import event_bytes
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import ROOM_VERSIONS, RoomVersion
from homeserver.rooms import state_map
from homeserver.rooms.receiving.resolve import Resolver
from homeserver.rooms.state_map import AddressHash
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Streams
from tests.support.client import run
from tests.support.clock import FakeClock

ALICE = "@alice:a.test"


class Turns(FakeClock):
    """Notes how long each stretch of work was."""

    def __init__(self) -> None:
        super().__init__()
        self.began = time.process_time()
        self.stretches: list[float] = []

    def monotonic(self) -> float:
        return time.monotonic()

    def sleep(self, seconds: float) -> Deferred[None]:
        self.end()
        self.begin()
        return succeed(None)

    def end(self) -> None:
        self.stretches.append(time.process_time() - self.began)

    def begin(self) -> None:
        self.began = time.process_time()


class Room:
    """Its events, and as much of RoomStore as resolution asks. What the store does is done by threads elsewhere, and not counted."""

    def __init__(self, version: RoomVersion, turns: Turns) -> None:
        self.version = version
        self.id = "!" + "c" * 43
        self._turns = turns
        self._events: list[tuple[Event, bytes, bytes]] = []
        self._by_id: dict[str, int] = {}
        self.bodies: dict[bytes, bytes] = {}

    def add(self, type: str, sender: str, key: str, content: dict[str, Any], *cited: Event) -> Event:
        num, hashed = len(self._events), self.version.room_id_is_create_hash
        pdu = {
            "type": type, "sender": sender, "state_key": key, "content": content, "origin_server_ts": num, "depth": num + 1, "prev_events": [],
            "auth_events": [event.event_id for event in cited if not (hashed and event.type == "m.room.create")], "room_id": self.id,
            "hashes": {"sha256": "x" * 43}, "signatures": {"a.test": {"ed25519:a": "y" * 86}},
        }  # fmt: skip
        if hashed and not num:
            del pdu["room_id"]
        event = Event.from_pdu(pdu, event_id=f"${num:043d}" if num else "$" + "c" * 43, room_id=self.id, version=self.version)
        self._events.append((event, *event_bytes.split(event)))
        self._by_id[event.event_id] = num
        return event

    def _stored(self, num: int) -> StoredEvent:
        event, body, links = self._events[num]
        return StoredEvent(
            num, 1, num, num, 0, 0, event.origin_server_ts, event.type, event.sender, event.state_key, event.event_id, None, None, None,
            None, body, links, self.id, self.version,
        )  # fmt: skip

    def root(self, address_hash: AddressHash, state: dict[StateKey, Event]) -> bytes:
        entries = {address_hash(*address): self._by_id[event.event_id] for address, event in state.items()}
        root, bodies = state_map.update(state_map.EMPTY, entries, {})
        self.bodies.update(bodies)
        return root

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
        self._turns.end()
        found = {event_id: self._stored(self._by_id[event_id]) for event_id in event_ids}
        self._turns.begin()
        return found

    async def events_by_num(self, nums: Iterable[int]) -> dict[int, StoredEvent]:
        self._turns.end()
        found = {num: self._stored(num) for num in nums}
        self._turns.begin()
        return found

    async def nodes(self, node_ids: Iterable[bytes]) -> dict[bytes, bytes]:
        return {node: self.bodies[node] for node in node_ids}


def forks(room: Room, members: int, kind: str) -> list[dict[StateKey, Event]]:
    """Two states that differ in every member: in the one all have a new name, in the other another one, or have been kicked."""
    create = room.add("m.room.create", ALICE, "", {"room_version": room.version.identifier, "creator": ALICE})
    alice = room.add("m.room.member", ALICE, ALICE, {"membership": "join"}, create)
    users = {} if room.version.room_id_is_create_hash else {ALICE: 100}
    levels = room.add("m.room.power_levels", ALICE, "", {"users": users}, create, alice)
    rules = room.add("m.room.join_rules", ALICE, "", {"join_rule": "public"}, create, alice, levels)
    left = {event.address: event for event in (create, alice, levels, rules)}
    right = dict(left)
    for number in range(members):
        user = f"@user{number}:server{number % 500}.test"
        join = room.add("m.room.member", user, user, {"membership": "join"}, create, levels, rules)
        named = [create, levels, rules, join]
        left[join.address] = room.add("m.room.member", user, user, {"membership": "join", "displayname": f"left {number}"}, *named)
        if kind == "kicks":
            right[join.address] = room.add("m.room.member", ALICE, user, {"membership": "leave"}, create, levels, alice, join)
        else:
            right[join.address] = room.add("m.room.member", user, user, {"membership": "join", "displayname": f"right {number}"}, *named)
    return [left, right]


def measure(version: RoomVersion, members: int, kind: str) -> str:
    turns, address_hash = Turns(), AddressHash(b"0123456789abcdef")
    room = Room(version, turns)
    roots = [room.root(address_hash, state) for state in forks(room, members, kind)]
    states = StateReader(room, address_hash, Streams(), turns)  # type: ignore[arg-type]
    resolver = Resolver(store=room, states=states, clock=turns)  # type: ignore[arg-type]
    gc.collect()
    gc.freeze()
    gc.disable()
    turns.begin()
    run(resolver.resolve(version, roots, {}))
    turns.end()
    return f"version {version.identifier}, {members} {kind}: {sum(turns.stretches):.2f} s, the longest stretch {max(turns.stretches) * 1000:.0f} ms"


def main() -> None:
    members = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    for version in ("6", "11", "12"):
        for kind in ("names", "kicks"):
            sys.stdout.write(measure(ROOM_VERSIONS[version], members, kind) + "\n")


if __name__ == "__main__":
    main()
