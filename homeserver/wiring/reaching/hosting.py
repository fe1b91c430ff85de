"""What other servers bring into rooms: their events, and their users."""

from federation.asking.sound_events import SoundEvents
from federation.inbound.arrivals import FederatedArrivals
from federation.inbound.departures import DepartureEndpoints
from federation.inbound.entry import Entry
from federation.inbound.invites import InviteEndpoints
from federation.inbound.joins import JoinEndpoints
from federation.room_acls import RoomAcls
from federation.telling.entrances import Entrances
from homeserver.rooms.handshakes.resident import Resident
from homeserver.wiring.ground import Chapters, Ground
from homeserver.wiring.reaching.telling import Telling
from homeserver.wiring.rooms import Rooms


def build_arrivals(rooms: Rooms, sound: SoundEvents, acls: RoomAcls) -> FederatedArrivals:
    visiting = rooms.visiting
    return FederatedArrivals(
        receiving=visiting.arrivals.receiving, outside=visiting.outside, sound=sound, rooms=rooms.store, acls=acls
    )  # fmt: skip


def build_hosting(ground: Ground, rooms: Rooms, sound: SoundEvents, telling: Telling) -> Chapters:
    visiting, writing = rooms.visiting, rooms.writing
    resident = Resident(
        store=rooms.store,
        heads=writing.heads,
        locks=writing.locks,
        appender=writing.appender,
        vouching=writing.vouching,
        receiving=visiting.arrivals.receiving,
        partial=rooms.partial,
    )
    entry = Entry(resident, sound)
    return (
        JoinEndpoints(
            resident=resident,
            entry=entry,
            entrances=Entrances(
                server_name=ground.identity.server_name,
                snapshots=telling.snapshots,
                states=rooms.states,
                timelines=rooms.timeline_store,
                members=rooms.members,
                clock=ground.clock,
            ),
            turns=telling.turns,
        ),
        DepartureEndpoints(resident, entry, writing.shown),
        InviteEndpoints(
            identity=ground.identity,
            store=rooms.store,
            outside=visiting.outside,
            permissions=writing.invites,
            sound=sound,
        ),
    )
