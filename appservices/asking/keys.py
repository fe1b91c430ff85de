"""Keys that an application service keeps for its users instead of this server (MSC3983, MSC3984). Fills `homeserver.encryption.delegates.KeyDelegates`.

Asked are services with a namespace of users that is theirs alone; one that does not know the question is left alone for a while.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from appservices.appservice import Appservice, Appservices
from appservices.client import AppserviceClient, as_object, knows_no_path
from appservices.errors import CannotReach
from homeserver.clock import Clock
from homeserver.encryption.delegates import TOLD, Claimed

V = TypeVar("V")

CLAIM = "/_matrix/app/unstable/org.matrix.msc3983/keys/claim"
QUERY = "/_matrix/app/unstable/org.matrix.msc3984/keys/query"
SECONDS = 8.0  # people wait for it
LEFT_ALONE_S = 3600.0  # when the question is unknown
TRIED_AGAIN_S = 30.0  # when nobody answers


class AppserviceKeys:
    _log = Logger()

    def __init__(self, services: Appservices, client: AppserviceClient, clock: Clock) -> None:
        self._services = services
        self._client = client
        self._clock = clock
        self._left_alone: dict[tuple[str, str], float] = {}

    def answers_for(self, user_id: str) -> bool:
        return bool(self._services) and self._owner(user_id, CLAIM) is not None

    async def query(self, users: Mapping[str, Sequence[str]]) -> Mapping[str, Mapping[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for answer, asked in await self._ask_all(QUERY, users):
            for kind in TOLD:
                told = answer.get(kind)
                for user_id, keys in told.items() if isinstance(told, dict) else ():
                    if user_id in asked and isinstance(keys, dict):
                        found.setdefault(kind, {})[user_id] = _devices(user_id, keys) if kind == TOLD[0] else keys
        return found

    async def claim(self, wanted: Mapping[str, Mapping[str, str]]) -> Claimed:
        bodies = {user_id: {device: [algorithm] for device, algorithm in devices.items()} for user_id, devices in wanted.items()}
        claimed: Claimed = {}
        for answer, asked in await self._ask_all(CLAIM, bodies):
            for user_id in asked:
                devices = answer.get(user_id)
                for device_id, algorithm in wanted[user_id].items():
                    keys = devices.get(device_id) if isinstance(devices, dict) else None
                    key = _first(keys, algorithm)
                    if key:
                        claimed.setdefault(user_id, {})[device_id] = key
        return claimed

    def _owner(self, user_id: str, path: str) -> Appservice | None:
        """Who may be asked about the user now."""
        service = self._services.owner_of_user(user_id)
        if service is None or not service.registration.url:
            return None
        return None if self._left_alone.get((service.id, path), 0.0) > self._clock.monotonic() else service

    async def _ask_all(self, path: str, users: Mapping[str, V]) -> list[tuple[dict[str, Any], Mapping[str, V]]]:
        """What each service said, and about whom it was asked."""
        if not self._services:
            return []
        by_service: dict[Appservice, dict[str, V]] = {}
        for user_id, what in users.items():
            service = self._owner(user_id, path)
            if service is not None:
                by_service.setdefault(service, {})[user_id] = what
        asking = [Deferred.fromCoroutine(self._ask(service, path, asked)) for service, asked in by_service.items()]
        outcomes: list[tuple[bool, dict[str, Any]]] = await DeferredList(asking, consumeErrors=True)
        return [(answer, asked) for (is_done, answer), asked in zip(outcomes, by_service.values(), strict=True) if is_done]

    async def _ask(self, service: Appservice, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._client.post(service, path, body, seconds=SECONDS)
        except CannotReach as error:
            self._log.info("application service {id} cannot be asked for keys: {error}", id=service.id, error=str(error))
            self._leave_alone(service, path, TRIED_AGAIN_S)
            return {}
        if knows_no_path(answer):
            self._leave_alone(service, path, LEFT_ALONE_S)
        return (as_object(answer) or {}) if answer.is_good else {}

    def _leave_alone(self, service: Appservice, path: str, seconds: float) -> None:
        self._left_alone[service.id, path] = self._clock.monotonic() + seconds


def _devices(user_id: str, keys: Mapping[str, Any]) -> dict[str, Any]:
    """Those that claim to be what they are given as."""
    return {
        device_id: device
        for device_id, device in keys.items()
        if isinstance(device, dict) and device.get("user_id") == user_id and device.get("device_id") == device_id
    }


def _first(keys: Any, algorithm: str) -> dict[str, Any]:
    """One key of that algorithm, by its name."""
    if not isinstance(keys, dict):
        return {}
    return dict([found for found in keys.items() if found[0].startswith(f"{algorithm}:") and isinstance(found[1], dict | str)][:1])
