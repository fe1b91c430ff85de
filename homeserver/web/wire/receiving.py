"""From bytes to requests: the callbacks of httptools, and what that parser leaves open made strict (RFC 9112, sections 3, 5, 6).

Refused with 400 and the end of the connection: a second Host, Content-Length, Transfer-Encoding or Authorization, both of Content-Length and
Transfer-Encoding, a coding other than chunked, HTTP/1.1 without Host, a target that is no path.
"""

from collections.abc import Callable

import httptools

from homeserver.web.rate_limit import TrustedProxies
from homeserver.web.request import Request
from homeserver.web.wire.arriving import ArrivingBody
from homeserver.web.wire.exchange import Exchange
from homeserver.web.wire.limits import WireLimits

_FIELD_OVERHEAD = 32
_ONCE = frozenset({"authorization", "content-length", "content-type", "expect", "host", "transfer-encoding"})
_SPELLINGS = (
    *(
        "Accept",
        "Accept-Encoding",
        "Accept-Language",
        "Authorization",
        "Cache-Control",
        "Connection",
        "Content-Length",
        "Content-Type",
        "Expect",
    ),
    *(
        "Host",
        "Origin",
        "Referer",
        "Transfer-Encoding",
        "User-Agent",
        "X-Forwarded-For",
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Real-IP",
    ),
)
_NAMES = {spelling.encode(): name.lower() for name in _SPELLINGS for spelling in (name, name.lower())}
_METHODS = {name.encode(): name for name in ("GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH")}

_HEAD_TOO_LARGE = (431, "The head of the request is too large", "M_TOO_LARGE")

IDLE, HEAD, BODY = range(3)


class Refused(Exception):
    """The request cannot be read; the connection ends with this answer."""

    def __init__(self, status: int, message: str, errcode: str = "M_UNKNOWN") -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errcode = errcode


class Enough(Exception):
    """Nothing after this request is read."""


class _RestOfBody:
    """The body of a request that offered to switch protocols: the parser has left it alone, a second one reads it."""

    def __init__(self, receiver: "Receiver") -> None:
        self.on_body = receiver.on_body
        self._receiver = receiver

    def on_message_complete(self) -> None:
        self._receiver.on_message_complete()
        raise Enough


