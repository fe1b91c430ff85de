"""From an access token to its owner, from memory on the hot path (client-server API, "Using access tokens", "Refreshing access tokens")."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from homeserver.accounts.store import ACCOUNT_CHANGE, TokenOwner, TokenStore
from homeserver.accounts.token_text import digest, token_id
from homeserver.clock import Clock
from homeserver.devices.store import TOKEN_CHANGE
from homeserver.errors import Forbidden, UnknownToken
from homeserver.figures import CacheFigures
from homeserver.streams import Change, Streams

MAX_CACHED = 20_000
C = TypeVar("C")


class AppserviceTokens(Protocol[C]):
    """Tokens of application services, and as whom their owners may act."""

    def owner(self, token: str) -> C | None: ...

    async def find_asserted(self, service: C, user_id: str | None, device_id: str | None) -> C:
        """Raises Forbidden outside the service's namespaces, and for users that do not exist."""


class NoAppserviceTokens(Generic[C]):
    """No application service is registered."""

    def owner(self, token: str) -> C | None:  # part of the port
        return None

    async def find_asserted(self, service: C, user_id: str | None, device_id: str | None) -> C:  # part of the port
        raise Forbidden("No application service is registered")


class AccessTokens(Generic[C]):
    """Remembers the owners of the tokens in use; forgets them when the stream says that they are no more."""

    def __init__(
        self, store: TokenStore, streams: Streams, clock: Clock, form: Callable[[TokenOwner, int], C], appservices: AppserviceTokens[C]
    ) -> None:
        self._store = store
        self._clock = clock
        self._form = form
        self._appservices = appservices
        self._known: OrderedDict[bytes, tuple[C, str, int | None]] = OrderedDict()
        self._of_user: dict[str, set[bytes]] = {}
        self._loads = 0
        self._changes = 0  # how often something was forgotten: what was read before that is not remembered
        streams.subscribe(self._follow)

    def cached(self, token: str) -> C | None:
        """Without waiting; None says nothing."""
        token_hash = digest(token)
        found = self._known.get(token_hash)
        if found is None:
            return None
        if found[2] is not None and found[2] <= self._clock.now_ms():
            self._forget(token_hash)
            return None
        self._known.move_to_end(token_hash)
        return found[0]

    async def find(self, token: str) -> C | None:
        """None for a token nobody has; raises UnknownToken with soft_logout for one that has expired."""
        service = self._appservices.owner(token)
        if service is not None:
            return service
        token_hash = digest(token)
        changes = self._changes
        self._loads += 1
        owner = await self._store.owner(token_hash)
        if owner is None:
            return None
        if owner.expires_ts is not None and owner.expires_ts <= self._clock.now_ms():
            raise UnknownToken("The access token has expired", soft_logout=True)
        if owner.replaces is not None:
            await self._store.settle(owner.replaces)
            return await self.find(token)
        caller = self._form(owner, token_id(token_hash))
        if changes == self._changes:
            self._remember(token_hash, caller, owner)
        return caller

    async def refreshed(self, user_id: str, device_id: str) -> C | None:
        """The owner by a token that took the place of another of the device; None: there is no such token."""
        owner = await self._store.refreshed_owner(user_id, device_id)
        return None if owner is None else self._form(owner, 0)

    async def find_asserted(self, service: C, user_id: str | None, device_id: str | None) -> C:
        return await self._appservices.find_asserted(service, user_id, device_id)

    async def end(self, token: str) -> None:
        """Ends a token that belongs to no device."""
        await self._store.log_out(digest(token))

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._known), len(self._known), MAX_CACHED, self._loads)

    def __len__(self) -> int:
        return len(self._known)

    def _remember(self, token_hash: bytes, caller: C, owner: TokenOwner) -> None:
        self._known[token_hash] = (caller, owner.user_id, owner.expires_ts)
        self._of_user.setdefault(owner.user_id, set()).add(token_hash)
        while len(self._known) > MAX_CACHED:
            self._forget(next(iter(self._known)))

    def _forget(self, token_hash: bytes) -> None:
        found = self._known.pop(token_hash, None)
        if found is not None:
            hashes = self._of_user[found[1]]
            hashes.discard(token_hash)
            if not hashes:
                del self._of_user[found[1]]

    def _follow(self, changes: list[Change]) -> None:
        if not changes:  # positions were stepped over
            self._changes += 1
            self._known.clear()
            self._of_user.clear()
        for change in changes:
            if change.kind in (TOKEN_CHANGE, ACCOUNT_CHANGE) and change.user_id is not None:
                self._changes += 1
                hashes = change.subject if change.kind == TOKEN_CHANGE else None
                for token_hash in hashes if isinstance(hashes, tuple) else tuple(self._of_user.get(change.user_id, ())):
                    self._forget(token_hash)
