"""One request as an endpoint sees it: parsed once, lazily where it may not be needed."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from homeserver.errors import InvalidParam, MissingParam
from homeserver.web.endpoint import Caller, Rate
from homeserver.web.percent import parse_query


class BodyReader(Protocol):
    """A body that is still arriving. Reading lets more of it come; a slow reader slows the client down."""

    declared: int | None  # Content-Length, None for a chunked body
    limit: int  # more bytes than this raise TooLarge (M_TOO_LARGE)

    async def read(self) -> bytes:
        """The next piece, b"" at the end; raises TooLarge, or Unavailable when the client has gone."""


class Charging(Protocol):
    def charge(self, rate: Rate, caller: Caller | None, address: str) -> None:
        """Raises LimitExceeded."""


class Request:
    """`body` is the parsed JSON (a dict for Body.OBJECT and Schema), `raw_body` the bytes as they came.

    With Body.STREAM the endpoint reads `reader` instead. `abandoned` is set before a waiting request is cancelled because its client has gone
    or the server stops.
    """

    __slots__ = (
        "_query",
        "abandoned",
        "body",
        "caller",
        "headers",
        "limiter",
        "method",
        "path",
        "peer",
        "query_text",
        "raw_body",
        "reader",
        "received_ms",
        "recheck",
        "remote_ip",
        "request_id",
        "route",
        "waits",
    )

    def __init__(self, method: str, path: str, query_text: str, headers: dict[str, str], raw_body: bytes, remote_ip: str) -> None:
        self.method = method
        self.path = path  # still percent-encoded
        self.query_text = query_text  # as it came, without the question mark
        self._query: dict[str, list[str]] | None = None
        self.headers = headers  # lower-case names
        self.raw_body = raw_body
        self.reader: BodyReader | None = None
        self.remote_ip = remote_ip
        self.body: Any = None
        self.caller: Caller | None = None
        self.peer: str | None = None  # the server that signed the request
        self.request_id = ""
        self.received_ms = 0
        self.route = ""  # the path as declared
        self.waits = False  # a long poll: it may be cancelled at any time
        self.recheck: Callable[[], Awaitable[None]] = _unchecked  # of a long poll: raises if the caller is no longer let in
        self.abandoned = False
        self.limiter: Charging | None = None

    def charge(self, rate: Rate) -> None:
        """Take a token of another rate beside the one that the endpoint declares; raises LimitExceeded."""
        if self.limiter is not None:
            self.limiter.charge(rate, self.caller, self.remote_ip)

    @property
    def user(self) -> Caller:
        """The caller, for endpoints whose access makes sure there is one."""
        if self.caller is None:
            raise RuntimeError("endpoint without a caller")
        return self.caller

    @property
    def query(self) -> dict[str, list[str]]:
        """All query parameters in order of appearance."""
        if self._query is None:
            self._query = parse_query(self.query_text)
        return self._query

    def text(self, name: str) -> str | None:
        """The first value of a query parameter."""
        values = self.query.get(name)
        return values[0] if values else None

    def required(self, name: str) -> str:
        """The first value; M_MISSING_PARAM when absent."""
        value = self.text(name)
        if value is None:
            raise MissingParam(f"The query parameter {name} is required")
        return value

    def integer(self, name: str, default: int, *, least: int = 0, most: int = 2**53 - 1) -> int:
        """An integer; M_INVALID_PARAM for what is none or is below `least`; cut to `most`."""
        value = self.text(name)
        if value is None:
            return default
        if not (value.isascii() and value.removeprefix("-").isdigit() and len(value) < 20) or int(value) < least:
            raise InvalidParam(f"{name} must be an integer of at least {least}")
        return min(int(value), most)

    def flag(self, name: str, default: bool = False) -> bool:
        """true or false; M_INVALID_PARAM otherwise."""
        value = self.text(name)
        if value is None:
            return default
        if value not in ("true", "false"):
            raise InvalidParam(f"{name} must be true or false")
        return value == "true"

    def choice(self, name: str, choices: tuple[str, ...], default: str | None = None) -> str:
        """One of the given words; M_INVALID_PARAM otherwise, M_MISSING_PARAM when absent without a default."""
        value = self.text(name)
        if value is None:
            if default is None:
                raise MissingParam(f"The query parameter {name} is required")
            return default
        if value not in choices:
            raise InvalidParam(f"{name} must be one of {', '.join(choices)}")
        return value


async def _unchecked() -> None:
    """Nobody came in by a token."""
