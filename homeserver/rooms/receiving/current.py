"""What becomes of a room's current state, its members and counts, when an event of another server or a resolution changes it."""

from collections.abc import Mapping

from homeserver.protocol.event import StateKey
from homeserver.rooms.append import Identity
from homeserver.rooms.head import RoomHead, extremity_of
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import EventCommit, MemberChange, StoredEvent

MEMBER = "m.room.member"

Learnt = Mapping[StateKey, StoredEvent | None]


class CurrentState:
    def __init__(self, *, identity: Identity, states: StateReader) -> None:
        self._identity = identity
        self._states = states

    async def turn(self, head: RoomHead, commit: EventCommit, root: bytes, fresh: Mapping[str, StoredEvent]) -> Learnt:
        """Have the commit make `root` the current state; what stands where it changes. The head is left as it is.

        `fresh`: events that are not stored yet.
        """
        commit.root = root
        if root == head.root:
            return {}
        numbers_come, numbers_gone = await self._states.changes(head.root, root)
        found = {event.num: event for event in (*fresh.values(), commit.event)}
        found.update(await self._states.events({*numbers_come, *numbers_gone}.difference(found)))
        gone = {found[number].event.address: found[number] for number in numbers_gone}
        come = {found[number].event.address: found[number] for number in numbers_come}
        learnt: dict[StateKey, StoredEvent | None] = {**dict.fromkeys(gone), **come}
        commit.current_state = {address: None if event is None else event.num for address, event in learnt.items() if address[0] != MEMBER}
        others = []
        for address, event in learnt.items():
            if address[0] == MEMBER:
                before = gone.get(address)
                change = self._count(commit, address[1], before, event)
                stands = event or before
                if event is commit.event:
                    commit.member = change
                elif stands is not None:
                    others.append((stands, change))
        commit.others = others
        return learnt

    def advance(self, head: RoomHead, commit: EventCommit, learnt: Learnt) -> None:
        """Count the commit."""
        gone = set(commit.extremities_gone)
        kept = tuple(end for end in head.extremities if end.num not in gone)
        head.extremities = (*kept, extremity_of(commit.event)) if commit.becomes_extremity else kept
        if commit.root is not None:
            head.root = commit.root
        head.joined_count += commit.joined_delta
        for address, event in learnt.items():
            head.learn(address, event)

    def _count(self, commit: EventCommit, user_id: str, before: StoredEvent | None, event: StoredEvent | None) -> MemberChange:
        previous = None if before is None else text_of(before, "membership")
        membership = (None if event is None else text_of(event, "membership")) or "leave"
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
            None if event is None else text_of(event, "displayname"),
            None if event is None else text_of(event, "avatar_url"),
        )


def text_of(event: StoredEvent, key: str) -> str | None:
    value = event.content.get(key)
    return value if isinstance(value, str) else None