class Receiver:
    """Reads one connection. Requests go to `take`: small ones whole, others when their head is there."""

    __slots__ = (
        "_exchange",
        "_fields",
        "_hold",
        "_invite",
        "_left",
        "_limits",
        "_parser",
        "_pieces",
        "_progress",
        "_proxies",
        "_remote_ip",
        "_silent",
        "_take",
        "_target",
        "_upgraded",
        "stage",
    )

    def __init__(
        self,
        limits: WireLimits,
        proxies: TrustedProxies,
        remote_ip: str,
        take: Callable[[Exchange], None],
        hold: Callable[[bool], None],
        invite: Callable[[], None],
    ) -> None:
        self._limits = limits
        self._proxies = proxies
        self._remote_ip = remote_ip
        self._take = take
        self._hold = hold
        self._invite = invite
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._fields: dict[str, str] = {}
        self._left = limits.head_bytes
        self._pieces: list[bytes] = []
        self._exchange: Exchange | None = None  # whose body is arriving
        self._upgraded = False
        self._progress = False
        self._silent = 0  # bytes since the last progress: a head in pieces, chunk extensions, trailers
        self.stage = IDLE

    @property
    def arriving(self) -> ArrivingBody | None:
        """The body that is read by its endpoint while it comes."""
        return self._exchange.body if self._exchange is not None else None

    def feed(self, data: bytes) -> bool:
        """Whether there was progress. Raises Refused or Enough; after that nothing may be fed."""
        self._progress = False
        rest = data
        while rest:
            rest = self._parse(rest)
        if self._progress:
            self._silent = 0
        else:
            self._silent += len(data)
            if self._silent > self._limits.head_bytes:
                raise Refused(*_HEAD_TOO_LARGE)
        return self._progress

    def _parse(self, data: bytes) -> bytes:
        """What the parser left: it stops where a client offers to switch protocols."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as switch:
            self._decline_switch()
            return data[switch.args[0] :]
        except httptools.HttpParserError as error:
            cause = error.__context__
            if isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
                raise cause from None
            raise Refused(400, "This is not HTTP") from error
        return b""

    def _decline_switch(self) -> None:
        """Read on as if nothing had been offered. The parser skipped the body, if there is one; then this request is the last."""
        exchange, self._upgraded = self._exchange, False
        if exchange is None:
            self._parser = httptools.HttpRequestParser(self)
        else:
            declared = exchange.body.declared if exchange.body is not None else int(exchange.request.headers["content-length"])
            framing = b"Transfer-Encoding: chunked" if declared is None else b"Content-Length: %d" % declared
            self._parser = httptools.HttpRequestParser(_RestOfBody(self))
            self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)

    def on_url(self, part: bytes) -> None:
        self.stage = HEAD
        self._target += part
        self._left -= len(part)
        if self._left < 0:
            raise Refused(*_HEAD_TOO_LARGE)

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.stage != HEAD:
            return  # a trailer: ignored, RFC 9110 section 6.5.1
        self._left -= len(name) + len(value) + _FIELD_OVERHEAD
        if self._left < 0:
            raise Refused(*_HEAD_TOO_LARGE)
        key = _NAMES.get(name) or name.decode("latin-1").lower()
        fields = self._fields
        if key not in fields:
            fields[key] = value.decode("latin-1")
        elif key in _ONCE and not (key == "authorization" and value[:8].lower() == b"x-matrix" == fields[key][:8].lower().encode()):
            raise Refused(400, f"More than one {key} header")
        else:
            fields[key] += ", " + value.decode("latin-1")

    def on_headers_complete(self) -> None:
        fields = self._fields
        parser = self._parser
        keep_alive = parser.should_keep_alive()
        modern = True
        if not keep_alive or "connection" in fields or "host" not in fields:
            modern = self._check_version(parser.get_http_version())
        method = _METHODS.get(parser.get_method())
        if method is None:
            raise Refused(405, "No endpoint takes this method", "M_UNRECOGNIZED")
        if "upgrade" in fields:
            self._upgraded = parser.should_upgrade()
        path, query = self._split_target()
        request = Request(method, path, query, fields, b"", self._client())
        body = None
        if "content-length" in fields or "transfer-encoding" in fields or "expect" in fields:
            body = self._body_of(fields, modern)
            keep_alive = keep_alive and not self._upgraded
        self._exchange = exchange = Exchange(request, body, keep_alive=keep_alive and modern, chunked=modern)
        self.stage = BODY
        self._progress = True
        self._silent = 0
        self._target = b""
        self._fields = {}
        self._left = self._limits.head_bytes
        if body is not None:
            request.reader = body
            self._take(exchange)

    def _check_version(self, version: str) -> bool:
        if version not in ("1.0", "1.1"):
            raise Refused(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here")
        if version == "1.1" and "host" not in self._fields:
            raise Refused(400, "No Host header")
        if version == "1.0" and "transfer-encoding" in self._fields:
            raise Refused(400, "HTTP/1.0 has no Transfer-Encoding")
        return version == "1.1"

    def _split_target(self) -> tuple[str, str]:
        try:
            target = self._target.decode("ascii")
        except UnicodeDecodeError as error:
            raise Refused(400, "The request target is not ASCII") from error
        if target[:1] != "/" and target != "*":
            parts = target.split("/", 3)
            if len(parts) < 3 or parts[0].lower() not in ("http:", "https:") or parts[1]:
                raise Refused(400, "The request target is no path")
            target = "/" + "".join(parts[3:])
        path, _, query = target.partition("#")[0].partition("?")
        return path, query

    def _client(self) -> str:
        if self._remote_ip and not self._proxies:
            return self._remote_ip
        return self._proxies.client(self._remote_ip, self._fields.get("x-forwarded-for"))

    def _body_of(self, fields: dict[str, str], modern: bool) -> ArrivingBody | None:
        """The reader of a body that is large, of unknown size or asked about first; None for one that is collected."""
        coding = fields.get("transfer-encoding")
        length = fields.get("content-length")
        if coding is not None and (length is not None or coding.lower() != "chunked"):
            raise Refused(400, "Transfer-Encoding other than chunked, or beside Content-Length")
        if length is not None and not (length.isascii() and length.isdigit() and len(length) < 16):
            raise Refused(400, "Content-Length is no number")
        expects = fields.get("expect")
        if expects is not None and expects.lower() != "100-continue":
            raise Refused(417, "Only 100-continue can be expected")
        invite = self._invite if expects is not None and modern and (coding is not None or length not in (None, "0")) else None
        declared = int(length or 0) if coding is None else None
        if declared is not None and declared <= self._limits.whole_body_bytes and invite is None:
            return None
        return ArrivingBody(declared, self._hold, invite)

    def on_body(self, part: bytes) -> None:
        self._progress = True
        exchange = self._exchange
        if exchange is None or exchange.body is None:
            self._pieces.append(part)
        else:
            exchange.body.feed(part)

    def on_message_complete(self) -> None:
        exchange = self._exchange
        if exchange is None or (self._upgraded and exchange.has_body):
            return
        self._exchange = None
        self.stage = IDLE
        if exchange.body is not None:
            exchange.body.end()
            return
        pieces = self._pieces
        if pieces:
            exchange.request.raw_body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
            pieces.clear()
        self._take(exchange)
