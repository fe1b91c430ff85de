"""Tokens that let people register (client-server API, "Token-authenticated registration")."""

from collections.abc import Sequence

from homeserver.accounts.store import RegistrationToken, RegistrationTokenStore
from homeserver.clock import Chance, Clock
from homeserver.errors import InvalidParam, NotFound

MAX_LENGTH = 64
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=-/+~")
_MADE_LENGTH = 16


class RegistrationTokens:
    def __init__(self, store: RegistrationTokenStore, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance

    async def create(
        self, token: str | None = None, *, uses_allowed: int | None = None, expires_ts: int | None = None
    ) -> RegistrationToken:
        """A made up token where none is given; raises InvalidParam for a malformed one or one that there is."""
        token = self._chance.token(_MADE_LENGTH) if token is None else token
        if not is_well_formed(token):
            raise InvalidParam(f"A registration token has 1 to {MAX_LENGTH} characters of A-Z, a-z, 0-9 and ._=-/+~")
        self._check_limits(uses_allowed, expires_ts)
        made = RegistrationToken(token, uses_allowed, 0, 0, expires_ts)
        if not await self._store.add(made):
            raise InvalidParam("There is such a registration token already")
        return made

    async def find(self, token: str) -> RegistrationToken:
        """Raises NotFound."""
        found = await self._store.find(token) if is_well_formed(token) else None
        if found is None:
            raise NotFound("There is no such registration token")
        return found

    async def all(self) -> Sequence[RegistrationToken]:
        return await self._store.all()

    async def limit(self, token: str, uses_allowed: int | None, expires_ts: int | None) -> RegistrationToken:
        """Sets both limits anew; None lifts one. Raises NotFound, InvalidParam."""
        self._check_limits(uses_allowed, expires_ts)
        if not is_well_formed(token) or not await self._store.limit(token, uses_allowed, expires_ts):
            raise NotFound("There is no such registration token")
        return await self.find(token)

    async def delete(self, token: str) -> None:
        """Raises NotFound."""
        if not is_well_formed(token) or not await self._store.remove(token):
            raise NotFound("There is no such registration token")

    async def is_valid(self, token: str) -> bool:
        """Whether somebody could register with it now."""
        found = await self._store.find(token) if is_well_formed(token) else None
        return found is not None and self.is_usable(found)

    def is_usable(self, token: RegistrationToken) -> bool:
        in_time = token.expires_ts is None or token.expires_ts > self._clock.now_ms()
        return in_time and (token.uses_allowed is None or token.pending + token.completed < token.uses_allowed)

    def _check_limits(self, uses_allowed: int | None, expires_ts: int | None) -> None:
        if uses_allowed is not None and uses_allowed < 0:
            raise InvalidParam("uses_allowed must be at least 0")
        if expires_ts is not None and expires_ts <= self._clock.now_ms():
            raise InvalidParam("The expiry time has passed already")


def is_well_formed(token: str) -> bool:
    return 0 < len(token) <= MAX_LENGTH and _ALLOWED.issuperset(token)
