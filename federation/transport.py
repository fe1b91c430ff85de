"""How a request gets to another server: the port under the client. Real ones find the server and speak TLS to it; in tests servers are joined directly."""

from collections.abc import Mapping
from typing import Protocol

from federation.errors import BadAnswer, Unreachable


class RemoteAnswer(Protocol):
    """An answer whose body is still arriving."""

    status: int
    headers: Mapping[str, str]  # lower-case names

    async def read(self) -> bytes:
        """The next piece, b"" at the end; raises Unreachable when it is cut off."""

    def abort(self) -> None:
        """The rest is not wanted. To be called when the body was not read to its end; does nothing otherwise."""


class Transport(Protocol):
    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        """Sends it and waits for the head of the answer; without time limits of its own but those of connecting. Raises Unreachable."""

    def close(self) -> None:
        """Connections at rest are of no more use."""


class NoTransport:
    """A server without a network."""

    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        raise Unreachable

    def close(self) -> None:
        """There is nothing to close."""


class ReadyAnswer:
    """An answer that has arrived."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._rest = body

    async def read(self) -> bytes:
        data, self._rest = self._rest, b""
        return data

    def abort(self) -> None:
        self._rest = b""


async def collect(answer: RemoteAnswer, most_bytes: int) -> bytes:
    """The whole body; raises BadAnswer for one that is larger, as soon as that shows."""
    pieces, size = [], 0
    while piece := await answer.read():
        size += len(piece)
        if size > most_bytes:
            answer.abort()
            raise BadAnswer("The answer of the other server is too large")
        pieces.append(piece)
    return b"".join(pieces)
