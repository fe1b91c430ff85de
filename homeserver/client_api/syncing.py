"""GET /sync (client-server API, "Syncing")."""

from typing import NamedTuple

from homeserver.account_data.filters import Filters
from homeserver.ephemeral.presence import Presence
from homeserver.protocol.filters import Filter
from homeserver.rooms.reading.serve import Viewer
from homeserver.sync.respond import MAX_TIMEOUT_MS, Syncing
from homeserver.sync.scope import SyncQuestion, plain_limit
from homeserver.sync.token import SyncToken
from homeserver.sync.waiting import Waiting
from homeserver.web.endpoint import Access, Answer, Body, Later, Rate, endpoint
from homeserver.web.percent import without_field
from homeserver.web.request import Request

MAX_REMEMBERED = 5_000  # questions
LONG_QUERY = 1_000  # characters; a longer one is read each time
PRESENCE_STATES = ("online", "offline", "unavailable")
ALL = Filter()
STATE = b"state"


class Asked(NamedTuple):
    """What a client asks again and again, only its token moves on."""

    viewer: Viewer
    timeout_ms: int
    filter: Filter
    full_state: bool
    state_name: bytes
    plain_limit: int
    presence: str


class SyncChapter:
    def __init__(self, *, syncing: Syncing, filters: Filters, presence: Presence) -> None:
        self._syncing = syncing
        self._filters = filters
        self._presence = presence
        self._remembered: dict[tuple[str, str | None, str], Asked] = {}
        self._latest = ("", SyncToken(0))  # a token as text and as what it says

    @endpoint("GET", "/_matrix/client/v3/sync", access=Access.GUEST, rate=Rate.SYNC, body=Body.NONE)
    async def sync(self, request: Request) -> Answer:
        caller = request.user
        since, others = without_field(request.query_text, "since")
        asked = self._remembered.get((caller.user_id, caller.device_id, others))
        if asked is None:
            asked = await self._read(request)
            if since is not None:
                self._remember(others, asked)
        if since is None:
            since = request.text("since")
        viewer, timeout_ms, wanted, full_state, state_name, plain, presence = asked
        self._presence.seen(viewer.user_id, presence, viewer.device_id, timeout_ms / 1000)
        token = self._token(since) if since else None
        question = SyncQuestion(viewer, token, timeout_ms, wanted, full_state, state_name is not STATE, state_name, plain)
        found = await self._syncing.respond(question, request.recheck)
        return Later(found) if isinstance(found, Waiting) else found

    async def _read(self, request: Request) -> Asked:
        caller, timeout_ms = request.user, request.integer("timeout", 0, most=MAX_TIMEOUT_MS)
        wanted = await self._filter(caller.user_id, request.text("filter"))
        return Asked(
            Viewer(caller.user_id, caller.device_id),
            timeout_ms,
            wanted,
            request.flag("full_state"),
            _state_name(request),
            plain_limit(wanted),
            request.choice("set_presence", PRESENCE_STATES, "online"),
        )

    def _token(self, text: str) -> SyncToken:
        """Those who waited for the same thing come back with the same token."""
        if text != self._latest[0]:
            self._latest = (text, SyncToken.parse(text))
        return self._latest[1]

    def _remember(self, others: str, asked: Asked) -> None:
        if len(others) > LONG_QUERY:
            return
        if len(self._remembered) >= MAX_REMEMBERED:
            self._remembered.clear()
        self._remembered[asked.viewer.user_id, asked.viewer.device_id, others] = asked

    async def _filter(self, user_id: str, text: str | None) -> Filter:
        if not text:
            return ALL
        return self._filters.inline(text) if text.startswith("{") else await self._filters.get(user_id, text)


def _state_name(request: Request) -> bytes:
    """Under which name state is told: the state before the timeline, or that after it (also by its name of before v1.16, MSC4222)."""
    if request.flag("use_state_after"):
        return b"state_after"
    return b"org.matrix.msc4222.state_after" if request.flag("org.matrix.msc4222.use_state_after") else STATE
