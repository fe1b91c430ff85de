"""Files on disk under the SHA-256 of what is in them. Fills `homeserver.media.store.MediaFiles`.

A file is written under a name of chance, brought to disk, then renamed to its place: what has a place is whole. No part of a path comes from outside.
"""

from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from os import O_DIRECTORY, O_RDONLY, close, fsync
from os import open as open_descriptor
from pathlib import Path
from typing import BinaryIO, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from homeserver.clock import Chance, Clock
from homeserver.media.store import FilesUnavailable, MissingFile
from storage.drivers.threads import Pool

T = TypeVar("T")
FILES, INCOMING = "files", "incoming"
PIECE_BYTES = 262_144
ABANDONED_MS = 86_400_000  # no upload takes longer
NAME_LENGTH = 32
_log = Logger()


class DiskFiles:
    piece_bytes = PIECE_BYTES

    def __init__(self, directory: Path, pool: Pool, clock: Clock, chance: Chance) -> None:
        self._files = directory / FILES
        self._incoming = directory / INCOMING
        self._pool = pool
        self._clock = clock
        self._chance = chance

    async def begin(self) -> "DiskWriter":
        path = self._incoming / self._chance.token(NAME_LENGTH)
        return DiskWriter(path, await run_in(self._pool, lambda: _create(path)), self._path, self._pool)

    async def read(self, digest: bytes, start: int, most: int) -> bytes:
        path = self._path(digest)

        def read() -> bytes:
            with path.open("rb", buffering=0) as file:
                file.seek(start)
                return file.read(most)

        return await run_in(self._pool, read)

    def open(self, digest: bytes) -> BinaryIO:
        try:
            return self._path(digest).open("rb")
        except FileNotFoundError as error:
            raise MissingFile from error

    async def delete(self, digest: bytes) -> None:
        path = self._path(digest)
        await run_in(self._pool, lambda: path.unlink(missing_ok=True))

    async def clean(self) -> None:
        before = (self._clock.now_ms() - ABANDONED_MS) / 1000
        await run_in(self._pool, lambda: _remove_older(self._incoming, before))

    def _path(self, digest: bytes) -> Path:
        return self._files / place_of(digest)


class DiskWriter:
    """One file on its way."""

    def __init__(self, path: Path, file: BinaryIO, place: Callable[[bytes], Path], pool: Pool) -> None:
        self._path = path
        self._file = file
        self._place = place
        self._pool = pool
        self._hash = sha256()
        self._size = 0
        self._kept = False

    async def write(self, data: bytes) -> None:
        def write() -> None:
            self._hash.update(data)
            rest = memoryview(data)
            while rest:  # a disk that has become full takes a part and says so only to the next one
                rest = rest[self._file.write(rest) :]

        self._size += len(data)
        await run_in(self._pool, write)

    async def seal(self) -> tuple[bytes, int]:
        def seal() -> None:
            fsync(self._file.fileno())
            self._file.close()

        await run_in(self._pool, seal)
        return self._hash.digest(), self._size

    async def keep(self) -> None:
        path, size = self._place(self._hash.digest()), self._size
        await run_in(self._pool, lambda: _settle(self._path, path, size))
        self._kept = True

    async def discard(self) -> None:
        if self._kept:
            return

        def discard() -> None:
            self._file.close()
            self._path.unlink(missing_ok=True)

        await run_in(self._pool, discard)


def place_of(digest: bytes) -> str:
    name = digest.hex()
    return f"{name[:2]}/{name[2:4]}/{name[4:]}"


async def run_in(pool: Pool, job: Callable[[], T]) -> T:
    """The job in a thread; what the disk refuses becomes an error of Matrix."""
    finished: Deferred[T] = Deferred()

    def done(result: T, error: BaseException | None) -> None:
        if error is None:
            finished.callback(result)
        else:
            finished.errback(error)

    pool.submit(job, done)
    try:
        return await finished
    except FileNotFoundError as error:
        raise MissingFile from error
    except OSError as error:
        _log.error("the disk refuses what it is asked for files: {error}", error=error)
        raise FilesUnavailable from error


def _create(path: Path) -> BinaryIO:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path.open("xb", buffering=0)


def _settle(path: Path, place: Path, size: int) -> None:
    """Rename to its place, and make the name last; where the same bytes lie already, they stay."""
    if place.is_file() and place.stat().st_size == size:
        path.unlink()
        return
    new = [folder for folder in (place.parent, *place.parent.parents[:2]) if not folder.exists()]
    place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.replace(place)
    for folder in (place.parent, *(folder.parent for folder in new)):
        _sync(folder)


def _sync(folder: Path) -> None:
    descriptor = open_descriptor(folder, O_RDONLY | O_DIRECTORY)
    try:
        fsync(descriptor)
    finally:
        close(descriptor)


def _remove_older(folder: Path, before: float) -> None:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # an upload ended meanwhile
            if path.stat().st_mtime < before:
                path.unlink()
