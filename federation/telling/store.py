"""What telling asks of the storage: events as the graph sees them, many at a time."""

from collections.abc import Iterable
from typing import NamedTuple, Protocol


class Vertex(NamedTuple):
    """An event and what it cites; `links` is the half of its JSON that says so (`protocol.event_bytes`)."""

    num: int
    event_id: str
    links: bytes


class GraphStore(Protocol):
    """All reads are away from the loop."""

    async def by_num(self, nums: Iterable[int]) -> list[Vertex]: ...

    async def by_id(self, event_ids: Iterable[str]) -> list[Vertex]:
        """Those that are here."""

    async def pdus(self, nums: Iterable[int]) -> list[bytes]:
        """The events as other servers get them, in no promised order."""
