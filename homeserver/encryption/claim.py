"""One-time keys are given out (client-server API, "One-time and fallback keys")."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from homeserver.encryption.delegates import Claimed, KeyDelegates, NoDelegates
from homeserver.encryption.remote import RemoteKeySource
from homeserver.encryption.store import Claim, KeyStore
from homeserver.errors import BadJson, InvalidParam
from homeserver.rooms.append import Identity

MAX_CLAIMS = 5_000


def wanted_keys(value: Any) -> dict[str, dict[str, str]]:
    """The body's `one_time_keys`; raises BadJson, InvalidParam."""
    if not isinstance(value, dict):
        raise BadJson("one_time_keys must map users to devices")
    for user_id, devices in value.items():
        if not user_id.startswith("@") or ":" not in user_id:
            raise BadJson("one_time_keys must be named by user IDs")
        if not isinstance(devices, dict) or not all(isinstance(algorithm, str) for algorithm in devices.values()):
            raise BadJson("one_time_keys must map users to devices, and these to an algorithm")
    if sum(map(len, value.values())) > MAX_CLAIMS:
        raise InvalidParam(f"At most {MAX_CLAIMS} keys can be claimed at once")
    return value


class KeyClaims:
    def __init__(self, store: KeyStore, remote: RemoteKeySource, identity: Identity, delegates: KeyDelegates | None = None) -> None:
        self._store = store
        self._remote = remote
        self._identity = identity
        self._delegates = delegates or NoDelegates()

    async def answer(self, wanted: Mapping[str, Mapping[str, str]], timeout_ms: int) -> dict[str, Any]:
        """The whole answer of /keys/claim."""
        local = [
            Claim(user_id, device_id, algorithm)
            for user_id, devices in wanted.items()
            if self._identity.is_local(user_id)
            for device_id, algorithm in devices.items()
        ]
        remote = {user_id: devices for user_id, devices in wanted.items() if not self._identity.is_local(user_id)}
        claimed = await self.local(local)
        if not remote:
            return {"one_time_keys": claimed, "failures": {}}
        found = await self._remote.claim(remote, timeout_ms)
        return {"one_time_keys": {**claimed, **found.one_time_keys}, "failures": found.failures}

    async def local(self, claims: Sequence[Claim]) -> Claimed:
        """Keys of our own users' devices, as far as there are any."""
        if not claims:
            return {}
        claimed = await self._from_delegates(claims)
        claims = [claim for claim in claims if claim.device_id not in claimed.get(claim.user_id, {})]
        for claim, key in zip(claims, await self._store.claim(claims), strict=True):
            if key is not None:
                of_user = claimed.setdefault(claim.user_id, {})
                of_user[claim.device_id] = {key.name: orjson.Fragment(key.body)}
        return claimed

    async def _from_delegates(self, claims: Sequence[Claim]) -> Claimed:
        """Of devices that have none left here; a fallback key is the last resort."""
        wanted: dict[str, dict[str, str]] = {}
        for user_id, device_id, algorithm in claims:
            if self._delegates.answers_for(user_id) and not (await self._store.counts(user_id, device_id)).one_time.get(algorithm):
                wanted.setdefault(user_id, {})[device_id] = algorithm
        return await self._delegates.claim(wanted) if wanted else {}
