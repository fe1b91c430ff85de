"""Simplified sliding sync (MSC4186), and the threads that it has no room for (MSC4360)."""

from homeserver.account_data.account_data import AccountData
from homeserver.ephemeral.presence import Presence
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.rooms.reading.place import Place
from homeserver.rooms.reading.serve import Viewer
from homeserver.sync.feed import Feeds
from homeserver.sync.sliding.extensions.threads import DEFAULT_LIMIT, MAX_LIMIT, ThreadQuestion, ThreadUpdates
from homeserver.sync.sliding.pos import Pos
from homeserver.sync.sliding.request import SlidingCall, read_question
from homeserver.sync.sliding.respond import MAX_TIMEOUT_MS, SlidingSyncing
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

PRESENCE_STATES = ("online", "offline", "unavailable")


class SlidingSyncChapter:
    def __init__(self, *, syncing: SlidingSyncing, presence: Presence, threads: ThreadUpdates, feeds: Feeds, ignoring: AccountData) -> None:
        self._syncing = syncing
        self._presence = presence
        self._threads = threads
        self._feeds = feeds
        self._ignoring = ignoring

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
        return await self._syncing.respond(call, request.recheck)

    @endpoint("GET", "/_matrix/client/unstable/io.element.msc4360/thread_updates", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def thread_updates(self, request: Request) -> Answer:
        caller, start, end = request.user, request.text("from"), request.text("to")
        request.choice("dir", ("b",))
        question = ThreadQuestion(
            Viewer(caller.user_id, caller.device_id),
            await self._ignoring.ignored(caller.user_id),
            since=Place.parse(end).position if end else 0,
            until=Place.parse(start).position if start else MAX_INTEGER - 1,
            limit=request.integer("limit", DEFAULT_LIMIT, least=1, most=MAX_LIMIT),
        )
        return await self._threads.page(question, await self._feeds.of(caller.user_id))
