"""The list of a user's devices (client-server API, "Device management")."""

from collections.abc import Sequence

from homeserver.clock import Clock
from homeserver.devices.last_seen import LastSeen
from homeserver.devices.store import Device, DeviceStore, NamedAsKey
from homeserver.errors import Forbidden, NotFound


class DeviceList:
    """Reads and changes it. Removing a device revokes its tokens."""

    def __init__(self, store: DeviceStore, last_seen: LastSeen, clock: Clock) -> None:
        self._store = store
        self._last_seen = last_seen
        self._clock = clock

    async def of(self, user_id: str) -> list[Device]:
        devices = await self._store.devices(user_id)
        return [self._last_seen.refresh(device) for device in devices]

    async def one(self, user_id: str, device_id: str) -> Device:
        """Raises NotFound."""
        device = await self._store.device(user_id, device_id)
        if device is None:
            raise NotFound("You have no device with this ID")
        return self._last_seen.refresh(device)

    async def rename(self, user_id: str, device_id: str, display_name: str | None) -> None:
        """None leaves the name as it is; raises NotFound."""
        if display_name is None:
            await self.one(user_id, device_id)
        elif not await self._store.rename(user_id, device_id, display_name):
            raise NotFound("You have no device with this ID")

    async def create_or_rename(self, user_id: str, device_id: str, display_name: str | None) -> bool:
        """What application services may do: whether the device is new. Raises Forbidden for the name of a cross-signing key."""
        try:
            if await self._store.add(user_id, device_id, display_name, self._clock.now_ms()):
                return True
        except NamedAsKey as error:
            raise Forbidden("One of the user's keys has the name of the device") from error
        if display_name is not None:
            await self._store.rename(user_id, device_id, display_name)
        return False

    async def remove(self, user_id: str, device_ids: Sequence[str]) -> None:
        if device_ids:
            self._last_seen.forget(user_id, device_ids)
            await self._store.remove(user_id, tuple(dict.fromkeys(device_ids)))

    async def remove_all(self, user_id: str) -> None:
        await self._store.remove_all(user_id)
