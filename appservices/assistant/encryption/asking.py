"""What is asked of the homeserver about keys, as the assistant's device ("Identity assertion" of the application-service API, once MSC3202)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Protocol
from urllib.parse import quote

from appservices.assistant.matrix.events import as_object
from appservices.assistant.runtime import Chance

_V3: Final = "/_matrix/client/v3"
_USERS_AT_ONCE: Final = 250
_DEVICES_AT_ONCE: Final = 100
Json = dict[str, Any]
Letters = Mapping[tuple[str, str], Mapping[str, Any]]  # (user, device) to content


class Asks(Protocol):
    async def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None) -> Json: ...


class KeyServer:
    """Raises what `ask` raises: Refused, Unreachable."""

    def __init__(self, homeserver: Asks, chance: Chance, user: str, device: str) -> None:
        self._homeserver = homeserver
        self._chance = chance
        self._device = device
        self._as_device = {"user_id": user, "device_id": device, "org.matrix.msc3202.device_id": device}

    async def make_device(self, name: str) -> None:
        """Made where it is not there ("Creating devices", once MSC4190)."""
        await self._homeserver.ask("PUT", f"{_V3}/devices/{quote(self._device, safe='')}", {"display_name": name})

    async def upload(self, body: Mapping[str, Any]) -> dict[str, int]:
        """How many one-time keys there are then, by algorithm."""
        answer = await self._homeserver.ask("POST", f"{_V3}/keys/upload", body, self._as_device)
        return {name: count for name, count in as_object(answer.get("one_time_key_counts")).items() if isinstance(count, int)}

    async def upload_cross_signing(self, body: Mapping[str, Any]) -> None:
        await self._homeserver.ask("POST", f"{_V3}/keys/device_signing/upload", body, self._as_device)

    async def upload_signatures(self, body: Mapping[str, Any]) -> Json:
        """What failed."""
        return dict(as_object((await self._homeserver.ask("POST", f"{_V3}/keys/signatures/upload", body, self._as_device)).get("failures")))

    async def query(self, users: Sequence[str]) -> Json:
        """`device_keys`, `master_keys`, `self_signing_keys`, and the servers among `failures`."""
        found: Json = {}
        for start in range(0, len(users), _USERS_AT_ONCE):
            body = {"device_keys": {user: [] for user in users[start : start + _USERS_AT_ONCE]}, "timeout": 10_000}
            answer = await self._homeserver.ask("POST", f"{_V3}/keys/query", body, self._as_device)
            for name in ("device_keys", "master_keys", "self_signing_keys", "failures"):
                found.setdefault(name, {}).update(as_object(answer.get(name)))
        return found

    async def claim(self, devices: Sequence[tuple[str, str]]) -> Json:
        """User to device to one-time key; nothing for those that have none left."""
        found: Json = {}
        for start in range(0, len(devices), _USERS_AT_ONCE):
            wanted: dict[str, dict[str, str]] = {}
            for user, device in devices[start : start + _USERS_AT_ONCE]:
                wanted.setdefault(user, {})[device] = "signed_curve25519"
            answer = await self._homeserver.ask("POST", f"{_V3}/keys/claim", {"one_time_keys": wanted, "timeout": 10_000}, self._as_device)
            for user, keys in as_object(answer.get("one_time_keys")).items():
                found.setdefault(user, {}).update(as_object(keys))
        return found

    async def send(self, kind: str, letters: Letters) -> None:
        for some in _slices(list(letters.items()), _DEVICES_AT_ONCE):
            messages: dict[str, dict[str, Any]] = {}
            for (user, device), content in some:
                messages.setdefault(user, {})[device] = content
            path = f"{_V3}/sendToDevice/{quote(kind, safe='')}/{self._chance.token(20)}"
            await self._homeserver.ask("PUT", path, {"messages": messages}, self._as_device)


def _slices(found: list[Any], count: int) -> Iterable[list[Any]]:
    return (found[start : start + count] for start in range(0, len(found), count))
