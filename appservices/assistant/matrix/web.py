"""How a request gets to the homeserver: the port under the client, so that an embedding server may bring its own connections."""

from collections.abc import Mapping
from typing import Final, NamedTuple, Protocol

MOST_BYTES: Final = 8 * 2**20  # of an answer; more than anybody should give


class Answer(NamedTuple):
    status: int
    body: bytes


class Web(Protocol):
    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        """Without redirects. Raises Unreachable, also where the answer is larger than MOST_BYTES."""

    async def close(self) -> None:
        """Connections at rest are of no more use."""
