"""Bytes that arrive become a file: written as they come, hashed, brought to disk, and known to the store before anybody may remove it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol, TypeVar

from homeserver.errors import TooLarge
from homeserver.media.content_types import HEAD_BYTES
from homeserver.media.locks import NamedLocks
from homeserver.media.store import FileWriter, MediaFiles

T = TypeVar("T")


class Incoming(Protocol):
    """Bytes that are arriving."""

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""


class Sealed:
    """A file that is on disk and not yet kept."""

    def __init__(self, writer: FileWriter, locks: NamedLocks, digest: bytes, size: int, head: bytes) -> None:
        self._writer = writer
        self._locks = locks
        self.digest = digest
        self.size = size
        self.head = head  # its first bytes

    async def keep(self, record: Callable[[], Awaitable[T]]) -> T:
        """Make it readable and write down what for; what removes files waits meanwhile."""
        async with self._locks.hold(self.digest):
            await self._writer.keep()
            return await record()


class Keeper:
    """`locks` are shared with whoever removes files."""

    def __init__(self, files: MediaFiles, locks: NamedLocks) -> None:
        self._files = files
        self._locks = locks

    @asynccontextmanager
    async def receive(self, incoming: Incoming, most: int) -> AsyncIterator[Sealed]:
        """The whole file, sealed; TooLarge beyond `most` bytes. What is not kept is forgotten at the end."""
        writer = await self._files.begin()
        try:
            head, size = b"", 0
            while piece := await incoming.read():
                size += len(piece)
                if size > most:
                    raise TooLarge
                if len(head) < HEAD_BYTES:
                    head += piece[:HEAD_BYTES]
                await writer.write(piece)
            digest, size = await writer.seal()
            yield Sealed(writer, self._locks, digest, size, head[:HEAD_BYTES])
        finally:
            await writer.discard()


class Pieces:
    """An iterator of bytes as something to read."""

    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def read(self) -> bytes:
        async for piece in self._pieces:
            if piece:
                return piece
        return b""


class Whole:
    """Bytes that are there already."""

    def __init__(self, data: bytes) -> None:
        self._rest = data

    async def read(self) -> bytes:
        data, self._rest = self._rest, b""
        return data
