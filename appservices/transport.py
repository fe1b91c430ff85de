"""How a request gets to an application service: the port under the client, so that a test is its own service."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from appservices.errors import CannotReach


class Answer(NamedTuple):
    status: int
    body: bytes  # cut to what was allowed

    @property
    def is_good(self) -> bool:
        return 200 <= self.status < 300


class Transport(Protocol):
    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        """Without redirects. Raises CannotReach, and TooSlow once that time is over."""

    def close(self) -> None:
        """Connections at rest are of no more use."""


class NoTransport:
    """A server without a network."""

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        raise CannotReach("this server has no network")

    def close(self) -> None:
        """There is nothing to close."""


class LaterTransport:
    """Loaded with the first request: `make` builds the real one."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._made: Transport | None = None

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        if self._made is None:
            self._made = self._make()
        return await self._made.request(method, url, headers, body, seconds=seconds)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
