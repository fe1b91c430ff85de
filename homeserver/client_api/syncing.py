"""GET /sync (client-server API, "Syncing")."""

from homeserver.account_data.filters import Filters
from homeserver.ephemeral.presence import Presence
from homeserver.protocol.filters import Filter
from homeserver.rooms.reading.serve import Viewer
from homeserver.sync.respond import MAX_TIMEOUT_MS, Syncing
from homeserver.sync.scope import SyncQuestion
from homeserver.sync.token import SyncToken
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

PRESENCE_STATES = ("online", "offline", "unavailable")
ALL = Filter()
STATE = b"state"


class SyncChapter:
    def __init__(self, *, syncing: Syncing, filters: Filters, presence: Presence) -> None:
        self._syncing = syncing
        self._filters = filters
        self._presence = presence

    @endpoint("GET", "/_matrix/client/v3/sync", access=Access.GUEST, rate=Rate.SYNC, body=Body.NONE)
    async def sync(self, request: Request) -> Answer:
        caller = request.user
        since = request.text("since")
        timeout = request.integer("timeout", 0, most=MAX_TIMEOUT_MS)
        state_name = _state_name(request)
        state = request.choice("set_presence", PRESENCE_STATES, "online")
        question = SyncQuestion(
            Viewer(caller.user_id, caller.device_id),
            SyncToken.parse(since) if since else None,
            timeout,
            await self._filter(caller.user_id, request.text("filter")),
            full_state=request.flag("full_state"),
            use_state_after=state_name is not STATE,
            state_name=state_name,
        )
        self._presence.seen(caller.user_id, state, caller.device_id, timeout / 1000)
        return await self._syncing.respond(question)

    async def _filter(self, user_id: str, text: str | None) -> Filter:
        if not text:
            return ALL
        return self._filters.inline(text) if text.startswith("{") else await self._filters.get(user_id, text)


def _state_name(request: Request) -> bytes:
    """Under which name state is told: the state before the timeline, or that after it (also by its name of before v1.16, MSC4222)."""
    if request.flag("use_state_after"):
        return b"state_after"
    return b"org.matrix.msc4222.state_after" if request.flag("org.matrix.msc4222.use_state_after") else STATE
