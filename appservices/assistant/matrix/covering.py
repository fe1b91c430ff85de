"""What keeps words from leaving as they are in rooms that are encrypted: the port that `encryption/cover.py` fills."""

from collections.abc import Mapping
from typing import Any, Protocol

Json = dict[str, Any]


class Covering(Protocol):
    """Raises Refused, Unreachable: then nothing has left."""

    async def is_encrypted(self, room: str) -> bool: ...

    def is_known(self, room: str) -> bool:
        """Whether it was seen to be encrypted; nobody is asked."""

    async def seal(self, room: str, kind: str, content: Mapping[str, Any]) -> tuple[str, Json]:
        """Type and content as they may be sent."""

    async def check_state(self, room: str, kind: str) -> None:
        """State is plain everywhere: whether this may be set there."""

    async def open(self, event: Mapping[str, Any]) -> Json:
        """As it was sent; as it is, where it is plain or cannot be read."""

    def lock_file(self, data: bytes) -> tuple[bytes, Json]:
        """What is uploaded, and what the message says of it, without its address."""

    def unlock_file(self, data: bytes, file: Mapping[str, Any]) -> bytes:
        """Raises BadFile."""
