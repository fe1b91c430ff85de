"""One's own devices (client-server API, "Device management")."""

from typing import Any

from homeserver.accounts.interactive_auth import InteractiveAuth
from homeserver.client_api.people.interactive import confirm
from homeserver.devices.device_id import check_device_id
from homeserver.devices.device_list import DeviceList
from homeserver.devices.store import Device
from homeserver.errors import MissingParam
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, Schema, endpoint
from homeserver.web.request import Request


def _describe(device: Device) -> dict[str, Any]:
    answer: dict[str, Any] = {"device_id": device.device_id}
    if device.display_name is not None:
        answer["display_name"] = device.display_name
    if device.last_seen_ts is not None:
        answer["last_seen_ts"] = device.last_seen_ts
        answer["last_seen_ip"] = device.last_seen_ip
    return answer


class Devices:
    def __init__(self, devices: DeviceList, auth: InteractiveAuth) -> None:
        self._devices = devices
        self._auth = auth

    @endpoint("GET", "/_matrix/client/v3/devices", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def list(self, request: Request) -> Answer:
        return {"devices": [_describe(device) for device in await self._devices.of(request.user.user_id)]}

    @endpoint("GET", "/_matrix/client/v3/devices/{device_id}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, device_id: str) -> Answer:
        return _describe(await self._devices.one(request.user.user_id, device_id))

    @endpoint("PUT", "/_matrix/client/v3/devices/{device_id}", access=Access.GUEST, rate=Rate.WRITE, body=Schema("client/device"))
    async def update(self, request: Request, device_id: str) -> Answer:
        """Application services may make new devices so."""
        caller = request.user
        name = request.body.get("display_name")
        if caller.appservice is None:
            await self._devices.rename(caller.user_id, device_id, name)
            return {}
        is_new = await self._devices.create_or_rename(caller.user_id, check_device_id(device_id), name)
        return Reply({}, 201 if is_new else 200)

    @endpoint(
        "DELETE",
        "/_matrix/client/v3/devices/{device_id}",
        access=Access.USER,
        rate=Rate.WRITE,
        body=Schema("client/interactive", optional=True),
    )
    async def delete(self, request: Request, device_id: str) -> Answer:
        if request.user.appservice is None:
            await confirm(self._auth, request)
        await self._devices.remove(request.user.user_id, (device_id,))
        return {}

    @endpoint("POST", "/_matrix/client/v3/delete_devices", access=Access.USER, rate=Rate.WRITE, body=Schema("client/delete_devices"))
    async def delete_several(self, request: Request) -> Answer:
        body = request.body
        if "devices" not in body and body.get("auth") is None:
            raise MissingParam("devices is missing")
        if request.user.appservice is None:
            body = (await confirm(self._auth, request)).parameters
        await self._devices.remove(request.user.user_id, body.get("devices", ()))
        return {}
