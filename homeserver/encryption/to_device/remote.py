"""How messages reach devices on other servers; federation fills it."""

from collections.abc import Mapping
from typing import Any, Protocol

Messages = Mapping[str, Mapping[str, dict[str, Any]]]  # user → device or "*" → content


class ToDeviceCourier(Protocol):
    async def send(self, sender: str, type: str, message_id: str, messages: Messages) -> None:
        """All of them are for users of other servers. Returns once it is sure that they will be sent; the same message ID may come again."""


class NoCourier:
    """A server that talks to no other: devices there are unknown to it, and messages to unknown devices come to nothing."""

    async def send(self, sender: str, type: str, message_id: str, messages: Messages) -> None:
        return None
