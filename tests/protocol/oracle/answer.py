"""The other side: runs under the interpreter that has matrix-synapse, reads described rooms as JSON lines and answers with its verdicts.

Auth chains, auth difference and conflicted subgraph are worked out here from their definitions, not by the code that is being tested.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Iterable, Mapping
from typing import Any

from synapse import event_auth  # first, else an import cycle breaks
from synapse.api.errors import SynapseError
from synapse.api.room_versions import KNOWN_ROOM_VERSIONS
from synapse.events import make_event_from_dict
from synapse.state import v1, v2
from synapse.storage.databases.main.event_federation import StateDifference

from tests.protocol.oracle.wire import chosen_id, pdu_of, room_id_of


class Clock:
    async def sleep(self, duration: object) -> None:
        pass


class Room:
    """All events of one room, built one after the other; also the store that the resolution asks."""

    def __init__(self, request: Mapping[str, Any]) -> None:
        self.number = int(request["version"])
        self.version = KNOWN_ROOM_VERSIONS[request["version"]]
        self.ids: dict[str, str] = {}
        self.events: dict[str, Any] = {}
        self.chains: dict[str, set[str]] = {}
        self.room_id = room_id_of(self.number, "$none")
        rejected = set(request["rejected"])
        for described in request["events"]:
            event = self.build(described, "refused" if described["label"] in rejected else None)
            self.ids[described["label"]] = event.event_id
            self.events[event.event_id] = event
            self.chains[event.event_id] = {event.event_id}.union(*(self.chains[cited] for cited in event.auth_event_ids()))
            if described["type"] == "m.room.create":
                self.room_id = room_id_of(self.number, event.event_id)
        self.labels = {event_id: label for label, event_id in self.ids.items()}

    def build(self, described: Mapping[str, Any], rejected: str | None = None) -> Any:
        return make_event_from_dict(pdu_of(described, self.number, self.ids, self.room_id), self.version, rejected_reason=rejected)

    def state(self, labels: Iterable[str]) -> dict[tuple[str, str], str]:
        events = (self.events[self.ids[label]] for label in labels)
        return {(event.type, event.state_key): event.event_id for event in events}

    async def get_events(self, event_ids: Iterable[str], allow_rejected: bool = False) -> dict[str, Any]:
        return {event_id: self.events[event_id] for event_id in event_ids}

    async def get_auth_chain_difference(
        self, room_id: str, state_sets: list[set[str]], conflicted: set[str] | None, reachable: set[str] | None
    ) -> Any:
        chains: list[set[str]] = [set().union(*(self.chains[event_id] for event_id in state)) for state in state_sets]
        difference = chains[0].union(*chains) - chains[0].intersection(*chains)
        subgraph: set[str] | None = None
        if conflicted is not None:
            below = set().union(*(self.chains[event_id] for event_id in conflicted))
            subgraph = {event_id for event_id in below if self.chains[event_id] & conflicted}
        return StateDifference(auth_difference=difference, conflicted_subgraph=subgraph)


async def resolve(room: Room, sets: list[list[str]]) -> list[str] | None:
    """None: it raised; it does so for power levels that name a creator, where a refusal would be right."""
    try:
        return await _resolve(room, sets)
    except SynapseError:
        return None


async def _resolve(room: Room, sets: list[list[str]]) -> list[str]:
    states = [room.state(labels) for labels in sets]
    if room.number == 1:
        resolved = await v1.resolve_events_with_store(room.room_id, room.version, states, None, room.get_events)
    else:
        resolved = await v2.resolve_events_with_store(Clock(), room.room_id, room.version, states, None, room)
    return sorted(room.labels[event_id] for event_id in resolved.values())


def judge(room: Room, described: Mapping[str, Any], state: list[str]) -> str:
    """allow, refuse, crash (an error that is no verdict) or unbuildable."""
    try:
        event = room.build(described)
    except (SynapseError, ValueError, TypeError, KeyError):
        return "unbuildable"
    try:
        event_auth.check_state_dependent_auth_rules(event, [room.events[room.ids[label]] for label in state])
    except SynapseError:
        return "refuse"
    except Exception:
        return "crash"
    return "allow"


async def answer(request: Mapping[str, Any]) -> dict[str, Any]:
    room = Room(request)
    for case in request["judge"]:
        if room.number < 3:
            room.ids[case["event"]["label"]] = chosen_id(case["event"])
    return {
        "ids": room.ids,
        "resolved": [await resolve(room, sets) for sets in request["resolve"]],
        "verdicts": [judge(room, case["event"], case["state"]) for case in request["judge"]],
    }


async def main() -> None:
    logging.disable(logging.CRITICAL)
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(json.dumps(await answer(json.loads(line))).encode() + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(main())
