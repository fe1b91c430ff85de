"""Keys of other servers' users, for people here. Fills `homeserver.encryption.remote.RemoteKeySource`."""

from collections.abc import Collection, Coroutine, Iterable, Mapping, Sequence
from typing import Any, Final

import orjson
from twisted.internet.defer import Deferred, DeferredList

from federation.client import FederationClient, v1
from federation.devices import shapes
from federation.devices.follow import DeviceFollower
from federation.devices.store import RemoteDevice, RemoteDeviceStore, RemoteUser
from federation.errors import BadAnswer, FederationError, RemoteRefused
from homeserver.encryption.remote import RemoteClaims, RemoteKeys
from homeserver.encryption.store import MASTER, SELF_SIGNING

MOST_FOLLOWED_AT_ONCE: Final = 20  # of one server: more are asked for in one request, and followed when they are wanted again
LEAST_SECONDS: Final = 0.1


class AskedKeys:
    def __init__(self, follower: DeviceFollower, store: RemoteDeviceStore, client: FederationClient) -> None:
        self._follower = follower
        self._store = store
        self._client = client

    async def query(self, users: Mapping[str, Sequence[str]], timeout_ms: int) -> RemoteKeys:
        found = RemoteKeys()
        sharing = await self._store.sharing(users)
        current = await self._follower.current(sharing)
        for user_id, user in current.items():
            _tell(found, user, users[user_id])
        seconds = max(timeout_ms / 1000, LEAST_SECONDS)
        missing = shapes.named(user_id for user_id in users if user_id not in current)
        await _all(
            self._of_server(server, {user_id: users[user_id] for user_id in of}, sharing, seconds, found) for server, of in missing.items()
        )
        return found

    async def claim(self, keys: Mapping[str, Mapping[str, str]], timeout_ms: int) -> RemoteClaims:
        found = RemoteClaims()
        seconds = max(timeout_ms / 1000, LEAST_SECONDS)
        servers = shapes.named(keys)
        await _all(self._claim_of(server, {user_id: keys[user_id] for user_id in of}, seconds, found) for server, of in servers.items())
        return found

    async def _of_server(
        self, server: str, wanted: Mapping[str, Sequence[str]], sharing: Collection[str], seconds: float, found: RemoteKeys
    ) -> None:
        rest = dict(wanted)
        known = [user_id for user_id in wanted if user_id in sharing]
        if len(known) <= MOST_FOLLOWED_AT_ONCE:
            followed: dict[str, RemoteUser] = {}
            await _all(self._follow(user_id, seconds, followed, found) for user_id in known)
            for user_id, user in followed.items():
                _tell(found, user, rest.pop(user_id))
        if rest and server not in found.failures:
            try:
                body = {"device_keys": {user_id: list(devices) for user_id, devices in rest.items()}}
                answer = await self._client.post(server, v1("user", "keys", "query"), body, seconds=seconds)
            except FederationError as error:
                found.failures[server] = _failure(error)
            else:
                _tell_answer(found, answer, rest)

    async def _follow(self, user_id: str, seconds: float, followed: dict[str, RemoteUser], found: RemoteKeys) -> None:
        try:
            followed[user_id] = await self._follower.fetch(user_id, seconds)
        except (RemoteRefused, BadAnswer):
            return  # asked for in another way
        except FederationError as error:
            found.failures[user_id.partition(":")[2]] = _failure(error)

    async def _claim_of(self, server: str, wanted: Mapping[str, Mapping[str, str]], seconds: float, found: RemoteClaims) -> None:
        body = {"one_time_keys": {user_id: dict(devices) for user_id, devices in wanted.items()}}
        try:
            answer = await self._client.post(server, v1("user", "keys", "claim"), body, seconds=seconds)
        except FederationError as error:
            found.failures[server] = _failure(error)
            return
        claimed = _object(answer.get("one_time_keys"))
        for user_id, devices in wanted.items():
            of_user = _object(claimed.get(user_id))
            for device_id, algorithm in devices.items():
                keys = shapes.claimed_keys(of_user.get(device_id), algorithm)
                if keys is not None:
                    found.one_time_keys.setdefault(user_id, {})[device_id] = keys


async def _all(work: Iterable[Coroutine[Deferred[Any], Any, None]]) -> None:
    """At once; the first error of our own is raised when all have ended."""
    outcomes: list[tuple[bool, Any]] = await DeferredList([Deferred.fromCoroutine(each) for each in work], consumeErrors=True)
    for succeeded, outcome in outcomes:
        if not succeeded:
            outcome.raiseException()


def _failure(error: FederationError) -> dict[str, Any]:
    return {"status": error.status, "errcode": error.errcode, "error": error.message}


def _tell(found: RemoteKeys, user: RemoteUser, wanted: Sequence[str]) -> None:
    _tell_devices(found, user.user_id, user.devices, wanted)
    if user.master_key is not None:
        found.master_keys[user.user_id] = orjson.loads(user.master_key)
    if user.self_signing_key is not None:
        found.self_signing_keys[user.user_id] = orjson.loads(user.self_signing_key)


def _tell_devices(found: RemoteKeys, user_id: str, devices: Iterable[RemoteDevice], wanted: Sequence[str]) -> None:
    told = {device.device_id: shapes.told_device(device) for device in devices if not wanted or device.device_id in wanted}
    found.device_keys[user_id] = told


def _tell_answer(found: RemoteKeys, answer: Mapping[str, Any], wanted: Mapping[str, Sequence[str]]) -> None:
    """Of users that were asked for, and no others."""
    devices = _object(answer.get("device_keys"))
    masters, self_signing = _object(answer.get("master_keys")), _object(answer.get("self_signing_keys"))
    places = ((MASTER, found.master_keys, masters), (SELF_SIGNING, found.self_signing_keys, self_signing))
    for user_id, device_ids in wanted.items():
        if user_id in devices:
            _tell_devices(found, user_id, shapes.queried_devices(user_id, devices[user_id]), device_ids)
        for usage, place, told in places:
            key = shapes.signing_key(user_id, usage, told[user_id]) if user_id in told else None
            if key is not None:
                place[user_id] = orjson.loads(key)


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
