"""Events out of an answer: of the right format, of the room, well signed. The one way in for all that other servers tell when they are asked.

Server-server API, "Checks performed on receipt of a PDU", steps 1 to 3.
"""

from collections.abc import Iterable
from typing import Any, Final

from twisted.logger import Logger

from federation.keyring import Keyring
from homeserver.clock import Clock
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.event import Event
from homeserver.protocol.event_format import receive
from homeserver.protocol.room_versions import RoomVersion
from homeserver.protocol.signing import required_signers

AT_ONCE: Final = 25  # events judged before others have their turn: a signature takes a tenth of a millisecond


class SoundEvents:
    _log = Logger()

    def __init__(self, keyring: Keyring, clock: Clock) -> None:
        self._keyring = keyring
        self._clock = clock

    async def among(self, pdus: Iterable[Any], room_id: str, version: RoomVersion, *, told_by: str) -> list[Event]:
        """Those that are sound, each once, in the order given."""
        found: dict[str, Event] = {}
        spoilt = 0
        for number, pdu in enumerate(pdus, start=1):
            try:
                event = await self.check(pdu, room_id, version)
                found.setdefault(event.event_id, event)
            except ProtocolError as error:
                spoilt += 1
                self._log.debug("{server} told of an event that is none: {error}", server=told_by, error=str(error))
            if number % AT_ONCE == 0:
                await self._clock.sleep(0)
        if spoilt:
            self._log.info("{server} told of {count} events of {room} that are not sound", server=told_by, count=spoilt, room=room_id)
        return list(found.values())

    async def check(self, pdu: Any, room_id: str, version: RoomVersion) -> Event:
        """Raises ProtocolError."""
        received = receive(pdu, version, room_id=room_id)
        event = received.event
        for server_name in sorted(required_signers(event)):
            await self._keyring.verify_signed(
                received.signed_bytes, event.pdu.get("signatures"), server_name, event.origin_server_ts, version
            )
        return event
