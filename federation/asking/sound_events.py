"""Events out of an answer or a request: of the right format, of the room, well signed. The one way in for all that other servers tell.

Server-server API, "Checks performed on receipt of a PDU", steps 1 to 3; an event whose content is not what was hashed goes on redacted.
"""

from collections.abc import Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from federation.keyring import Keyring
from federation.slots import Slots
from homeserver.clock import Clock
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.event import Event
from homeserver.protocol.event_format import Received, receive
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.signing import required_signers, signed_bytes

AT_ONCE: Final = 100  # events judged before others have their turn: each takes a tenth of a millisecond
WAITING: Final = 1_000  # for keys, of one answer


class _Look:
    """What came, and whether it is sound."""

    __slots__ = ("is_new", "is_sound", "received")

    def __init__(self, received: Received) -> None:
        self.received = received
        self.is_new = True
        self.is_sound = False


class SoundEvents:
    _log = Logger()

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock

    async def among(self, pdus: Sequence[Any], room_id: str, version: RoomVersion, *, told_by: str) -> list[Event]:
        """Those that are sound, each once, in the order given."""
        found = await self.each(pdus, room_id, version, told_by=told_by)
        return list({event.event_id: event for event in found if event is not None}.values())

    async def each(self, pdus: Sequence[Any], room_id: str, version: RoomVersion, *, told_by: str) -> list[Event | None]:
        """For each of them the event, None where it is not sound. Events do not wait for the keys of others; the same one is looked at once."""
        looks: dict[str, _Look] = {}
        found: list[_Look | None] = []
        slots, work = Slots(WAITING), list[Deferred[None]]()
        for start in range(0, len(pdus), AT_ONCE):
            if start:
                await self._clock.sleep(0)
            some = [self._received(pdu, room_id, version, looks, told_by) for pdu in pdus[start : start + AT_ONCE]]
            found += some
            for look in some:  # apart from reading them: each of the two fills a processor's cache
                if look is not None and look.is_new:
                    look.is_new = False
                    look.is_sound = self._is_signed(look.received)
                    if not look.is_sound:
                        work.append(Deferred.fromCoroutine(self._wait(look, slots)))
        await DeferredList(work, fireOnOneErrback=True, consumeErrors=True)
        events = [look.received.event if look is not None and look.is_sound else None for look in found]
        if spoilt := events.count(None):
            self._log.info("{server} told of {count} events of {room} that are not sound", server=told_by, count=spoilt, room=room_id)
        return events

    def _received(self, pdu: Any, room_id: str, version: RoomVersion, looks: dict[str, "_Look"], told_by: str) -> "_Look | None":
        """Its look, or one that had the same signatures: an event may come twice, and once wrongly signed."""
        try:
            received = receive(pdu, version, room_id=room_id)
        except ProtocolError as error:
            self._log.debug("{server} told of an event that is none: {error}", server=told_by, error=str(error))
            return None
        event = received.event
        name, signatures = event.event_id, event.pdu["signatures"]
        if name in looks and looks[name].received.event.pdu["signatures"] != signatures:
            name = f"{name} {signatures}"
        if name not in looks:
            looks[name] = _Look(received)
        return looks[name]

    def _is_signed(self, received: Received) -> bool:
        """Whether that is certain without waiting for anything."""
        event, signatures = received.event, received.event.pdu["signatures"]
        at_ms, version, message = event.origin_server_ts, event.version, received.signed_bytes
        return all(self._keyring.verifies_at_once(message, signatures, name, at_ms, version) for name in required_signers(event))

    async def _wait(self, look: "_Look", slots: Slots) -> None:
        try:
            async with slots.of(""):
                await self.check_signatures(look.received)
        except ProtocolError as error:
            self._log.debug("{event} is not sound: {error}", event=look.received.event.event_id, error=str(error))
        else:
            look.is_sound = True

    async def check(self, pdu: Any, room_id: str, version: RoomVersion) -> Event:
        """Raises ProtocolError."""
        received = receive(pdu, version, room_id=room_id)
        await self.check_signatures(received)
        return received.event

    async def check_signatures(self, received: Received) -> None:
        """Raises BadSignature unless all signed that must have."""
        event = received.event
        signatures = event.pdu.get("signatures")
        for server_name in sorted(required_signers(event)):
            await self._keyring.verify_signed(received.signed_bytes, signatures, server_name, event.origin_server_ts, event.version)

    async def check_signer(self, event: Event, server_name: str) -> None:
        """Raises BadSignature unless that server signed, too."""
        message, at_ms = signed_bytes(event.pdu, event.version), event.origin_server_ts
        await self._keyring.verify_signed(message, event.pdu.get("signatures"), server_name, at_ms, event.version)
