"""Other people's devices ("Tracking the device list for a user"): asked for when they are needed, in memory until they are said to have changed.

What the homeserver tells is believed as far as it is signed: device keys by the device, cross-signed ones by the chain from their user's master key.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from appservices.assistant.encryption.asking import Json, KeyServer
from appservices.assistant.encryption.secret_rooms import MEGOLM
from appservices.assistant.encryption.signing import is_signed
from appservices.assistant.encryption.slices import in_slices
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.runtime import Clock

OLM: Final = "m.olm.v1.curve25519-aes-sha2"
_FRESH_SECONDS: Final = 1800.0  # where a homeserver tells of no changes
_FAILED_SECONDS: Final = 60.0
_MOST_USERS: Final = 20_000


@dataclass(frozen=True)
class Device:
    user: str
    id: str
    key: str  # Curve25519
    signing_key: str  # Ed25519
    is_cross_signed: bool = False


@dataclass
class _Known:
    devices: dict[str, Device]
    until: float


class DeviceLists:
    def __init__(self, server: KeyServer, clock: Clock) -> None:
        self._server = server
        self._clock = clock
        self._users: OrderedDict[str, _Known] = OrderedDict()
        self._news = 0  # counts what was said to have changed, so that an answer asked for before that is not taken for fresh

    def changed(self, users: Iterable[str]) -> None:
        self._news += 1
        for user in users:
            if (known := self._users.get(user)) is not None:
                known.until = 0.0

    async def of(self, users: Iterable[str]) -> list[Device]:
        """Of all these. Raises Refused, Unreachable."""
        wanted = sorted(set(users))
        now = self._clock.monotonic()
        if old := [user for user in wanted if user not in self._users or self._users[user].until <= now]:
            await self._ask(old)
        return [device for user in wanted if user in self._users for device in self._users[user].devices.values()]

    async def find(self, user: str, key: str) -> Device | None:
        """By its Curve25519 key; asked for anew once, if it is not known yet."""
        found = next((device for device in await self.of([user]) if device.key == key), None)
        if found is None and user in self._users and self._users[user].until > self._clock.monotonic() + _FAILED_SECONDS:
            self._users[user].until = 0.0
            found = next((device for device in await self.of([user]) if device.key == key), None)
            self._users[user].until = min(self._users[user].until, self._clock.monotonic() + _FAILED_SECONDS)
        return found

    async def _ask(self, users: list[str]) -> None:
        news = self._news
        answer = await self._server.query(users)
        failed, told = set(as_object(answer.get("failures"))), as_object(answer.get("device_keys"))
        now = self._clock.monotonic()
        async for some in in_slices(users, self._clock):
            for user in some:
                known = self._users.setdefault(user, _Known({}, 0.0))
                self._users.move_to_end(user)
                if user.partition(":")[2] in failed:
                    known.until = now + _FAILED_SECONDS
                    continue
                known.devices = _read_all(user, as_object(told.get(user)), answer, known.devices)
                known.until = now + _FRESH_SECONDS if news == self._news else 0.0
        while len(self._users) > max(_MOST_USERS, len(users)):
            self._users.popitem(last=False)


def _read_all(user: str, told: Mapping[str, Any], answer: Json, known: Mapping[str, Device]) -> dict[str, Device]:
    self_signing = _self_signing_key(user, answer)
    found = {}
    for name, keys in told.items():
        device = read_device(keys, user, name)
        if device is None or (name in known and known[name].signing_key != device.signing_key):
            continue  # a device does not change its keys
        if self_signing and is_signed(keys, user, f"ed25519:{self_signing}", self_signing):
            device = Device(device.user, device.id, device.key, device.signing_key, True)
        found[name] = device
    return found


def _self_signing_key(user: str, answer: Json) -> str:
    """Where the user's master key has signed it."""
    master, key = (as_object(as_object(answer.get(name)).get(user)) for name in ("master_keys", "self_signing_keys"))
    above, below = _only_key(master, user, "master"), _only_key(key, user, "self_signing")
    return below if above and below and is_signed(key, user, f"ed25519:{above}", above) else ""


def _only_key(found: Mapping[str, Any], user: str, usage: str) -> str:
    keys = as_object(found.get("keys"))
    if found.get("user_id") != user or usage not in (found.get("usage") or ()) or len(keys) != 1:
        return ""
    name, key = next(iter(keys.items()))
    return key if isinstance(key, str) and name == f"ed25519:{key}" else ""


def read_device(found: Any, user: str, name: str) -> Device | None:
    """None unless it is that device's, can do both algorithms, and is signed by itself."""
    keys = as_object(as_object(found).get("keys"))
    key, signing_key = as_text(keys.get(f"curve25519:{name}")), as_text(keys.get(f"ed25519:{name}"))
    if not (key and signing_key) or found.get("user_id") != user or found.get("device_id") != name:
        return None
    algorithms = found.get("algorithms")
    if not isinstance(algorithms, list) or OLM not in algorithms or MEGOLM not in algorithms:
        return None
    return Device(user, name, key, signing_key) if is_signed(found, user, f"ed25519:{name}", signing_key) else None
