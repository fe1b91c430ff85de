"""Profiles of users of other servers, kept for a short while. Fills `homeserver.profiles.remote.RemoteProfiles`.

Server-server API, "GET /query/profile".
"""

from collections import OrderedDict
from typing import Any, Final

from federation.asking.relay import relayed
from federation.client import FederationClient, v1
from homeserver.clock import Clock
from homeserver.errors import MatrixError, NotFound
from homeserver.media.locks import NamedLocks
from homeserver.profiles.fields import ROOM_FIELDS
from homeserver.protocol.ids import server_name_of
from homeserver.protocol.limits import MAX_PROFILE_BYTES

SECONDS: Final = 15.0
KEPT_SECONDS: Final = 60.0
REFUSAL_KEPT_SECONDS: Final = 10.0
MOST_KEPT: Final = 5_000

Key = tuple[str, str | None]


class FederatedProfiles:
    def __init__(self, client: FederationClient, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, dict[str, Any] | MatrixError]] = OrderedDict()
        self._asking = NamedLocks()

    async def profile(self, user_id: str, field: str | None) -> dict[str, Any]:
        """Who asks for the same meanwhile waits for it."""
        key = (user_id, field)
        async with self._asking.hold(key):
            until, told = self._kept.get(key, (0.0, None))
            if told is None or until <= self._clock.monotonic():
                told = await self._ask(user_id, field)
                self._keep(key, told)
        if isinstance(told, MatrixError):
            raise told
        return told

    async def _ask(self, user_id: str, field: str | None) -> dict[str, Any] | MatrixError:
        """What is refused is an answer, too."""
        query = {"user_id": user_id} if field is None else {"user_id": user_id, "field": field}
        asking = self._client.get(server_name_of(user_id), v1("query", "profile"), query, seconds=SECONDS, most_bytes=2 * MAX_PROFILE_BYTES)
        try:
            profile = {name: value for name, value in (await relayed(asking)).items() if _is_sound(name, value)}
        except MatrixError as error:
            return error
        if field is None:
            return profile
        return {field: profile[field]} if field in profile else NotFound("The profile has no such field")

    def _keep(self, key: Key, told: dict[str, Any] | MatrixError) -> None:
        lasts = REFUSAL_KEPT_SECONDS if isinstance(told, MatrixError) else KEPT_SECONDS
        self._kept[key] = (self._clock.monotonic() + lasts, told)
        self._kept.move_to_end(key)
        while len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)


def _is_sound(name: str, value: Any) -> bool:
    """null is another way to say that there is none."""
    return isinstance(value, str) if name in ROOM_FIELDS else value is not None
