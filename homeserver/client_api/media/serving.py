"""A stored file as an answer: headers that keep browsers from running it, validators, ranges (RFC 9110), bytes no faster than the client takes them."""

from collections.abc import AsyncIterator
from typing import NamedTuple

from homeserver.errors import RangeNotSatisfiable
from homeserver.media.content_types import is_inline
from homeserver.media.library import DEFAULT_WAIT_MS, Library
from homeserver.media.names import disposition
from homeserver.media.store import MediaFiles, MediaRecord
from homeserver.web.endpoint import Reply
from homeserver.web.replies import refuse
from homeserver.web.request import Request

MOST_DIGITS = 18
_POLICY = "sandbox; default-src 'none'; script-src 'none'; plugin-types application/pdf; style-src 'unsafe-inline'; media-src 'self'; object-src 'self';"
_SAFETY = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow, noarchive, noimageindex",
}
_AGE = "max-age=86400, immutable"  # the bytes of an address never change, but they may be removed


class Served(NamedTuple):
    """What is served: `digest` names the bytes and is their validator."""

    digest: bytes
    size: int
    content_type: str
    file_name: str | None


async def find_file(library: Library, request: Request, origin: str, media_id: str, *, may_fetch: bool = True) -> MediaRecord:
    """Waits for what is announced, as long as the client asks; a server that stops does not wait for that."""
    wait_ms = request.integer("timeout_ms", DEFAULT_WAIT_MS)
    request.waits = True
    caller = request.caller
    who = request.remote_ip if caller is None else "" if caller.unlimited else caller.user_id
    record = await library.find(origin, media_id, who=who, wait_ms=wait_ms, may_fetch=may_fetch)
    request.waits = False
    return record


async def serve_file(files: MediaFiles, served: Served, request: Request, *, public: bool = False) -> Reply:
    """200, 206, 304 or 416; MissingFile."""
    tag = f'"{served.digest.hex()}"'
    kind = "inline" if is_inline(served.content_type) else "attachment"
    headers = {
        **_SAFETY,
        "Content-Disposition": disposition(kind, served.file_name),
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Cache-Control": f"{'public' if public else 'private'}, {_AGE}",
    }
    if _is_known(request.headers.get("if-none-match"), tag):
        return Reply(b"", 304, headers)
    wanted = _range(request.headers.get("range"), served.size) if request.headers.get("if-range", tag) == tag else None
    if wanted is None:
        return await _bytes(files, served, 0, served.size, 200, headers)
    start, length = wanted
    if length <= 0:
        reply = refuse(RangeNotSatisfiable())
        reply.headers = {"Content-Range": f"bytes */{served.size}"}
        return reply
    headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{served.size}"
    return await _bytes(files, served, start, length, 206, headers)


async def _bytes(files: MediaFiles, served: Served, start: int, length: int, status: int, headers: dict[str, str]) -> Reply:
    """The first piece is read before the answer begins: what is missing is still a 404."""
    first = await files.read(served.digest, start, min(length, files.piece_bytes))
    if len(first) == length:
        return Reply(first, status, headers, served.content_type)
    return Reply(_stream(files, served.digest, start, length, first), status, headers, served.content_type, length)


async def _stream(files: MediaFiles, digest: bytes, start: int, length: int, piece: bytes) -> AsyncIterator[bytes]:
    end = start + length
    while piece:
        yield piece
        start += len(piece)
        piece = await files.read(digest, start, min(end - start, files.piece_bytes)) if start < end else b""


def _is_known(header: str | None, tag: str) -> bool:
    if header is None:
        return False
    return header.strip() == "*" or tag in [item.strip().removeprefix("W/") for item in header.split(",")]


def _range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and length of a single range of bytes; a length of 0: there is no such part; None: the whole (also for what is not understood)."""
    if header is None or not header.startswith("bytes="):
        return None
    first, dash, last = header[6:].strip().partition("-")
    if not dash or not all(part == "" or (part.isascii() and part.isdigit() and len(part) <= MOST_DIGITS) for part in (first, last)):
        return None
    if first == "":
        if last == "":
            return None
        length = min(int(last), size)
        return size - length, length
    start = int(first)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < start:
        return None
    return start, max(0, end - start + 1)
