"""How many messages a user has not read, over all his rooms."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.store import MemberRecord
from homeserver.streams import Streams


class Counting(Protocol):
    async def counts(self, user_id: str, rooms: Sequence[Any], /) -> Sequence[dict[str | None, list[int]]]:
        """For each room: thread → [notifications, highlights]."""


class _Place(NamedTuple):
    room_id: str
    member: MemberRecord
    until: int


class Badges:
    def __init__(self, counting: Counting, members: MemberStore, streams: Streams) -> None:
        self._counting = counting
        self._members = members
        self._streams = streams

    async def unread(self, user_id: str) -> int:
        return sum(await self._counts(user_id, await self._members.memberships_of(user_id, ("join",))))

    async def unread_in(self, user_id: str, room_id: str) -> int:
        """0 also where the user is not joined any more."""
        member = await self._members.member(room_id, user_id)
        return 0 if member is None or member.membership != "join" else sum(await self._counts(user_id, [member]))

    async def _counts(self, user_id: str, members: Sequence[MemberRecord]) -> list[int]:
        until = self._streams.position
        counted = await self._counting.counts(user_id, [_Place(member.room_id, member, until) for member in members])
        return [count[0] for counts in counted for count in counts.values()]
