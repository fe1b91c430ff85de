"""What another server may see of a room: the one question all its ways in ask.

Client-server API, "Room History Visibility": an event is for a server when it is for one of its users at that event. State that a room was entered with has
no place in the graph; it is for everyone in the room, who could judge nothing without it.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from homeserver.errors import Forbidden
from homeserver.protocol.event import StateKey
from homeserver.protocol.visibility import WORLD_READABLE, effective, server_may_see
from homeserver.rooms.members.erased import ErasedUsers
from homeserver.rooms.servers.members import ServerMembers
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent

VISIBILITY: StateKey = ("m.room.history_visibility", "")
MEMBER = "m.room.member"


class CurrentState(Protocol):
    """A part of `homeserver.rooms.reading.timeline_store.TimelineStore`."""

    async def current_state(self, room_id: str, addresses: Iterable[StateKey]) -> dict[StateKey, StoredEvent]: ...


class ServerHistory:
    def __init__(self, members: ServerMembers, current: CurrentState, states: StateReader, erased: ErasedUsers) -> None:
        self._members = members
        self._current = current
        self._states = states
        self._erased = erased

    async def may_ask(self, server_name: str, room_id: str) -> bool:
        """Whether the server takes part in the room, or everybody may read there."""
        return await self._members.is_in(room_id, server_name) or await self._is_world_readable(room_id)

    async def check(self, server_name: str, room_id: str) -> None:
        """Raises Forbidden, as for a room that does not exist."""
        if not await self.may_ask(server_name, room_id):
            raise Forbidden("Your server is not in this room")

    async def _is_world_readable(self, room_id: str) -> bool:
        current = (await self._current.current_state(room_id, [VISIBILITY])).get(VISIBILITY)
        return current is not None and effective(current.content.get("history_visibility")) == WORLD_READABLE

    async def is_shown(self, server_name: str, event: StoredEvent) -> bool:
        return (await self.are_shown(server_name, event.room_id, [event]))[0]

    async def are_shown(self, server_name: str, room_id: str, events: Sequence[StoredEvent]) -> list[bool]:
        """Of each of the room's events whether the server may see it whole."""
        members = await self._members.of(room_id, server_name)
        takes_part = await self._members.is_in(room_id, server_name)
        roots = list({event.state_before: None for event in events if event.state_before is not None})
        found = dict(zip(roots, await self._states.at_many([(root, [VISIBILITY]) for root in roots]), strict=True))
        return [await self._is_shown(event, members, takes_part, found) for event in events]

    async def _is_shown(
        self, event: StoredEvent, members: Mapping[str, str], takes_part: bool, found: Mapping[bytes, Mapping[StateKey, StoredEvent]]
    ) -> bool:
        root = event.state_before
        if root is None:
            return takes_part and event.state_key is not None
        if self._erased.sent(event):
            return "join" in await self._present(root, members)  # whoever came later is not told
        before = found[root].get(VISIBILITY)
        visibility = None if before is None else before.content.get("history_visibility")
        after = event.content.get("history_visibility", "") if (event.type, event.state_key) == VISIBILITY else None
        if not takes_part:
            return effective(visibility) == WORLD_READABLE or (after is not None and effective(after) == WORLD_READABLE)
        if server_may_see(visibility=visibility, memberships=(), visibility_after=after):
            return True
        becomes = [str(event.content.get("membership"))] if event.type == MEMBER and event.state_key in members else []
        present = await self._present(root, members)
        return server_may_see(visibility=visibility, memberships=present, visibility_after=after, memberships_after=becomes)

    async def _present(self, root: bytes, members: Iterable[str]) -> list[str]:
        """Their memberships in that state."""
        state = await self._states.at(root, [(MEMBER, user_id) for user_id in members])
        return [str(member.content.get("membership")) for member in state.values()]
