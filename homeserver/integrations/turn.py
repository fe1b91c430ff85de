"""Credentials for the TURN server through which calls find their way (client-server API, "Voice over IP").

With a secret shared with the TURN server they are made anew for each user and expire, in the way that coturn calls its REST API: the name is the
time of the end and the user, the password its HMAC-SHA1.
"""

import hmac
from base64 import b64encode
from typing import Any

from config.outgoing import Turn
from homeserver.clock import Clock


class TurnCredentials:
    def __init__(self, settings: Turn, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock

    def of(self, user_id: str, *, is_guest: bool) -> dict[str, Any] | None:
        """What the client needs; None where there is no TURN server for this user."""
        settings = self._settings
        if not settings.uris or (is_guest and not settings.guests):
            return None
        if settings.shared_secret:
            name = f"{self._clock.now_ms() // 1000 + settings.ttl_seconds}:{user_id}"
            password = b64encode(hmac.digest(settings.shared_secret.reveal().encode(), name.encode(), "sha1")).decode()
        elif settings.username:
            name, password = settings.username, settings.password.reveal()
        else:
            return None
        return {"username": name, "password": password, "ttl": settings.ttl_seconds, "uris": list(settings.uris)}
