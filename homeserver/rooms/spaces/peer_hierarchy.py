"""A space and its children as another server may see them. Server-server API, "GET /hierarchy/{roomId}"."""

import orjson

from homeserver.errors import NotFound
from homeserver.rooms.directory.previews import may_join
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.directory.summary import Summary
from homeserver.rooms.servers.members import ServerMembers
from homeserver.rooms.spaces.hierarchy import space_chunk, suggested

MAX_CHILDREN = 500


class PeerHierarchy:
    """Answers other servers; they filter for their user."""

    def __init__(self, summaries: Summaries, members: ServerMembers) -> None:
        self._summaries = summaries
        self._members = members

    async def page(self, server: str, room_id: str, suggested_only: bool) -> bytes:
        """The answer as JSON; M_NOT_FOUND for a room that the server may not see."""
        summary = await self._summaries.get(room_id)
        if summary is None or not summary.local_members or not await self._may_see(summary, server):
            raise NotFound("Unknown room, or not to be seen from your server")
        children = suggested(await self._summaries.children(room_id), suggested_only) if summary.is_space else ()
        shown: list[bytes] = []
        hidden: list[str] = []
        for child in children[:MAX_CHILDREN]:
            found = await self._summaries.get(child.room_id)
            if found is None or not found.local_members:
                continue
            if await self._may_see(found, server):
                shown.append(found.full + b"}")
            else:
                hidden.append(child.room_id)
        room = space_chunk(summary, children)
        return b'{"room":' + room + b',"children":[' + b",".join(shown) + b'],"inaccessible_children":' + orjson.dumps(hidden) + b"}"

    async def _may_see(self, summary: Summary, server: str) -> bool:
        if summary.world_readable or may_join(summary, ()) or await self._is_in(summary.room_id, server):
            return True
        if summary.join_rule != "restricted" or not summary.version.restricted_joins:
            return False
        for room_id in summary.allowed_rooms:
            if await self._is_in(room_id, server):
                return True
        return False

    async def _is_in(self, room_id: str, server: str) -> bool:
        """Whether a user of that server is joined or invited."""
        memberships = (await self._members.of(room_id, server)).values()
        return "join" in memberships or "invite" in memberships
