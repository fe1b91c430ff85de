"""Devices and keys of our users, as other servers ask for them (server-server API, "Device Management", "End-to-End Encryption")."""

from typing import Any

import orjson

from federation.devices.store import RemoteDeviceStore
from federation.outbound.key_news import public_signing_keys
from homeserver.encryption.claim import KeyClaims, wanted_keys
from homeserver.encryption.query import KeyQuery, wanted_devices
from homeserver.encryption.store import Claim, KeyStore, UserKeys
from homeserver.errors import NotFound
from homeserver.protocol.ids import UserId
from homeserver.rooms.append import Identity
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class DeviceEndpoints:
    def __init__(self, keys: KeyStore, query: KeyQuery, claims: KeyClaims, store: RemoteDeviceStore, identity: Identity) -> None:
        self._keys = keys
        self._query = query
        self._claims = claims
        self._store = store
        self._identity = identity

    @endpoint("GET", "/_matrix/federation/v1/user/devices/{user_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def devices(self, request: Request, user_id: UserId) -> Answer:
        if not self._identity.is_local(user_id):
            raise NotFound("This user is not of this server")
        stream_id = await self._store.own_stream_id(user_id)  # first: an update that comes meanwhile is told again, not missed
        keys: UserKeys = (await self._keys.keys_of({user_id: ()}, user_id))[user_id]
        devices = []
        for device in keys.devices:
            told: dict[str, Any] = {"device_id": device.device_id, "keys": orjson.Fragment(device.body)}
            if device.display_name is not None:
                told["device_display_name"] = device.display_name
            devices.append(told)
        return {"user_id": user_id, "stream_id": stream_id, "devices": devices, **public_signing_keys(keys)}

    @endpoint("POST", "/_matrix/federation/v1/user/keys/query", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def query(self, request: Request) -> Answer:
        wanted = wanted_devices(request.body.get("device_keys"))
        local = {user_id: devices for user_id, devices in wanted.items() if self._identity.is_local(user_id)}
        answer = await self._query.local(local, "")
        del answer["user_signing_keys"]
        return answer

    @endpoint("POST", "/_matrix/federation/v1/user/keys/claim", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def claim(self, request: Request) -> Answer:
        wanted = wanted_keys(request.body.get("one_time_keys"))
        claims = [
            Claim(user_id, device_id, algorithm)
            for user_id, devices in wanted.items()
            if self._identity.is_local(user_id)
            for device_id, algorithm in devices.items()
        ]
        return {"one_time_keys": await self._claims.local(claims)}
