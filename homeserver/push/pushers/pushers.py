"""What people set up: their pushers (client-server API, "Push Notifications", /pushers)."""

from collections.abc import Collection
from typing import Any, Protocol
from urllib.parse import urlsplit

from homeserver.clock import Chance, Clock
from homeserver.errors import InvalidParam, MissingParam, ThreepidNotFound
from homeserver.mail.addresses import canonical
from homeserver.push.pushers.store import EMAIL, HTTP, Pusher, PusherKey, PusherStore

EMAIL_APP = "m.email"
PATH = "/_matrix/push/v1/notify"
MAX_PUSHERS = 100  # of one person
SECRET_LENGTH = 40
NEEDED = ("app_display_name", "device_display_name", "lang", "data")


class AddressBook(Protocol):
    async def owner(self, medium: str, address: str) -> str | None:
        """Whose it is."""


class Pushers:
    """`plain_http`: gateways may be reached without TLS, as they lie in one's own network. `mail`: may letters be asked for?"""

    def __init__(self, store: PusherStore, addresses: AddressBook, clock: Clock, chance: Chance, *, plain_http: bool, mail: bool) -> None:
        self._store = store
        self._addresses = addresses
        self._clock = clock
        self._chance = chance
        self._schemes = ("https", "http") if plain_http else ("https",)
        self._mail = mail

    async def of_user(self, user_id: str) -> list[dict[str, Any]]:
        return [describe(pusher) for pusher in await self._store.of_user(user_id)]

    async def remove(self, user_id: str, app_id: str, pushkey: str) -> None:
        await self._store.remove(PusherKey(user_id, app_id, pushkey))

    async def set(self, user_id: str, device_id: str | None, wanted: dict[str, Any]) -> None:
        """Raises MissingParam, InvalidParam, ThreepidNotFound."""
        missing = [name for name in NEEDED if wanted.get(name) is None]
        if missing:
            raise MissingParam(f"Missing parameters: {', '.join(missing)}")
        kind, key = wanted["kind"], PusherKey(user_id, wanted["app_id"], wanted["pushkey"])
        if kind == HTTP:
            self._check_gateway(wanted["data"])
        elif kind == EMAIL:
            key = await self._checked_address(key)
        else:
            raise InvalidParam("kind must be http, email or null")
        present = await self._store.of_user(user_id)
        if len(present) >= MAX_PUSHERS and all(pusher.key != key for pusher in present):
            raise InvalidParam("There are too many pushers")
        pusher = Pusher(
            key=key,
            kind=kind,
            app_display_name=wanted["app_display_name"],
            device_display_name=wanted["device_display_name"],
            profile_tag=wanted.get("profile_tag"),
            lang=wanted["lang"],
            data=wanted["data"],
            device_id=device_id,
            created_ts=self._clock.now_ms(),
            unsubscribe=self._chance.token(SECRET_LENGTH) if kind == EMAIL else None,
        )
        await self._store.put(pusher, alone=not wanted.get("append", False))

    async def subscription(self, secret: str) -> str | None:
        """The address that a link in a letter would take out; None when it is out already."""
        pusher = await self._store.by_unsubscribe(secret)
        return None if pusher is None else pusher.key.pushkey

    async def unsubscribe(self, secret: str) -> None:
        pusher = await self._store.by_unsubscribe(secret)
        if pusher is not None:
            await self._store.remove(pusher.key)

    def _check_gateway(self, data: dict[str, Any]) -> None:
        url = data.get("url")
        if not isinstance(url, str):
            raise MissingParam("data.url is missing")
        if not _leads_to_gateway(url, self._schemes):
            raise InvalidParam(f"data.url must be an {self._schemes[0]} address with the path {PATH}")
        if data.get("format", "event_id_only") != "event_id_only":
            raise InvalidParam("data.format may be event_id_only")

    async def _checked_address(self, key: PusherKey) -> PusherKey:
        if not self._mail:
            raise InvalidParam("This server sends no letters about messages")
        if key.app_id != EMAIL_APP:
            raise InvalidParam(f"app_id must be {EMAIL_APP}")
        address = canonical(key.pushkey)
        if await self._addresses.owner("email", address) != key.user_id:
            raise ThreepidNotFound("This is no address of your account")
        return key._replace(pushkey=address)


def _leads_to_gateway(url: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(url)
        named = bool(parts.hostname) and (parts.port or 1) > 0 and "@" not in parts.netloc
    except ValueError:
        return False
    plain = url.isascii() and url.isprintable() and " " not in url and not parts.fragment
    return named and plain and parts.scheme in schemes and parts.path == PATH


def describe(pusher: Pusher) -> dict[str, Any]:
    described = {
        "app_id": pusher.key.app_id,
        "pushkey": pusher.key.pushkey,
        "kind": pusher.kind,
        "app_display_name": pusher.app_display_name,
        "device_display_name": pusher.device_display_name,
        "lang": pusher.lang,
        "data": pusher.data,
    }
    return described if pusher.profile_tag is None else {**described, "profile_tag": pusher.profile_tag}
