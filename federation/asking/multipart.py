"""An answer of two parts, one after the other, while it arrives: what is told of a file, and the file. RFC 2046, 5.1; bounded, and strict in what it takes.

Server-server API, "GET /media/download": the first part is JSON; the second is the file, or says in its Location where it is.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from typing import Final

from federation.errors import BadAnswer

MOST_HEAD: Final = 65_536
MOST_BOUNDARY: Final = 70
MOST_REST: Final = 4_096
Read = Callable[[], Awaitable[bytes]]


def boundary_of(content_type: str) -> bytes:
    """Of a multipart/mixed; raises BadAnswer."""
    kind, _, parameters = content_type.partition(";")
    if kind.strip().lower() == "multipart/mixed":
        for parameter in parameters.split(";"):
            name, _, value = parameter.strip().partition("=")
            value = value.strip().strip('"')
            if name.strip().lower() == "boundary" and 0 < len(value) <= MOST_BOUNDARY and value.isascii():
                return value.encode()
    raise BadAnswer("The other server sends a file in a form that is not understood")


class TwoParts:
    """`await head()`, then `pieces()`."""

    def __init__(self, read: Read, boundary: bytes) -> None:
        self._read = read
        self._line = b"\r\n--" + boundary
        self._buffer = b"\r\n"  # so that the first boundary is like the others

    async def head(self) -> Mapping[str, str]:
        """The header fields of the second part; raises BadAnswer."""
        await self._past(self._line)
        await self._past(self._line)
        rest = await self._past(b"\r\n")
        if rest.strip(b" \t"):
            raise BadAnswer("The other server sent no file")
        self._buffer = b"\r\n" + self._buffer  # a part may have no header fields at all
        text = await self._past(b"\r\n\r\n")
        fields = [line.partition(":") for line in text.decode("utf-8", "replace").split("\r\n") if line]
        return {name.strip().lower(): value.strip() for name, _, value in fields}

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        """The second part, up to the boundary; raises BadAnswer when it ends without one."""
        while True:
            place = self._buffer.find(self._line)
            if place >= 0:
                if place:
                    yield self._buffer[:place]
                await self._rest()
                return
            safe = len(self._buffer) - len(self._line) + 1
            if safe > 0:
                piece, self._buffer = self._buffer[:safe], self._buffer[safe:]
                yield piece
            await self._more()

    async def _rest(self) -> None:
        """What follows is of no use, but read to its end a connection can be used again."""
        size = 0
        while size < MOST_REST and (piece := await self._read()):
            size += len(piece)

    async def _past(self, end: bytes) -> bytes:
        """What comes before `end`; the buffer begins after it."""
        while (place := self._buffer.find(end)) < 0:
            if len(self._buffer) > MOST_HEAD:
                raise BadAnswer("The other server tells too much of a file")
            await self._more()
        found, self._buffer = self._buffer[:place], self._buffer[place + len(end) :]
        return found

    async def _more(self) -> None:
        piece = await self._read()
        if not piece:
            raise BadAnswer("The other server broke off in the middle of a file")
        self._buffer += piece
