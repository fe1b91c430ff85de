"""Forks of a room, made in its own store: state events that do not know of each other, brought together by state resolution.

No client can fork a room, only another server can; this stands where such a server's events would come in.
"""

import time
from collections.abc import Sequence

from homeserver.protocol import state_resolution
from homeserver.protocol.event import Draft, StateKey
from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.head import RoomHead
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.store import EventCommit, StoredEvent
from tests.bench.world import World

TOPIC: StateKey = ("m.room.topic", "")
NAME: StateKey = ("m.room.name", "")


async def fork(world: World, room_id: str, number: int) -> float:
    """Two ends that disagree on the topic, one of which has a new name, too; the room stands on both afterwards. The seconds resolution took."""
    user = world.user(0)

    async def work(lock: RoomLock, head: RoomHead) -> tuple[Sequence[EventCommit], float]:
        appender, states, heads = world.writing.appender, world.states, world.writing.heads
        await heads.learn(head, [TOPIC, NAME])
        before, root, topic, name = head.extremities, head.root, head.get(TOPIC), head.get(NAME)
        first = await appender.append(lock, head, Draft(TOPIC[0], user, {"topic": f"left {number}"}, ""))
        second = await appender.append(lock, head, Draft(NAME[0], user, {"name": f"left {number}"}, ""))
        left_ends, left_root = head.extremities, head.root
        head.extremities, head.root = before, root
        head.learn(TOPIC, topic)
        head.learn(NAME, name)
        third = await appender.append(lock, head, Draft(TOPIC[0], user, {"topic": f"right {number}"}, ""))
        third.extremities_gone = ()
        began = time.process_time()
        winners = await _resolve(world, head.version, [left_root, head.root], [commit.event for commit in (first, second, third)])
        passed = time.process_time() - began
        head.extremities = (*left_ends, *head.extremities)
        head.root, nodes = await states.update(left_root, {address: event.num for address, event in winners.items()})
        third.root, third.nodes = head.root, {**third.nodes, **nodes}
        third.current_state = {address: event.num for address, event in winners.items()}
        for address, event in winners.items():
            head.learn(address, event)
        return [first, second, third], passed

    return await world.writing.sender.change(room_id, work)


async def _resolve(
    world: World, version: RoomVersion, roots: Sequence[bytes], unstored: Sequence[StoredEvent]
) -> dict[StateKey, StoredEvent]:
    """What stands in the end where the states differ. By whole states, as a server does that knows no better."""
    fresh = {event.num: event for event in unstored}
    states: list[dict[StateKey, str]] = []
    known: dict[str, StoredEvent] = {}
    for root in roots:
        numbers = await world.states.all_numbers(root)
        stored = await world.states.events([number for number in numbers if number not in fresh])
        events = [*stored.values(), *(fresh[number] for number in numbers if number in fresh)]
        known.update((event.event_id, event) for event in events)
        states.append({(event.type, event.state_key or ""): event.event_id for event in events})
    resolved = state_resolution.resolve(version, states, {event_id: event.event for event_id, event in known.items()})
    differing = {address for address in resolved if len({state.get(address) for state in states}) > 1}
    return {address: known[resolved[address]] for address in differing}
