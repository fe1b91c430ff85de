"""Events that other servers send find their rooms (server-server API, "Transactions", "Checks performed on receipt of a PDU").

Fills `federation.inbound.transactions.Arrivals`. One bad event spoils itself alone; rooms do not wait for each other.
"""

from collections.abc import Sequence
from typing import Any, Final, Protocol

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from federation.asking.sound_events import SoundEvents
from federation.room_acls import RoomAcls
from homeserver.errors import MatrixError, NotFound, Unavailable
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.event import Event
from homeserver.protocol.event_format import receive
from homeserver.rooms.handshakes.outside import OutsideMemberships
from homeserver.rooms.receiving.outcome import Outcome, Rejected
from homeserver.rooms.receiving.receive import Receiving
from homeserver.rooms.store import RoomRecord

BARRED: Final = "Your server is not allowed in this room"

Results = dict[str, str | None]


class RoomReads(Protocol):
    """A part of `homeserver.rooms.store.RoomStore`."""

    async def room(self, room_id: str) -> RoomRecord | None: ...


class FederatedArrivals:
    _log = Logger()

    def __init__(self, *, receiving: Receiving, outside: OutsideMemberships, sound: SoundEvents, rooms: RoomReads, acls: RoomAcls) -> None:
        self._receiving = receiving
        self._outside = outside
        self._sound = sound
        self._rooms = rooms
        self._acls = acls

    async def receive(self, origin: str, pdus: list[Any]) -> Results:
        by_room: dict[str, list[Any]] = {}
        for pdu in pdus:
            room_id = pdu.get("room_id") if isinstance(pdu, dict) else None
            if isinstance(room_id, str):
                by_room.setdefault(room_id, []).append(pdu)
        work = [Deferred.fromCoroutine(self._receive(origin, room_id, some)) for room_id, some in by_room.items()]
        results: Results = {}
        for done, part in await DeferredList(work, consumeErrors=True):
            if not done:
                part.raiseException()  # type: ignore[attr-defined]
            results.update(part)
        return results

    async def _receive(self, origin: str, room_id: str, pdus: Sequence[Any]) -> Results:
        room = await self._rooms.room(room_id)
        if room is None:
            return {}  # of what version it is nobody knows, so not even the IDs of the events
        results: Results = {}
        events: list[Event] = []
        is_barred = not await self._acls.allows(origin, room_id)
        for pdu in pdus:
            try:
                received = receive(pdu, room.version, room_id=room_id)
            except ProtocolError as error:
                self._log.info("{origin} sent what is no event: {error}", origin=origin, error=str(error))
                continue
            event = received.event
            results[event.event_id] = BARRED if is_barred else None
            if is_barred:
                continue
            try:
                await self._sound.check_signatures(received)
            except ProtocolError as error:
                results[event.event_id] = str(error)
            else:
                events.append(event)
        if events:
            results.update(await self._placed(origin, room, events))
        return results

    async def _placed(self, origin: str, room: RoomRecord, events: Sequence[Event]) -> Results:
        try:
            if room.local_joined_count == 0:
                return await self._outside_of(room, events)
            outcomes = await self._receiving.receive([origin], room.room_id, events)
        except Unavailable:
            raise  # it is to come again
        except NotFound as error:
            return dict.fromkeys([event.event_id for event in events], error.message)
        except Exception:
            self._log.failure("events of {origin} for {room} could not be judged", origin=origin, room=room.room_id)
            return dict.fromkeys([event.event_id for event in events], "This server could not judge the event")
        return {event.event_id: what_is_wrong(outcomes.get(event.event_id)) for event in events}

    async def _outside_of(self, room: RoomRecord, events: Sequence[Event]) -> Results:
        """A room that this server is not in: its users hear when an invite is taken back, or a knock is answered with a no."""
        results: Results = {}
        for event in events:
            try:
                await self._outside.take_back(room, event)
                results[event.event_id] = None
            except Unavailable:
                raise
            except MatrixError as error:
                results[event.event_id] = error.message
        return results


def what_is_wrong(outcome: Outcome | None) -> str | None:
    """What could not be placed, or not be judged for good, is not wrong for that; there is nobody whom it would help to be told."""
    return outcome.reason if isinstance(outcome, Rejected) and outcome.is_final else None
