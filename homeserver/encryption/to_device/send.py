"""Messages from one device to others."""

import hashlib
from typing import Any

import orjson

from homeserver.clock import Clock
from homeserver.encryption.to_device.remote import Messages, ToDeviceCourier
from homeserver.encryption.to_device.store import Letter, Limits, ToDeviceStore, Transaction
from homeserver.errors import BadJson, InvalidParam, LimitExceeded, TooLarge
from homeserver.rooms.append import Identity

LIMITS = Limits(of_all=10_000, of_one_sender=5_000)
MAX_EVENT_BYTES = 65_536
MAX_LETTERS = 10_000
MAX_NAME_BYTES = 255
FULL_RETRY_MS = 60_000  # until the devices may have fetched some


def checked(messages: Any) -> Messages:
    """The body's `messages`; raises BadJson."""
    if not isinstance(messages, dict):
        raise BadJson("messages must map users to devices")
    for user_id, devices in messages.items():
        if not user_id.startswith("@") or ":" not in user_id:
            raise BadJson("messages must be named by user IDs")
        if not isinstance(devices, dict) or not all(isinstance(content, dict) for content in devices.values()):
            raise BadJson("messages must map users to devices, and these to a content")
    if sum(map(len, messages.values())) > MAX_LETTERS:
        raise TooLarge(f"At most {MAX_LETTERS} messages can be sent at once")
    return messages


class ToDevice:
    def __init__(self, store: ToDeviceStore, courier: ToDeviceCourier, identity: Identity, clock: Clock) -> None:
        self._store = store
        self._courier = courier
        self._identity = identity
        self._clock = clock

    async def send(self, sender: str, device_id: str, type: str, txn_id: str, messages: Messages) -> None:
        """From a device of ours. Raises TooLarge, InvalidParam, and LimitExceeded when nobody can take more."""
        if len(type.encode()) > MAX_NAME_BYTES or len(txn_id.encode()) > MAX_NAME_BYTES:
            raise InvalidParam(f"A type and a transaction ID have at most {MAX_NAME_BYTES} bytes")
        local = {user_id: devices for user_id, devices in messages.items() if self._identity.is_local(user_id)}
        remote = {user_id: devices for user_id, devices in messages.items() if user_id not in local}
        letters = self._letters(sender, type, local)
        if remote:
            named = hashlib.sha256(orjson.dumps([sender, device_id, type, txn_id])).hexdigest()[:32]
            await self._courier.send(sender, type, named, remote)
        await self._post(Transaction(sender, device_id, txn_id, self._clock.now_ms()), sender, letters)

    async def receive(self, server_name: str, message_id: str, sender: str, type: str, messages: Messages) -> None:
        """From another server, for our users' devices; the same message ID again is passed over."""
        local = {user_id: devices for user_id, devices in messages.items() if self._identity.is_local(user_id)}
        await self._post(Transaction(server_name, "", message_id, self._clock.now_ms()), sender, self._letters(sender, type, local))

    async def _post(self, transaction: Transaction, sender: str, letters: list[Letter]) -> None:
        if not await self._store.post(transaction, sender, letters, LIMITS):
            raise LimitExceeded("These devices have too many messages waiting", retry_after_ms=FULL_RETRY_MS)

    def _letters(self, sender: str, type: str, messages: Messages) -> list[Letter]:
        letters = []
        for user_id, devices in messages.items():
            for device_id, content in devices.items():
                event = orjson.dumps({"content": content, "sender": sender, "type": type})
                if len(event) > MAX_EVENT_BYTES:
                    raise TooLarge(f"A message to a device may have {MAX_EVENT_BYTES} bytes")
                letters.append(Letter(user_id, device_id, event))
        return letters
