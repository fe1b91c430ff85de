"""Simplified sliding sync (MSC4186)."""

from homeserver.ephemeral.presence import Presence
from homeserver.rooms.reading.serve import Viewer
from homeserver.sync.sliding.pos import Pos
from homeserver.sync.sliding.request import SlidingCall, read_question
from homeserver.sync.sliding.respond import MAX_TIMEOUT_MS, SlidingSyncing
from homeserver.web.endpoint import Access, Answer, Rate, Schema, endpoint
from homeserver.web.request import Request

PRESENCE_STATES = ("online", "offline", "unavailable")


class SlidingSyncChapter:
    def __init__(self, syncing: SlidingSyncing, presence: Presence) -> None:
        self._syncing = syncing
        self._presence = presence

    @endpoint(
        "POST",
        "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync",
        access=Access.USER,
        rate=Rate.SYNC,
        body=Schema("client/sliding_sync", optional=True),
    )
    async def sync(self, request: Request) -> Answer:
        caller, pos = request.user, request.text("pos")
        timeout = request.integer("timeout", 0, most=MAX_TIMEOUT_MS)
        state = request.choice("set_presence", PRESENCE_STATES, "online")
        call = SlidingCall(
            Viewer(caller.user_id, caller.device_id),
            Pos.parse(pos) if pos else None,
            timeout,
            read_question(request.body),
            request.raw_body,
        )
        self._presence.seen(caller.user_id, state, caller.device_id, timeout / 1000)
        return await self._syncing.respond(call)
