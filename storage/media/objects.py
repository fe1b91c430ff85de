"""Files in a bucket of an S3-compatible store, under the SHA-256 of what is in them. Fills `homeserver.media.store.MediaFiles`.

Nothing lies on this machine. A small file is held until its name is known and sent once; a large one is sent part by part under a name of chance, then
copied within the store to its place. Requests run in threads and carry a few megabytes at most, so that each can be tried again.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from io import SEEK_CUR, SEEK_END, SEEK_SET, BufferedReader, RawIOBase
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import S3Store
from twisted.logger import Logger

from config.media import S3
from homeserver.clock import Chance, Clock
from homeserver.media.store import FilesUnavailable, MissingFile
from storage.drivers.threads import Pool
from storage.media.files import ABANDONED_MS, FILES, INCOMING, NAME_LENGTH, place_of, run_in

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from obstore import WritableFile
    from obstore.store import S3Config

T = TypeVar("T")
PART_BYTES = 5 * 2**20  # the least that S3 takes as a part
PIECE_BYTES = 2**20
MOST_TRIES = 3
MOST_TRYING = timedelta(seconds=20)


class Run(Protocol):
    """Runs a job in a thread."""

    async def __call__(self, job: Callable[[], T]) -> T: ...


def open_bucket(settings: S3) -> S3Store:
    """Asks nothing of the network yet."""
    named: S3Config = {"region": settings.region, "virtual_hosted_style_request": settings.bucket_in_host}
    if settings.access_key:
        named |= {"access_key_id": settings.access_key.reveal(), "secret_access_key": settings.secret_key.reveal()}
    if settings.endpoint:
        named["endpoint"] = settings.endpoint.rstrip("/")
    return S3Store(
        settings.bucket,
        prefix=settings.prefix.strip("/") or None,
        config=named,
        client_options={"allow_http": settings.endpoint.startswith("http://"), "timeout": timedelta(seconds=settings.timeout_seconds)},
        retry_config={"max_retries": MOST_TRIES, "retry_timeout": MOST_TRYING},
    )


class ObjectFiles:
    piece_bytes = PIECE_BYTES
    _log = Logger()

    def __init__(self, bucket: S3Store, pool: Pool, clock: Clock, chance: Chance) -> None:
        self._bucket = bucket
        self._pool = pool
        self._clock = clock
        self._chance = chance

    async def begin(self) -> "ObjectWriter":
        return ObjectWriter(self._bucket, f"{INCOMING}/{self._chance.token(NAME_LENGTH)}", self._change)

    async def read(self, digest: bytes, start: int, most: int) -> bytes:
        path = _path(digest)

        def read() -> bytes:
            if most == 0:
                obstore.head(self._bucket, path)
                return b""
            return bytes(obstore.get_range(self._bucket, path, start=start, length=most))

        return await self._run(read)

    def open(self, digest: bytes) -> BinaryIO:
        path = _path(digest)
        try:
            size = obstore.head(self._bucket, path)["size"]
        except FileNotFoundError as error:
            raise MissingFile from error
        except BaseError as error:
            raise FilesUnavailable from error
        return BufferedReader(_Object(self._bucket, path, size), PIECE_BYTES)

    async def delete(self, digest: bytes) -> None:
        await self._run(lambda: _remove(self._bucket, _path(digest)))

    async def clean(self) -> None:
        before = (self._clock.now_ms() - ABANDONED_MS) / 1000

        def clean() -> None:
            for page in obstore.list(self._bucket, prefix=INCOMING):
                for found in page:
                    if found["last_modified"].timestamp() < before:
                        _remove(self._bucket, found["path"])

        await self._run(clean)

    async def _change(self, job: Callable[[], T]) -> T:
        try:
            return await self._run(job)
        except MissingFile as error:
            self._log.error("there is no such bucket for media: {error}", error=str(error.__cause__).partition("\n")[0])
            raise FilesUnavailable from error

    async def _run(self, job: Callable[[], T]) -> T:
        try:
            return await run_in(self._pool, job)
        except BaseError as error:
            self._log.warn("the bucket of media does not answer as it should: {error}", error=str(error).partition("\n")[0])
            raise FilesUnavailable from error


class ObjectWriter:
    """One file on its way."""

    def __init__(self, bucket: S3Store, path: str, run: Run) -> None:
        self._bucket = bucket
        self._path = path
        self._run = run
        self._hash = sha256()
        self._size = 0
        self._held = bytearray()  # not sent yet
        self._sending: WritableFile | None = None
        self._ended = False

    async def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._size += len(data)
        self._held += data
        if len(self._held) > (PART_BYTES if self._sending is None else PIECE_BYTES):
            await self._run(self._send)

    async def seal(self) -> tuple[bytes, int]:
        def seal() -> None:
            self._send()
            self._end()

        if self._sending is not None:
            await self._run(seal)
        return self._hash.digest(), self._size

    async def keep(self) -> None:
        place = _path(self._hash.digest())
        if self._sending is None:
            await self._run(lambda: obstore.put(self._bucket, place, bytes(self._held), use_multipart=False))
        else:
            await self._run(lambda: self._settle(place))
        self._held.clear()

    async def discard(self) -> None:
        def discard() -> None:
            self._end()
            _remove(self._bucket, self._path)

        if self._sending is not None:
            await self._run(discard)

    def _send(self) -> None:
        if self._sending is None:
            self._sending = obstore.open_writer(self._bucket, self._path, buffer_size=PART_BYTES, max_concurrency=1)
        self._sending.write(bytes(self._held))
        self._held.clear()

    def _end(self) -> None:
        """What is not ended is kept by the store as parts, which nobody sees and nothing removes."""
        if self._sending is not None and not self._ended:
            self._ended = True
            self._sending.close()

    def _settle(self, place: str) -> None:
        with suppress(FileNotFoundError):
            if obstore.head(self._bucket, place)["size"] == self._size:
                return  # the same bytes lie there already
        obstore.copy(self._bucket, self._path, place)


class _Object(RawIOBase):
    """Reads here and there, each time with a request."""

    def __init__(self, bucket: S3Store, path: str, size: int) -> None:
        self._bucket = bucket
        self._path = path
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = SEEK_SET, /) -> int:
        self._at = max(0, offset + {SEEK_SET: 0, SEEK_CUR: self._at, SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        into = memoryview(buffer).cast("B")
        length = min(len(into), self._size - self._at)
        if length <= 0:
            return 0
        try:
            into[:length] = obstore.get_range(self._bucket, self._path, start=self._at, length=length)
        except BaseError as error:
            raise FilesUnavailable from error
        self._at += length
        return length


def _path(digest: bytes) -> str:
    return f"{FILES}/{place_of(digest)}"


def _remove(bucket: S3Store, path: str) -> None:
    with suppress(FileNotFoundError):  # some stores say so
        obstore.delete(bucket, path)
