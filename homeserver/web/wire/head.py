"""Status line and header fields of answers, as bytes (RFC 9112; client-server API, "Web Browser Clients").

What is the same for all answers is put together once a second, when the date changes.
"""

from collections.abc import Mapping
from email.utils import formatdate
from http import HTTPStatus

from homeserver.web.endpoint import NO_HEADERS, Reply

CORS = (
    "Access-Control-Allow-Origin: *\r\n"
    "Access-Control-Allow-Methods: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n"
    "Access-Control-Allow-Headers: X-Requested-With, Content-Type, Authorization\r\n"
    "Access-Control-Expose-Headers: Retry-After\r\n"
)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}
_WITHOUT_BODY = frozenset({204, 304})
_UNSAFE = frozenset(map(chr, [*range(32), 127]))


def _field(name: str, value: str) -> str:
    if _UNSAFE.intersection(value) or not name.isascii() or _UNSAFE.intersection(name) or ":" in name:
        raise ValueError(f"unsafe header field {name!r}")
    return f"{name}: {value}\r\n"


class Heads:
    """Makes heads. `renew` is called every second."""

    def __init__(self, now_ms: int) -> None:
        self._json: dict[int, bytes] = {}
        self._date = ""
        self.renew(now_ms)

    def renew(self, now_ms: int) -> None:
        self._date = f"Date: {formatdate(now_ms // 1000, usegmt=True)}\r\n"
        self._json.clear()

    def whole(self, reply: Reply, *, keep_alive: bool, head_only: bool) -> bytes:
        """The answer with its body, which is bytes."""
        body: bytes = reply.body
        if reply.headers is NO_HEADERS and keep_alive and not head_only and reply.content_type == "application/json":
            status = reply.status
            start = self._json.get(status)
            if start is None:
                start = self._json[status] = self._start(status, "application/json", NO_HEADERS, keep_alive=True) + b"Content-Length: "
            return b"%b%d\r\n\r\n%b" % (start, len(body), body)
        start = self._start(reply.status, reply.content_type, reply.headers, keep_alive=keep_alive)
        if reply.status in _WITHOUT_BODY:
            return start + b"\r\n"
        return b"%bContent-Length: %d\r\n\r\n%b" % (start, len(body), b"" if head_only else body)

    def streamed(self, reply: Reply, *, keep_alive: bool, chunked: bool) -> bytes:
        """The head of an answer whose body follows piece by piece."""
        start = self._start(reply.status, reply.content_type, reply.headers, keep_alive=keep_alive)
        if reply.length is not None:
            return b"%bContent-Length: %d\r\n\r\n" % (start, reply.length)
        return start + (b"Transfer-Encoding: chunked\r\n\r\n" if chunked else b"\r\n")

    def _start(self, status: int, content_type: str, headers: Mapping[str, str], *, keep_alive: bool) -> bytes:
        lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unknown')}\r\nServer: ChatMe\r\n", self._date]
        own = {name.lower() for name in headers}
        if "access-control-allow-origin" not in own:
            lines.append(CORS)
        if status not in _WITHOUT_BODY:
            lines.append(_field("Content-Type", content_type))
        if "x-content-type-options" not in own:
            lines.append("X-Content-Type-Options: nosniff\r\n")
        if "cache-control" not in own:
            lines.append("Cache-Control: no-store\r\n")
        lines.extend(_field(name, value) for name, value in headers.items())
        if not keep_alive:
            lines.append("Connection: close\r\n")
        return "".join(lines).encode("latin-1")
