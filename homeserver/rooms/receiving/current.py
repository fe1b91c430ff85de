"""What becomes of a room's current state, its members and counts, when an event of another server or a resolution changes it."""

from collections.abc import Mapping, Sequence
from typing import Any

from homeserver.clock import Clock
from homeserver.protocol.event import StateKey
from homeserver.rooms.append import Identity
from homeserver.rooms.head import RoomHead, extremity_of
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import PARTIAL, EventCommit, MemberChange, StoredEvent

MEMBER = "m.room.member"
AT_ONCE = 250  # events looked at before others have their turn

Learnt = Mapping[StateKey, StoredEvent | None]


class CurrentState:
    def __init__(self, *, identity: Identity, states: StateReader, clock: Clock) -> None:
        self._identity = identity
        self._states = states
        self._clock = clock

    async def turn(self, head: RoomHead, commit: EventCommit, root: bytes, fresh: Mapping[str, StoredEvent]) -> Learnt:
        """Have the commit make `root` the current state; what stands where it changes. The head is left as it is.

        `fresh`: events that are not stored yet.
        """
        commit.root = root
        if root == head.root:
            return {}
        numbers_come, numbers_gone = await self._states.changes(head.root, root)
        found = {event.num: event for event in (*fresh.values(), commit.event)}
        gone = await self._addressed(numbers_gone, found)
        come = await self._addressed(numbers_come, found)
        learnt: dict[StateKey, StoredEvent | None] = {**dict.fromkeys(gone), **come}
        commit.current_state = {address: None if event is None else event.num for address, event in learnt.items() if address[0] != MEMBER}
        await self._change_members(commit, gone, learnt)
        return learnt

    async def _addressed(self, numbers: Sequence[int], found: Mapping[int, StoredEvent]) -> dict[StateKey, StoredEvent]:
        """Those events, by what they stand for. `found`: what need not be loaded."""
        addressed: dict[StateKey, StoredEvent] = {}
        for start in range(0, len(numbers), AT_ONCE):
            if start:
                await self._clock.sleep(0)
            some = numbers[start : start + AT_ONCE]
            loaded = await self._states.events([number for number in some if number not in found])
            for number in some:
                event = found[number] if number in found else loaded[number]
                addressed[event.type, event.state_key or ""] = event
        return addressed

    async def _change_members(self, commit: EventCommit, gone: Mapping[StateKey, StoredEvent], learnt: Learnt) -> None:
        others = []
        for number, (address, event) in enumerate(learnt.items(), start=1):
            if number % AT_ONCE == 0:
                await self._clock.sleep(0)
            if address[0] != MEMBER:
                continue
            before = gone.get(address)
            change = self._count(commit, address[1], before, event)
            stands = event or before
            if event is commit.event:
                commit.member = change
            elif stands is not None:
                others.append((stands, change))
        commit.others = others

    def advance(self, head: RoomHead, commit: EventCommit, learnt: Learnt) -> None:
        """Count the commit."""
        gone = set(commit.extremities_gone)
        kept = tuple(end for end in head.extremities if end.num not in gone)
        head.extremities = (*kept, extremity_of(commit.event)) if commit.becomes_extremity else kept
        if commit.root is not None:
            head.root = commit.root
        if commit.event.flags & PARTIAL:
            head.is_partial = True
        head.joined_count += commit.joined_delta
        for address, event in learnt.items():
            head.learn(address, event)

    def _count(self, commit: EventCommit, user_id: str, before: StoredEvent | None, event: StoredEvent | None) -> MemberChange:
        content = {} if event is None else event.content
        previous = None if before is None else text_of(before, "membership")
        membership = _text(content, "membership") or "leave"
        is_local = self._identity.is_local(user_id)
        joined = (membership == "join") - (previous == "join")
        commit.joined_delta += joined
        commit.invited_delta += (membership == "invite") - (previous == "invite")
        commit.local_joined_delta += joined if is_local else 0
        shown = event or before
        return MemberChange(
            user_id,
            membership,
            previous,
            user_id if shown is None else shown.sender,
            is_local,
            _text(content, "displayname"),
            _text(content, "avatar_url"),
        )


def text_of(event: StoredEvent, key: str) -> str | None:
    return _text(event.content, key)


def _text(content: Mapping[str, Any], key: str) -> str | None:
    value = content.get(key)
    return value if isinstance(value, str) else None
