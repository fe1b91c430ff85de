"""Files of this server, for other servers: server-server API, "Content Repository"; RFC 2046, "multipart/mixed"."""

from collections.abc import AsyncGenerator
from hashlib import sha256

from homeserver.media.content_types import is_inline
from homeserver.media.library import DEFAULT_WAIT_MS, Library
from homeserver.media.names import disposition
from homeserver.media.sizes import CROP, SCALE
from homeserver.media.store import MediaFiles, MediaRecord
from homeserver.media.thumbnails import Thumbnails
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_PATH = "/_matrix/federation/v1/media"


class MediaEndpoints:
    def __init__(self, server_name: str, library: Library, thumbnails: Thumbnails, files: MediaFiles) -> None:
        self._server_name = server_name
        self._library = library
        self._thumbnails = thumbnails
        self._files = files

    @endpoint("GET", _PATH + "/download/{media_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def download(self, request: Request, media_id: str) -> Answer:
        record = await self._find(request, media_id)
        if record.digest is None:
            raise RuntimeError("a file was found that is not here")
        return await self._served(record.digest, record.size, record.content_type, record.file_name)

    @endpoint("GET", _PATH + "/thumbnail/{media_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def thumbnail(self, request: Request, media_id: str) -> Answer:
        request.required("width")
        request.required("height")
        width, height = request.integer("width", 1, least=1), request.integer("height", 1, least=1)
        method, moving = request.choice("method", (CROP, SCALE), SCALE), request.flag("animated")
        record = await self._find(request, media_id)
        made = await self._thumbnails.of(record, width, height, method, moving=moving)
        return await self._served(made.file, made.size, made.content_type, f"thumbnail.{made.content_type.partition('/')[2]}")

    async def _find(self, request: Request, media_id: str) -> MediaRecord:
        """A server that stops does not wait for what is announced."""
        wait_ms = request.integer("timeout_ms", DEFAULT_WAIT_MS)
        request.waits = True
        record = await self._library.find(self._server_name, media_id, wait_ms=wait_ms, may_fetch=False)
        request.waits = False
        return record

    async def _served(self, digest: bytes, size: int, content_type: str, file_name: str | None) -> Reply:
        """The first piece is read before the answer begins: what is missing is still a 404."""
        boundary = sha256(b"boundary " + digest).hexdigest()  # nobody can put into a file what depends on all of it
        shown = "inline" if is_inline(content_type) else "attachment"
        head = (
            f"--{boundary}\r\nContent-Type: application/json\r\n\r\n{{}}\r\n--{boundary}\r\n"
            f"Content-Type: {content_type}\r\nContent-Disposition: {disposition(shown, file_name)}\r\n\r\n"
        ).encode()
        end = f"\r\n--{boundary}--\r\n".encode()
        first = await self._files.read(digest, 0, min(size, self._files.piece_bytes))
        kind = f"multipart/mixed; boundary={boundary}"
        if len(first) == size:
            return Reply(head + first + end, content_type=kind)
        return Reply(self._written(head, digest, size, first, end), content_type=kind, length=len(head) + size + len(end))

    async def _written(self, head: bytes, digest: bytes, size: int, piece: bytes, end: bytes) -> AsyncGenerator[bytes, None]:
        yield head
        start = 0
        while piece:
            yield piece
            start += len(piece)
            piece = await self._files.read(digest, start, min(size - start, self._files.piece_bytes)) if start < size else b""
        yield end
