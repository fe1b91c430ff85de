"""What the ties to other services ask of the storage. Tokens are known there by their SHA-256 alone."""

from typing import Protocol


class OpenIdStore(Protocol):
    async def add(self, token_hash: bytes, user_id: str, expires_ts: int) -> None: ...

    async def owner(self, token_hash: bytes, now_ms: int) -> str | None:
        """The user; None for a token that is unknown or has expired, and for the closed account."""
