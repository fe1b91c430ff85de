"""Refresh tokens (client-server API, "Refreshing access tokens").

A refresh token stays usable until one of the tokens that follow it is used. If it is used after that, somebody else holds a copy, and all tokens
of the device end; the device stays, its owner logs in again.
"""

from twisted.logger import Logger

from homeserver.accounts.issue import Grant, Issuer
from homeserver.accounts.store import TokenStore
from homeserver.accounts.token_text import digest
from homeserver.clock import Clock
from homeserver.errors import UnknownToken, UserLocked


class Refresher:
    _log = Logger()

    def __init__(self, store: TokenStore, issuer: Issuer, clock: Clock) -> None:
        self._store = store
        self._issuer = issuer
        self._clock = clock

    async def refresh(self, refresh_token: str) -> Grant:
        """New tokens; raises UnknownToken or UserLocked."""
        refresh_hash = digest(refresh_token)
        owner = await self._store.refresh_owner(refresh_hash)
        if owner is None:
            raise UnknownToken("Unrecognised refresh token", soft_logout=False)
        if owner.locked:
            raise UserLocked(soft_logout=True)
        if owner.revoked:
            await self._store.revoke_tokens(owner.user_id, owner.device_id)
            self._log.warn("A replaced refresh token was used again: tokens of a device of {user} revoked", user=owner.user_id)
            raise UnknownToken("The refresh token has been used already", soft_logout=True)
        if owner.expires_ts is not None and owner.expires_ts <= self._clock.now_ms():
            raise UnknownToken("The refresh token has expired", soft_logout=True)
        grant, renewal = self._issuer.renew(owner.user_id, owner.device_id)
        if not await self._store.renew(refresh_hash, renewal):
            raise UnknownToken("The refresh token has been used already", soft_logout=True)
        return grant
