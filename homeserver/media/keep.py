"""Bytes that arrive become a file: written as they come, hashed, brought to disk, and known to the store before anybody may remove it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Protocol

from homeserver.errors import TooLarge
from homeserver.media.content_types import HEAD_BYTES
from homeserver.media.locks import NamedLocks
from homeserver.media.store import FileWriter, MediaFiles, MediaStore


class Incoming(Protocol):
    """Bytes that are arriving."""

    async def read(self) -> bytes:
        """The next piece, b"" at the end."""


class Keeper:
    """`locks` are shared with whoever removes files."""

    def __init__(self, store: MediaStore, files: MediaFiles, locks: NamedLocks) -> None:
        self._store = store
        self._files = files
        self._locks = locks

    @asynccontextmanager
    async def receive(self, incoming: Incoming, most: int) -> AsyncIterator["Sealed"]:
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
            yield Sealed(self, writer, digest, size, head[:HEAD_BYTES])
        finally:
            await writer.discard()

    async def keep(self, writer: FileWriter, digest: bytes, record: Callable[[], Awaitable[None]]) -> None:
        async with self._locks.hold(digest):
            await writer.keep()
            try:
                await record()
            except Exception:
                if not await self._store.is_referenced(digest):
                    await self._files.delete(digest)
                raise


class Sealed:
    """A file that is on disk and not yet kept."""

    def __init__(self, keeper: Keeper, writer: FileWriter, digest: bytes, size: int, head: bytes) -> None:
        self._keeper = keeper
        self._writer = writer
        self.digest = digest
        self.size = size
        self.head = head  # its first bytes

    async def keep(self, record: Callable[[], Awaitable[None]]) -> None:
        """Make it readable, and write down what for; when that fails, it is gone again. Not to be cancelled."""
        await self._keeper.keep(self._writer, self.digest, record)


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
