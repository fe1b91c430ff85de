"""Files of other servers, as they arrive. Fills `homeserver.media.remote.RemoteMedia`.

Server-server API, "Content Repository": the endpoint for servers first; where that is unknown the deprecated one, which asks for no signature.
"""

import re
from collections.abc import AsyncGenerator
from typing import Final
from urllib.parse import quote, unquote

from twisted.internet.defer import CancelledError, Deferred

from config.media import Media as Settings
from federation.asking.multipart import TwoParts, boundary_of
from federation.client import Ask, FederationClient, v1
from federation.errors import BadAnswer, FederationError, RemoteRefused, Unreachable
from federation.transport import RemoteAnswer
from homeserver.clock import Clock
from homeserver.errors import LimitExceeded, NotYetUploaded, RemoteTooLarge
from homeserver.outside import Outside

SECONDS: Final = 20.0  # for the head of an answer, beyond what the other server may wait itself
PIECE_SECONDS: Final = 30.0
WHOLE_SECONDS: Final = 900.0
ELSEWHERE_SECONDS: Final = 60.0
MOST_DISPOSITION: Final = 8_192
_EXTENDED_NAME = re.compile(r";\s*filename\*\s*=\s*utf-8'[^']*'([^;\s]*)", re.IGNORECASE)
_NAME = re.compile(r';\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))', re.IGNORECASE)


class ArrivingFile:
    """`homeserver.media.remote.RemoteFile`."""

    def __init__(self, content_type: str | None, file_name: str | None, size: int | None, pieces: AsyncGenerator[bytes, None]) -> None:
        self.content_type = content_type
        self.file_name = file_name
        self.size = size
        self._pieces = pieces

    def pieces(self) -> AsyncGenerator[bytes, None]:
        return self._pieces


class FederatedMedia:
    def __init__(self, settings: Settings, client: FederationClient, outside: Outside, clock: Clock) -> None:
        self._settings = settings
        self._client = client
        self._outside = outside
        self._clock = clock

    async def fetch(self, origin: str, media_id: str, *, timeout_ms: int) -> ArrivingFile | None:
        try:
            try:
                return await self._from_server(origin, media_id, timeout_ms)
            except RemoteRefused as error:
                if not _knows_no_such_endpoint(error):
                    raise
            except BadAnswer:
                pass  # a file without its first part, as of before there was one
            return await self._openly(origin, media_id, timeout_ms)
        except RemoteRefused as error:
            if error.remote_errcode == NotYetUploaded.errcode:
                raise NotYetUploaded from error
            if error.remote_errcode == RemoteTooLarge.errcode:
                raise RemoteTooLarge from error
            if error.remote_status == LimitExceeded.status:
                raise LimitExceeded("The other server is asked too often", retry_after_ms=5_000) from error
            return None
        except FederationError:
            return None

    async def _from_server(self, origin: str, media_id: str, timeout_ms: int) -> ArrivingFile:
        ask = Ask("GET", origin, v1("media", "download", media_id), {"timeout_ms": timeout_ms}, seconds=SECONDS + timeout_ms / 1000)
        body = PatientBody(await self._client.open(ask), self._clock)
        try:
            parts = TwoParts(body.read, boundary_of(body.headers.get("content-type", "")))
            head = await parts.head()
        except BaseException:
            body.end()
            raise
        location = head.get("location")
        if location is not None:
            body.end()
            return await self._elsewhere(location)
        return ArrivingFile(head.get("content-type"), file_name_of(head.get("content-disposition")), None, body.whole(parts.pieces()))

    async def _openly(self, origin: str, media_id: str, timeout_ms: int) -> ArrivingFile:
        path = f"/_matrix/media/v3/download/{quote(origin, safe='')}/{quote(media_id, safe='')}"
        query = {"allow_remote": False, "timeout_ms": timeout_ms}
        body = PatientBody(
            await self._client.open(Ask("GET", origin, path, query, seconds=SECONDS + timeout_ms / 1000, signed=False)), self._clock
        )
        length = body.headers.get("content-length", "")
        size = int(length) if length.isascii() and length.isdigit() and len(length) < 16 else None
        if size is not None and size > self._settings.max_upload_bytes:
            body.end()
            raise RemoteTooLarge
        name = file_name_of(body.headers.get("content-disposition"))
        return ArrivingFile(body.headers.get("content-type"), name, size, body.whole(body.pieces()))

    async def _elsewhere(self, url: str) -> ArrivingFile:
        """Where the other server says; that may be no place within a private network."""
        fetched = await self._outside.get(url, accept="*/*", most_bytes=self._settings.max_upload_bytes, seconds=ELSEWHERE_SECONDS)
        if fetched.status != 200:
            raise BadAnswer("The file is not where the other server says")
        if not fetched.whole:
            raise RemoteTooLarge

        async def pieces() -> AsyncGenerator[bytes, None]:
            yield fetched.body

        return ArrivingFile(fetched.content_type, None, len(fetched.body), pieces())


class PatientBody:
    """The body of an answer: each piece has its time, all of them have theirs. `end` when no more of it is wanted."""

    def __init__(self, answer: RemoteAnswer, clock: Clock) -> None:
        self.headers = answer.headers
        self._answer = answer
        self._clock = clock
        self._last = clock.call_later(WHOLE_SECONDS, answer.abort)

    async def read(self) -> bytes:
        """Raises Unreachable."""
        reading = Deferred.fromCoroutine(self._answer.read())
        timer = self._clock.call_later(PIECE_SECONDS, reading.cancel)
        try:
            return await reading
        except CancelledError as error:
            if timer.active():
                raise  # whoever asked has gone
            raise Unreachable("The other server is too slow") from error
        finally:
            if timer.active():
                timer.cancel()

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        while piece := await self.read():
            yield piece

    async def whole(self, pieces: AsyncGenerator[bytes, None]) -> AsyncGenerator[bytes, None]:
        """These pieces of it, and the end."""
        try:
            async for piece in pieces:
                yield piece
        finally:
            self.end()

    def end(self) -> None:
        self._answer.abort()
        if self._last.active():
            self._last.cancel()


def _knows_no_such_endpoint(error: RemoteRefused) -> bool:
    """Old servers say so in their own ways."""
    return error.remote_errcode == "M_UNRECOGNIZED" or (error.remote_status in (400, 404, 405) and not error.remote_errcode)


def file_name_of(disposition: str | None) -> str | None:
    """What a Content-Disposition names (RFC 6266)."""
    if disposition is None or len(disposition) > MOST_DISPOSITION:
        return None
    extended = _EXTENDED_NAME.search(disposition)
    if extended is not None:
        return unquote(extended[1], errors="replace") or None
    plain = _NAME.search(disposition)
    if plain is None:
        return None
    return re.sub(r"\\(.)", r"\1", plain[1]) if plain[1] is not None else plain[2]
