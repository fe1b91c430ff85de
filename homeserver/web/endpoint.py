"""Endpoints declare themselves: method, path, who may call, how often, what body. No defaults: a forgotten one does not start.

    class Sending:
        def __init__(self, sender: RoomSender) -> None: ...

        @endpoint("PUT", "/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}",
                  access=Access.USER, rate=Rate.MESSAGE, body=Body.OBJECT)
        async def send(self, request: Request, room_id: RoomId, event_type: str, txn_id: str) -> Answer: ...

Path parameters arrive percent-decoded, by keyword; the names room_id, user_id, event_id, room_alias and server_name are parsed into the
identifier types of `protocol.ids` (M_INVALID_PARAM otherwise). A path may be declared several times (decorators stack) for old names.
"""

import enum
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, NamedTuple, Protocol, TypeVar

from twisted.internet.defer import Deferred


class Access(enum.Enum):
    """Who may call. All but NONE resolve the access token; errors are M_MISSING_TOKEN, M_UNKNOWN_TOKEN, M_USER_LOCKED …"""

    NONE = "none"
    OPTIONAL = "optional"  # request.caller may be None
    REGISTERING = "registering"  # the same; an application service calls as itself, for the user whom it names is yet to be made
    GUEST = "guest"  # any account, guests too
    USER = "user"  # no guests: M_GUEST_ACCESS_FORBIDDEN
    LOCKED = "locked"  # any account, also a locked one (logout)
    ADMIN = "admin"
    APPSERVICE = "appservice"
    PEER = "peer"  # signed by another homeserver


class Rate(enum.Enum):
    """Which bucket pays (config section rate_limits has one line each)."""

    NONE = "none"
    READ = "read"
    WRITE = "write"
    MESSAGE = "message"
    JOIN = "join"
    INVITE = "invite"
    CREATE_ROOM = "create_room"
    REGISTER = "register"
    LOGIN = "login"
    REPORT = "report"
    SYNC = "sync"


class Body(enum.Enum):
    """What the body is when no schema says more."""

    NONE = "none"  # ignored
    OBJECT = "object"  # a JSON object is required
    OPTIONAL_OBJECT = "optional_object"  # an empty body counts as {}
    STREAM = "stream"  # raw bytes, up to the media limit


class Schema(NamedTuple):
    """A JSON object checked by schema/json/<name>.json, compiled at start."""

    name: str
    optional: bool = False  # an empty body counts as {}


class Caller(NamedTuple):
    """Who a token belongs to."""

    user_id: str
    device_id: str | None
    token_id: int  # 0 for an application service
    is_guest: bool = False
    is_admin: bool = False
    appservice: str | None = None  # ID of the application service that calls
    locked: bool = False
    suspended: bool = False
    unlimited: bool = False  # no rate limit applies: an application service that says so, an administrator's exemption


NO_HEADERS: Final[Mapping[str, str]] = MappingProxyType({})


class Reply:
    """A whole answer where a dict or ready JSON bytes do not say enough.

    `body`: a dict or list is JSON, bytes go as they are, an async iterator of bytes is streamed (`length` says how many, if known).
    """

    __slots__ = ("body", "content_type", "headers", "length", "status")

    def __init__(
        self,
        body: Any = None,
        status: int = 200,
        headers: Mapping[str, str] = NO_HEADERS,
        content_type: str = "application/json",
        length: int | None = None,
    ) -> None:
        self.body = body
        self.status = status
        self.headers = headers
        self.content_type = content_type
        self.length = length

    def __repr__(self) -> str:
        return f"<Reply {self.status} {self.content_type}>"


class Waiting(Protocol):
    """Whoever waits in an endpoint's stead."""

    def then(self, tell: Callable[[bytes | Exception], None]) -> None:
        """`tell` is called once, not before this has returned, with ready JSON or with what an endpoint would raise."""

    def cancel(self) -> None:
        """Tell CancelledError, unless it was told already."""


class Later:
    """In place of an answer that is yet to come: nothing runs for the request until then."""

    __slots__ = ("_end", "_tell", "_waiting")

    def __init__(self, waiting: Waiting) -> None:
        self._waiting = waiting
        self._end: Callable[[bytes | Exception], Reply] | None = None
        self._tell: Callable[[Reply], None] | None = None

    def end_with(self, end: Callable[[bytes | Exception], Reply]) -> None:
        """What makes a Reply of what was told."""
        self._end = end

    def then(self, tell: Callable[[Reply], None]) -> None:
        self._tell = tell
        self._waiting.then(self._come)

    def cancel(self) -> None:
        self._waiting.cancel()

    def reply(self) -> Deferred[Reply]:
        """For who can wait for it."""
        told: Deferred[Reply] = Deferred(lambda _: self.cancel())
        self.then(told.callback)
        return told

    def _come(self, answer: bytes | Exception) -> None:
        end, tell = self._end, self._tell
        self._end = self._tell = None  # they lead back here
        if end is not None and tell is not None:
            tell(end(answer))


# A dict is JSON with 200; bytes are ready JSON with 200.
Answer = dict[str, Any] | bytes | Reply | Later

F = TypeVar("F", bound=Callable[..., Awaitable[Answer]])


class Declaration(NamedTuple):
    method: str
    path: str
    access: Access
    rate: Rate
    body: Body | Schema


def endpoint(method: str, path: str, *, access: Access, rate: Rate, body: Body | Schema) -> Callable[[F], F]:
    """Mark the method as serving that path; `web.dispatch` collects the marks from the objects it is given."""
    declaration = Declaration(method, path, access, rate, body)

    def mark(function: F) -> F:
        declared: list[Declaration] = function.__dict__.setdefault("declarations", [])
        declared.insert(0, declaration)
        return function

    return mark
