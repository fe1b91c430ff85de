"""How large a body may be, and bodies read as a whole or piece by piece."""

from typing import NamedTuple

from homeserver.errors import TooLarge
from homeserver.web.endpoint import Access
from homeserver.web.request import BodyReader


class BodyLimits(NamedTuple):
    """Bytes, by who sends: strangers get little."""

    stranger: int = 65_536  # no token is asked for
    user: int = 8 * 1024 * 1024  # key backups are the largest JSON that clients send
    peer: int = 16 * 1024 * 1024  # 50 events of 64 KiB and 100 EDUs
    media: int = 50 * 1024 * 1024

    def of(self, access: Access, streams: bool) -> int:
        if streams:
            return self.media
        if access is Access.PEER:
            return self.peer
        return self.stranger if access in (Access.NONE, Access.OPTIONAL, Access.REGISTERING) else self.user


class ReadyBody:
    """A body that has arrived, for endpoints that read piece by piece."""

    __slots__ = ("_rest", "declared", "limit")

    def __init__(self, data: bytes) -> None:
        self.declared: int | None = len(data)
        self.limit = len(data)
        self._rest = data

    async def read(self) -> bytes:
        data, self._rest = self._rest, b""
        return data


async def read_all(reader: BodyReader, limit: int) -> bytes:
    """The whole body; raises TooLarge before reading when its declared length says so already."""
    reader.limit = limit
    if reader.declared is not None and reader.declared > limit:
        raise TooLarge
    pieces = []
    while piece := await reader.read():
        pieces.append(piece)
    return b"".join(pieces)
