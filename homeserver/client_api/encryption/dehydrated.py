"""Dehydrated devices (MSC3814, under its unstable name)."""

from typing import Any

import orjson

from homeserver.encryption.dehydrated import EVENTS_AT_ONCE, DehydratedDevices
from homeserver.errors import BadJson
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_DEVICE = "/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device"


class DehydratedEndpoints:
    def __init__(self, devices: DehydratedDevices) -> None:
        self._devices = devices

    @endpoint("PUT", _DEVICE, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def put(self, request: Request) -> Answer:
        return {"device_id": await self._devices.replace(request.user.user_id, request.body)}

    @endpoint("GET", _DEVICE, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request) -> Answer:
        device = await self._devices.get(request.user.user_id)
        return {"device_id": device.device_id, "device_data": orjson.Fragment(device.device_data)}

    @endpoint("DELETE", _DEVICE, access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete(self, request: Request) -> Answer:
        return {"device_id": await self._devices.remove(request.user.user_id)}

    @endpoint("GET", _DEVICE + "/{device_id}/events", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def events(self, request: Request, device_id: str) -> Answer:
        most = request.integer("limit", EVENTS_AT_ONCE, least=1, most=EVENTS_AT_ONCE)
        waiting, token = await self._devices.events(request.user.user_id, device_id, request.text("from"), most)
        answer: dict[str, Any] = {"events": [orjson.Fragment(letter.event) for letter in waiting]}
        return answer | {"next_batch": token} if len(waiting) == most else answer

    @endpoint("POST", _DEVICE + "/{device_id}/events", access=Access.USER, rate=Rate.READ, body=Body.OPTIONAL_OBJECT)
    async def events_as_before(self, request: Request, device_id: str) -> Answer:
        """Of an earlier draft, for clients that go on until there are no more events."""
        since = request.body.get("next_batch")
        if since is not None and not isinstance(since, str):
            raise BadJson("next_batch must be text")
        waiting, token = await self._devices.events(request.user.user_id, device_id, since)
        return {"events": [orjson.Fragment(letter.event) for letter in waiting], "next_batch": token}
