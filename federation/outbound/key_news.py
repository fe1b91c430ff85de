"""What other servers are told of the keys of our users (server-server API, "Device Management", "m.signing_key_update").

Each update of a device names the one before, so a server that missed some asks for the whole list. Who is told only that there is something new, after an
outage or when a user comes to a room, gets an update that names none before it, and asks as well.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

import orjson

from federation.outbound.servers import RoomServers
from federation.outbound.transaction import edu
from homeserver.devices.store import DeviceStore
from homeserver.encryption.store import MASTER, SELF_SIGNING, KeysChange, KeyStore, UserKeys
from homeserver.rooms.member_store import MemberStore

NO_DEVICE: Final = "NONE"  # in the place of one, when a user has none left


class KeyNews:
    def __init__(self, keys: KeyStore, devices: DeviceStore, members: MemberStore, rooms: RoomServers) -> None:
        self._keys = keys
        self._devices = devices
        self._members = members
        self._rooms = rooms

    async def of(self, user_id: str, position: int, change: KeysChange) -> bytes:
        """The EDU that tells of one change."""
        if len(change.device_ids) == 1:
            device_id, previous = change.device_ids[0], [] if change.previous is None else [change.previous]
            keys = await self._of(user_id, change.device_ids)
            if not keys.devices:
                return await self._without_keys(user_id, device_id, position, previous)
            return _device(user_id, device_id, position, previous, keys)
        keys = await self._of(user_id, ())
        return self._anew(user_id, position, keys) if change.device_ids else _signing(user_id, keys)

    async def _without_keys(self, user_id: str, device_id: str, position: int, previous: Sequence[int]) -> bytes:
        """Of a device that was renamed, or is gone."""
        content: dict[str, Any] = {"user_id": user_id, "device_id": device_id, "stream_id": position, "prev_id": list(previous)}
        device = next((device for device in await self._devices.devices(user_id) if device.device_id == device_id), None)
        if device is None:
            content["deleted"] = True
        elif device.display_name is not None:
            content["device_display_name"] = device.display_name
        return edu("m.device_list_update", content)

    async def anew(self, user_id: str, position: int, *, keyless: bool = True) -> bytes | None:
        """The EDU after which other servers ask for the user's devices; None: there are none. `keyless`: those without keys count, too."""
        keys = await self._of(user_id, ())
        if keys.devices or keys.cross_signing:
            return self._anew(user_id, position, keys)
        devices = await self._devices.devices(user_id) if keyless else ()
        if not devices:
            return None
        return edu("m.device_list_update", {"user_id": user_id, "device_id": devices[0].device_id, "stream_id": position, "prev_id": []})

    def _anew(self, user_id: str, position: int, keys: UserKeys) -> bytes:
        device_id = keys.devices[0].device_id if keys.devices else NO_DEVICE
        return _device(user_id, device_id, position, [], keys)

    async def servers(self, room_ids: Collection[str]) -> set[str]:
        names: set[str] = set()
        for room_id in room_ids:
            names |= (await self._rooms.get(room_id)).names
        return names

    async def owed(self, destination: str, changed: Sequence[tuple[str, int]]) -> list[bytes]:
        """Of those users, given with the positions of the changes, who share a room with somebody there."""
        found = []
        for user_id, position in changed:
            if destination in await self.servers(await self._members.joined_rooms(user_id)):
                found.append(self._anew(user_id, position, await self._of(user_id, ())))
        return found

    async def _of(self, user_id: str, device_ids: Collection[str]) -> UserKeys:
        return (await self._keys.keys_of({user_id: device_ids}, user_id))[user_id]


def _device(user_id: str, device_id: str, stream_id: int, previous: Sequence[int], keys: UserKeys) -> bytes:
    content: dict[str, Any] = {"user_id": user_id, "device_id": device_id, "stream_id": stream_id, "prev_id": list(previous)}
    device = next((device for device in keys.devices if device.device_id == device_id), None)
    if device is None:
        content["deleted"] = True
    else:
        content["keys"] = orjson.loads(device.body)
        if device.display_name is not None:
            content["device_display_name"] = device.display_name
    return edu("m.device_list_update", content)


def _signing(user_id: str, keys: UserKeys) -> bytes:
    content: dict[str, Any] = {"user_id": user_id, **public_signing_keys(keys)}
    return edu("m.signing_key_update", content)


def public_signing_keys(keys: UserKeys) -> Mapping[str, Any]:
    """As other servers see them."""
    usages = ((MASTER, "master_key"), (SELF_SIGNING, "self_signing_key"))
    return {name: orjson.loads(keys.cross_signing[usage].body) for usage, name in usages if usage in keys.cross_signing}
