"""One room's summary, for whoever may see it. Client-server API, "GET /room_summary/{roomIdOrAlias}"."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from homeserver.errors import NotFound
from homeserver.rooms.directory.previews import may_preview, may_preview_remote
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.spaces.remote_spaces import RemoteSpaces


class SeenSummary(NamedTuple):
    """`members`: the JSON object without its closing brace; `membership`: the user's, "leave" when there never was one."""

    members: bytes
    encryption: str | None
    version: str | None
    membership: str


class RoomSummaries:
    """Summaries of this server's rooms, and of others by asking around."""

    def __init__(self, summaries: Summaries, members: MemberStore, spaces: RemoteSpaces) -> None:
        self._summaries = summaries
        self._members = members
        self._spaces = spaces

    async def get(self, user_id: str | None, room_id: str, servers: Sequence[str]) -> SeenSummary:
        """M_NOT_FOUND for a room that is unknown or not to be seen; `user_id` is None for a caller without an account."""
        member = None if user_id is None else await self._members.member(room_id, user_id)
        membership = None if member is None else member.membership
        summary = await self._summaries.get(room_id)
        if summary is not None and (summary.local_members or not summary.members):
            if may_preview(summary, membership, await self._joined(user_id, summary.join_rule)):
                return SeenSummary(summary.full, summary.encryption, summary.version.identifier, membership or "leave")
            raise NotFound("Room not found")
        answer = await self._spaces.get(room_id, servers, suggested_only=False)
        if answer is None or not may_preview_remote(
            answer.room.chunk, membership, await self._joined(user_id, answer.room.chunk.get("join_rule"))
        ):
            raise NotFound("Room not found")
        chunk = answer.room.chunk
        return SeenSummary(orjson.dumps(dict(chunk))[:-1], chunk.get("encryption"), chunk.get("room_version"), membership or "leave")

    async def _joined(self, user_id: str | None, join_rule: str | None) -> list[str]:
        """The user's rooms, where the rule asks for them."""
        return [] if user_id is None or join_rule != "restricted" else await self._members.joined_rooms(user_id)
