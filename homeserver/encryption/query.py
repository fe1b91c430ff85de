"""The keys of other people's devices (client-server API, "Tracking the device list for a user"; what is seen of signatures: "Key and signature security")."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from homeserver.encryption.delegates import KeyDelegates, NoDelegates, merge_told
from homeserver.encryption.remote import RemoteKeySource
from homeserver.encryption.signed import with_signatures
from homeserver.encryption.store import MASTER, SELF_SIGNING, USER_SIGNING, DeviceKeys, KeyStore, UserKeys
from homeserver.errors import BadJson
from homeserver.rooms.append import Identity

MAX_TIMEOUT_MS = 60_000
DEFAULT_TIMEOUT_MS = 10_000


def wanted_devices(value: Any) -> dict[str, list[str]]:
    """The body's `device_keys`; raises BadJson."""
    if not isinstance(value, dict):
        raise BadJson("device_keys must map users to lists of devices")
    for user_id, devices in value.items():
        if not user_id.startswith("@") or ":" not in user_id:
            raise BadJson("device_keys must be named by user IDs")
        if not isinstance(devices, list) or not all(isinstance(device, str) for device in devices):
            raise BadJson("device_keys must map users to lists of device IDs")
    return value


def timeout_of(body: Mapping[str, Any]) -> int:
    timeout = body.get("timeout", DEFAULT_TIMEOUT_MS)
    if type(timeout) is not int:
        raise BadJson("timeout must be an integer")
    return max(0, min(timeout, MAX_TIMEOUT_MS))


class KeyQuery:
    def __init__(self, store: KeyStore, remote: RemoteKeySource, identity: Identity, delegates: KeyDelegates | None = None) -> None:
        self._store = store
        self._remote = remote
        self._identity = identity
        self._delegates = delegates or NoDelegates()

    async def answer(self, users: Mapping[str, Sequence[str]], viewer: str, timeout_ms: int) -> dict[str, Any]:
        """The whole answer of /keys/query."""
        local = {user_id: devices for user_id, devices in users.items() if self._identity.is_local(user_id)}
        remote = {user_id: devices for user_id, devices in users.items() if user_id not in local}
        answer = await self.local(local, viewer)
        answer["failures"] = {}
        if remote:
            found = await self._remote.query(remote, timeout_ms)
            answer["device_keys"].update(found.device_keys)
            answer["master_keys"].update(found.master_keys)
            answer["self_signing_keys"].update(found.self_signing_keys)
            answer["failures"] = found.failures
            await self._add_own_signatures(answer["master_keys"], list(found.master_keys), viewer)
        return answer

    async def local(self, users: Mapping[str, Sequence[str]], viewer: str) -> dict[str, Any]:
        """What there is to tell of our own users."""
        answer = tell(await self._store.keys_of(users, viewer), viewer)
        merge_told(answer, await self._delegates.query(users), viewer)
        return answer

    async def _add_own_signatures(self, masters: dict[str, Any], user_ids: Sequence[str], viewer: str) -> None:
        known = await self._store.keys_of(dict.fromkeys(user_ids, ("",)), viewer)
        for user_id, keys in known.items():
            masters[user_id] = _signed_master(masters[user_id], keys)


def tell(users: Mapping[str, UserKeys], viewer: str) -> dict[str, Any]:
    answer: dict[str, dict[str, Any]] = {
        "device_keys": {user_id: {device.device_id: _told_device(device) for device in keys.devices} for user_id, keys in users.items()},
        "master_keys": {},
        "self_signing_keys": {},
        "user_signing_keys": {},
    }
    for user_id, keys in users.items():
        for usage, key in keys.cross_signing.items():
            if usage == MASTER:
                answer["master_keys"][user_id] = _signed_master(orjson.loads(key.body), keys)
            elif usage == SELF_SIGNING:
                answer["self_signing_keys"][user_id] = orjson.Fragment(key.body)
            elif usage == USER_SIGNING and user_id == viewer:
                answer["user_signing_keys"][user_id] = orjson.Fragment(key.body)
    return answer


def _told_device(device: DeviceKeys) -> orjson.Fragment:
    """The stored object is never empty and has no `unsigned` of its own."""
    shown = {} if device.display_name is None else {"device_display_name": device.display_name}
    return orjson.Fragment(b'%b,"unsigned":%b}' % (device.body[:-1], orjson.dumps(shown)))


def _signed_master(master: dict[str, Any], keys: UserKeys) -> dict[str, Any]:
    for signature in keys.signatures:
        if f"ed25519:{signature.public_key}" in master["keys"]:
            master = with_signatures(master, {signature.signer: {signature.key_id: signature.signature}})
    return master
