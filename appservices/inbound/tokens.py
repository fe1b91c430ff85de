"""As whom an application service acts (application-service API, "Identity assertion"). Fills `homeserver.accounts.access_tokens.AppserviceTokens`."""

from collections.abc import Callable
from typing import NamedTuple, Protocol

from appservices.appservice import Appservice, Appservices
from homeserver.accounts.store import ACCOUNT_CHANGE, Account
from homeserver.devices.store import DEVICE_CHANGE, Device
from homeserver.errors import Forbidden, UnknownDevice, UserDeactivated
from homeserver.figures import CacheFigures
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams
from homeserver.web.endpoint import Caller

MAX_CACHED = 20_000


class AccountLookup(Protocol):
    async def account(self, user_id: str) -> Account | None: ...


class DeviceLookup(Protocol):
    async def devices(self, user_id: str) -> list[Device]: ...


class _Known(NamedTuple):
    """What is asked of an asserted user."""

    account: Account | None
    devices: frozenset[str]


class RegisteredTokens:
    """`heard` is told of each request: a sign of life."""

    def __init__(
        self, services: Appservices, accounts: AccountLookup, devices: DeviceLookup, streams: Streams, heard: Callable[[Appservice], None]
    ) -> None:
        self._services = services
        self._accounts = accounts
        self._devices = devices
        self._heard = heard
        self._cache: StreamCache[_Known] = StreamCache(self._load, lambda _known, _change: False, lambda _: 1, MAX_CACHED)
        if services:
            streams.subscribe(self._follow)

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    def owner(self, token: str) -> Caller | None:
        service = self._services.by_token(token)
        if service is None:
            return None
        self._heard(service)
        return Caller(service.sender, None, 0, appservice=service.id, unlimited=True)

    async def find_asserted(self, service: Caller, user_id: str | None, device_id: str | None) -> Caller:
        """Raises Forbidden, UserDeactivated, UnknownDevice."""
        found = self._services.get(service.appservice or "")
        asserted = user_id or service.user_id
        if found is None or not found.owns_user(asserted):
            raise Forbidden("The application service cannot act as this user, who is in none of its namespaces")
        known = await self._cache.get(asserted)
        account = known.account
        if account is None:
            raise Forbidden("The application service has not registered this user")
        if account.deactivated:
            raise UserDeactivated
        if device_id is not None and device_id not in known.devices:
            raise UnknownDevice("The user has no device with this ID")
        return Caller(
            asserted,
            device_id,
            0,
            appservice=found.id,
            locked=account.locked,
            suspended=account.suspended,
            unlimited=asserted == found.sender or not found.registration.rate_limited,
        )

    async def _load(self, user_id: str) -> _Known:
        account = await self._accounts.account(user_id)
        devices = () if account is None else await self._devices.devices(user_id)
        return _Known(account, frozenset(device.device_id for device in devices))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._cache.clear()
        for change in changes:
            if change.kind in (ACCOUNT_CHANGE, DEVICE_CHANGE) and change.user_id is not None:
                self._cache.follow(change.user_id, change)
