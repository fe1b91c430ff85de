"""A device with its tokens, as login and registration give them out (client-server API, "Relationship between access tokens and devices")."""

from typing import Any, NamedTuple

from config.accounts import Sessions
from homeserver.accounts.store import NewLogin, Renewal
from homeserver.accounts.token_text import ACCESS, REFRESH, digest, make
from homeserver.clock import Chance, Clock
from homeserver.devices.device_id import check_device_id

_DEVICE_ID_LENGTH = 10
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Grant(NamedTuple):
    """What the client is told, once: nobody here can tell it again."""

    user_id: str
    device_id: str
    access_token: str
    refresh_token: str | None
    expires_in_ms: int | None

    def __repr__(self) -> str:
        return f"<Grant {self.user_id} {self.device_id}>"

    def answer(self, server_name: str) -> dict[str, Any]:
        """What login and registration answer. `home_server` is for old clients."""
        told: dict[str, Any] = {
            "user_id": self.user_id,
            "access_token": self.access_token,
            "device_id": self.device_id,
            "home_server": server_name,
        }
        if self.refresh_token is not None:
            told["refresh_token"] = self.refresh_token
        if self.expires_in_ms is not None:
            told["expires_in_ms"] = self.expires_in_ms
        return told


class Issuer:
    """Makes tokens; what is to be stored for them comes beside the grant."""

    def __init__(self, settings: Sessions, clock: Clock, chance: Chance) -> None:
        self._settings = settings
        self._clock = clock
        self._chance = chance

    def device_id(self) -> str:
        return "".join(_LETTERS[code % 26] for code in self._chance.token_bytes(_DEVICE_ID_LENGTH))

    def log_in(self, user_id: str, device_id: str | None, display_name: str | None, *, refreshable: bool) -> tuple[Grant, NewLogin]:
        """Raises InvalidParam for a device ID that is none."""
        now_ms = self._clock.now_ms()
        device_id = check_device_id(device_id) if device_id else self.device_id()
        lifetime_ms = self._lifetime_ms(refreshable=refreshable)
        access = make(self._chance, ACCESS)
        refresh = make(self._chance, REFRESH) if refreshable else None
        login = NewLogin(
            user_id,
            device_id,
            display_name,
            now_ms,
            digest(access),
            None if lifetime_ms is None else now_ms + lifetime_ms,
            None if refresh is None else digest(refresh),
            None if refresh is None else self._refresh_expiry(now_ms),
        )
        return Grant(user_id, device_id, access, refresh, lifetime_ms), login

    def renew(self, user_id: str, device_id: str) -> tuple[Grant, Renewal]:
        now_ms = self._clock.now_ms()
        lifetime_ms = self._lifetime_ms(refreshable=True)
        access, refresh = make(self._chance, ACCESS), make(self._chance, REFRESH)
        expires_ts = None if lifetime_ms is None else now_ms + lifetime_ms
        renewal = Renewal(digest(access), expires_ts, digest(refresh), self._refresh_expiry(now_ms))
        return Grant(user_id, device_id, access, refresh, lifetime_ms), renewal

    def _lifetime_ms(self, *, refreshable: bool) -> int | None:
        settings = self._settings
        seconds = settings.refreshable_access_token_seconds if refreshable else settings.access_token_seconds
        return seconds * 1000 or None

    def _refresh_expiry(self, now_ms: int) -> int | None:
        seconds = self._settings.refresh_token_seconds
        return now_ms + seconds * 1000 if seconds else None
