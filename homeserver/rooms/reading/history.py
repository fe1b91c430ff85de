"""What a user may see of a room: the one question every way out asks (client-server API, "Room History Visibility").

The common case, a joined member and events since the join, is answered from positions alone; all else looks at the state at each event.
"""

from collections.abc import Sequence
from typing import NamedTuple

from homeserver.errors import Forbidden
from homeserver.protocol.event import StateKey
from homeserver.protocol.visibility import WORLD_READABLE, effective, may_see
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.members.erased import ErasedUsers, emptied
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord, StoredEvent

VISIBILITY: StateKey = ("m.room.history_visibility", "")


class Seen(NamedTuple):
    """An event a user may see, and the user's membership at it ("leave" where there was none yet; None: not to be told)."""

    event: StoredEvent
    membership: str | None


class HistoryReads:
    """Whose memberships and which current state `History` looks at."""

    def __init__(self, members: MemberStore, timelines: TimelineStore) -> None:
        self.member = members.member
        self.current_state = timelines.current_state


class History:
    """Judges what may be seen."""

    def __init__(self, store: HistoryReads, states: StateReader, erased: ErasedUsers) -> None:
        self._store = store
        self._states = states
        self._erased = erased

    async def visible(self, user_id: str, room_id: str, events: Sequence[StoredEvent]) -> list[Seen]:
        """Those of the room's events that the user may see, in the given order."""
        return await self.visible_to(user_id, await self._store.member(room_id, user_id), events)

    async def retrievable(self, user_id: str, event: StoredEvent) -> Seen | None:
        """The event, if the user may see it and has not forgotten the room, where that is not open to everyone."""
        member = await self._store.member(event.room_id, user_id)
        seen = await self.visible_to(user_id, member, [event])
        if not seen or (member is not None and member.forgotten and not await self._is_world_readable(event.room_id)):
            return None
        return seen[0]

    async def visible_to(self, user_id: str, member: MemberRecord | None, events: Sequence[StoredEvent]) -> list[Seen]:
        """As `visible`, where the caller has the membership at hand."""
        since = member.joined_position if member is not None and member.membership == "join" else None
        if since is not None and all(event.position is not None and event.position >= since for event in events):
            return [Seen(event, "join") for event in events if event.is_shown]
        return await self._judge(user_id, member, [event for event in events if event.is_shown], since)

    async def may_read(self, user_id: str | None, room_id: str) -> MemberRecord | None:
        """Whether the user may read in the room at all: a present member, a past one who has not forgotten it, or anyone where it is
        world readable.

        The membership, if any; M_FORBIDDEN otherwise, as for a room that does not exist.
        """
        member = None if user_id is None else await self._store.member(room_id, user_id)
        if member is not None and member.forgotten:
            member = None
        if member is not None and (member.membership == "join" or (member.membership in ("leave", "ban") and member.joined_position)):
            return member
        if await self._is_world_readable(room_id):
            return member
        raise Forbidden("You are not in this room")

    async def _is_world_readable(self, room_id: str) -> bool:
        current = (await self._store.current_state(room_id, [VISIBILITY])).get(VISIBILITY)
        return current is not None and effective(current.content.get("history_visibility")) == WORLD_READABLE

    async def _judge(self, user_id: str, member: MemberRecord | None, events: list[StoredEvent], since: int | None) -> list[Seen]:
        own: StateKey = ("m.room.member", user_id)
        last_join = None if member is None else member.joined_position
        at: dict[bytes, dict[StateKey, StoredEvent]] = {}
        seen = []
        for event in events:
            if since is not None and event.position is not None and event.position >= since:
                seen.append(Seen(event, "join"))
                continue
            root = event.state_before
            if root is None:
                continue
            if root not in at:
                at[root] = await self._states.at(root, [VISIBILITY, own])
            state = at[root]
            before, visibility = state.get(own), state.get(VISIBILITY)
            membership = None if before is None else before.content.get("membership")
            is_own = event.type == "m.room.member" and event.state_key == user_id
            after = event.content.get("membership") if is_own else None
            allowed = may_see(
                visibility=None if visibility is None else visibility.content.get("history_visibility"),
                membership=membership,
                joined_since=last_join is not None and event.position is not None and last_join > event.position,
                visibility_after=event.content.get("history_visibility", "") if _sets_visibility(event) else None,
                membership_after=after,
            )
            if allowed:
                shown = emptied(event) if self._erased.hides(event, membership, since) else event
                seen.append(Seen(shown, after or membership or "leave"))
        return seen


def _sets_visibility(event: StoredEvent) -> bool:
    return event.type == VISIBILITY[0] and event.state_key == ""
