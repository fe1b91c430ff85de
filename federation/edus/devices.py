"""Device lists and keys of other servers' users, and messages to devices here."""

from typing import Any

from federation.devices.follow import DeviceFollower
from federation.edus.origin import own_user
from homeserver.encryption.to_device.send import ToDevice, checked


class DeviceEdus:
    def __init__(self, follower: DeviceFollower, to_device: ToDevice) -> None:
        self._follower = follower
        self._to_device = to_device

    async def device_list_update(self, origin: str, content: dict[str, Any]) -> None:
        own_user(content["user_id"], origin)
        await self._follower.update(content)

    async def signing_key_update(self, origin: str, content: dict[str, Any]) -> None:
        own_user(content["user_id"], origin)
        await self._follower.update_signing(content)

    async def direct_to_device(self, origin: str, content: dict[str, Any]) -> None:
        sender = own_user(content["sender"], origin)
        await self._to_device.receive(origin, content["message_id"], sender, content["type"], checked(content["messages"]))
