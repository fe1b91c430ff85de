"""Tokens that prove to a service beside Matrix who one is, and nothing more (client-server API, "OpenID"; server-server API, "OpenID")."""

from hashlib import sha256

from homeserver.clock import Chance, Clock
from homeserver.integrations.store import OpenIdStore

PREFIX = "cmo_"  # so that a leaked one is recognised
TOKEN_LENGTH = 44  # characters of [A-Za-z0-9]: 262 bits


class OpenIdTokens:
    def __init__(self, store: OpenIdStore, clock: Clock, chance: Chance, *, lifetime_seconds: int) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self.lifetime_seconds = lifetime_seconds

    async def issue(self, user_id: str) -> str:
        """A new token, good for `lifetime_seconds`."""
        token = PREFIX + self._chance.token(TOKEN_LENGTH)
        await self._store.add(_digest(token), user_id, self._clock.now_ms() + self.lifetime_seconds * 1000)
        return token

    async def owner_of(self, token: str) -> str | None:
        """Whose token it is, for the service that was given it; None when it is good no more."""
        return await self._store.owner(_digest(token), self._clock.now_ms())


def _digest(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()
