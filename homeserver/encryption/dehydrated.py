"""Dehydrated devices: they receive keys while none of the user's devices is there (MSC3814)."""

from typing import Any

from homeserver.clock import Clock
from homeserver.devices.device_id import check_device_id
from homeserver.devices.store import NamedAsKey
from homeserver.encryption import key_shapes
from homeserver.encryption.store import DehydratedDevice, DehydratedStore, Upload
from homeserver.encryption.to_device.store import ToDeviceStore, Waiting
from homeserver.errors import BadJson, Forbidden, InvalidParam, MissingParam, NotFound
from homeserver.streams import Streams

MAX_DATA_BYTES = 65_536
EVENTS_AT_ONCE = 100


class DehydratedDevices:
    def __init__(self, store: DehydratedStore, letters: ToDeviceStore, streams: Streams, clock: Clock) -> None:
        self._store = store
        self._letters = letters
        self._streams = streams
        self._clock = clock

    async def replace(self, user_id: str, body: dict[str, Any]) -> str:
        """The device ID. Raises BadJson, Forbidden, InvalidParam, InvalidSignature, MissingParam, TooLarge; then nothing has changed."""
        missing = [name for name in ("device_id", "device_data", "device_keys") if name not in body]
        if missing:
            raise MissingParam(f"Missing: {', '.join(missing)}")
        device_id, name = check_device_id(body["device_id"]), body.get("initial_device_display_name")
        if name is not None and not isinstance(name, str):
            raise BadJson("initial_device_display_name must be text")
        data = key_shapes.encode_object(body["device_data"], "device_data", MAX_DATA_BYTES)
        upload = Upload(
            user_id,
            device_id,
            key_shapes.device_keys(body["device_keys"], user_id, device_id),
            key_shapes.one_time_keys(body.get("one_time_keys", {}), "one_time_keys"),
            key_shapes.fallback_keys(body.get("fallback_keys", {})),
        )
        try:
            if not await self._store.replace(DehydratedDevice(device_id, data), name, upload, self._clock.now_ms()):
                raise InvalidParam("You have a device with this ID that is not dehydrated")
        except NamedAsKey as error:
            raise Forbidden("One of your keys has the name of the device") from error
        return device_id

    async def get(self, user_id: str) -> DehydratedDevice:
        """Raises NotFound."""
        device = await self._store.get(user_id)
        if device is None:
            raise NotFound("You have no dehydrated device")
        return device

    async def remove(self, user_id: str) -> str:
        """The device ID; raises NotFound."""
        device_id = await self._store.remove(user_id)
        if device_id is None:
            raise NotFound("You have no dehydrated device")
        return device_id

    async def events(self, user_id: str, device_id: str, since: str | None, most: int = EVENTS_AT_ONCE) -> tuple[list[Waiting], str]:
        """(messages for the device after `since`, where to go on). They are kept as long as the device: who fails halfway begins anew."""
        device = await self.get(user_id)
        if device.device_id != device_id:
            raise Forbidden("This is not your dehydrated device")
        position = _position(since)
        waiting = await self._letters.waiting(user_id, device_id, position, self._streams.position, most)
        return waiting, str(waiting[-1].position if waiting else position)


def _position(token: str | None) -> int:
    if token is None:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 18):
        raise InvalidParam("This is no token of this server")
    return int(token)
