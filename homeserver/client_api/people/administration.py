"""What administrators see and do by the client API (client-server API, "Server Administration", "Account moderation")."""

from typing import Any

from homeserver.accounts.accounts import Accounts
from homeserver.accounts.store import Account
from homeserver.devices.device_list import DeviceList
from homeserver.devices.store import Device
from homeserver.errors import Forbidden, InvalidParam
from homeserver.protocol.ids import UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, Schema, endpoint
from homeserver.web.request import Request

_ADMIN = "/_matrix/client/v1/admin"


class Administration:
    def __init__(self, accounts: Accounts, devices: DeviceList, server_name: str) -> None:
        self._accounts = accounts
        self._devices = devices
        self._server_name = server_name

    @endpoint("GET", "/_matrix/client/v3/admin/whois/{user_id}", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def whois(self, request: Request, user_id: UserId) -> Answer:
        """Everybody may ask it of oneself."""
        caller = request.user
        if not caller.is_admin and user_id != caller.user_id:
            raise Forbidden("You are not a server administrator")
        if user_id.server_name != self._server_name:
            raise InvalidParam("This user belongs to another server")
        await self._accounts.require(user_id)
        return {"user_id": user_id, "devices": {device.device_id: _sessions(device) for device in await self._devices.of(user_id)}}

    @endpoint("GET", _ADMIN + "/lock/{user_id}", access=Access.ADMIN, rate=Rate.READ, body=Body.NONE)
    async def is_locked(self, request: Request, user_id: UserId) -> Answer:
        return {"locked": (await self._accounts.governed(user_id, request.user.user_id)).locked}

    @endpoint("PUT", _ADMIN + "/lock/{user_id}", access=Access.ADMIN, rate=Rate.WRITE, body=Schema("client/lock"))
    async def lock(self, request: Request, user_id: UserId) -> Answer:
        await self._other(request, user_id)
        await self._accounts.set_locked(user_id, request.body["locked"])
        return {"locked": request.body["locked"]}

    @endpoint("GET", _ADMIN + "/suspend/{user_id}", access=Access.ADMIN, rate=Rate.READ, body=Body.NONE)
    async def is_suspended(self, request: Request, user_id: UserId) -> Answer:
        return {"suspended": (await self._accounts.governed(user_id, request.user.user_id)).suspended}

    @endpoint("PUT", _ADMIN + "/suspend/{user_id}", access=Access.ADMIN, rate=Rate.WRITE, body=Schema("client/suspend"))
    async def suspend(self, request: Request, user_id: UserId) -> Answer:
        await self._other(request, user_id)
        await self._accounts.set_suspended(user_id, request.body["suspended"])
        return {"suspended": request.body["suspended"]}

    async def _other(self, request: Request, user_id: UserId) -> Account:
        if user_id == request.user.user_id:
            raise Forbidden("You cannot do this to yourself")
        return await self._accounts.governed(user_id, request.user.user_id)


def _sessions(device: Device) -> dict[str, Any]:
    """A device is one session, and the last address it came from is all that is kept of its connections."""
    if device.last_seen_ts is None:
        return {"sessions": []}
    connection = {"ip": device.last_seen_ip, "last_seen": device.last_seen_ts, "user_agent": device.user_agent or ""}
    return {"sessions": [{"connections": [connection]}]}
