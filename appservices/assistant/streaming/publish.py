"""The device that publishes streams (MSC4471, "Subscribing"): an answer names it, devices that show the answer ask it for what comes.

Only in rooms that are not encrypted, and only where the homeserver lets application services have devices and brings their messages (MSC4190, MSC4203);
everywhere else answers grow by edits. Nothing asks, nothing is sent: a client that knows no streams costs nobody anything.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.rooms.history import History
from appservices.assistant.rooms.people import People
from appservices.assistant.runtime import Clock
from appservices.assistant.streaming.stream import Messages, Stream

_log = logging.getLogger(__name__)

PREFIX: Final = "org.matrix.msc4471.stream"
DEVICE: Final = "CHATMESTREAM"
_LASTS_MS: Final = 1_800_000


class Publisher:
    def __init__(self, homeserver: Homeserver, people: People, history: History, clock: Clock) -> None:
        self._homeserver = homeserver
        self._people = people
        self._history = history
        self._clock = clock
        self._streams: dict[tuple[str, str], Stream] = {}
        self._has_device = False
        self._refusals = 0

    async def start(self, name: str) -> None:
        try:
            await self._homeserver.make_device(DEVICE, f"{name}, as it types")
        except (Refused, Unreachable) as error:
            _log.info("answers grow by edits alone, for there can be no device: %s", error)
        else:
            self._has_device = True

    async def descriptor(self, room: str) -> Mapping[str, Any]:
        """What the first event of an answer says of its stream; nothing where there can be none."""
        if not self._has_device or await self._homeserver.is_encrypted(room):
            return {}
        return {PREFIX: {"device_id": DEVICE, "expiry_ms": _LASTS_MS}}

    def open(self, room: str, event: str, asker: str) -> Stream:
        stream = Stream(room, event, asker, self._clock, lambda txn, messages: self._update(room, txn, messages))
        self._streams[room, event] = stream
        return stream

    def close(self, stream: Stream) -> None:
        stream.close()
        self._streams.pop((stream.room, stream.event), None)

    def leave(self, room: str, user: str) -> None:
        """Who is not in the room any more is told no more of what is said there."""
        for stream in self._streams.values():
            if stream.room == room:
                stream.leave(user)

    async def _update(self, room: str, txn: str, messages: Messages) -> None:
        if self._homeserver.is_known_encrypted(room):
            return  # since a moment ago
        await self._homeserver.send_to_devices(f"{PREFIX}.update", txn, messages)

    async def take(self, letter: Mapping[str, Any]) -> None:
        """A message to one of our devices, as a transaction brings it."""
        if letter.get("type") not in (f"{PREFIX}.subscribe", "m.stream.subscribe") or letter.get("to_device_id") != DEVICE:
            return
        user, content = as_text(letter.get("sender")), as_object(letter.get("content"))
        device, seconds = as_text(content.get("device_id")), content.get("expiry_ms")
        room, event = as_text(content.get("room_id")), as_text(content.get("event_id"))
        if not user or not device or not isinstance(seconds, int) or seconds <= 0:
            await self._refuse(user, device, room, event, "m.invalid_subscription")
            return
        stream = self._streams.get((room, event))
        if stream is None:
            await self._refuse(user, device, room, event, "m.unknown_stream")
        elif stream.is_full:
            await self._refuse(user, device, room, event, "m.limit_exceeded")
        elif not await self._may_see(stream, user):
            await self._refuse(user, device, room, event, "m.forbidden")
        else:
            stream.watch(user, device, seconds / 1000, content.get("resync") is True)

    async def _may_see(self, stream: Stream, user: str) -> bool:
        if stream.knows(user):
            return await self._people.is_joined(stream.room, user)
        return await self._history.one(stream.room, user, stream.event) is not None

    async def _refuse(self, user: str, device: str, room: str, event: str, code: str) -> None:
        if not user or not device:
            return
        self._refusals += 1
        content = {"room_id": room, "event_id": event, "device_id": DEVICE, "code": code}
        try:
            await self._homeserver.send_to_devices(
                f"{PREFIX}.cancel", f"cc{self._clock.now_ms()}.{self._refusals}", {user: {device: content}}
            )
        except (Refused, Unreachable) as error:
            _log.info("a device was not told that it cannot watch: %s", error)
