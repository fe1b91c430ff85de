"""Rooms that are shared: what comes from other servers, and how one's users come into their rooms."""

from typing import NamedTuple

from federation.asking.moments import FederatedMoments
from federation.handshakes.candidates import Candidates
from federation.handshakes.departures import Departures
from federation.handshakes.invites import Invites
from federation.handshakes.joins import Joins
from federation.handshakes.rooms import FederatedRooms
from homeserver.rooms.handshakes.outside import OutsideMemberships
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.resync import Resync
from homeserver.rooms.reading.paging_store import NoOtherMoments, OtherMoments
from homeserver.rooms.remote import RemoteRooms, Unfederated
from homeserver.rooms.servers.policy import RoomPolicy
from homeserver.rooms.state_reader import StateReader
from homeserver.wiring.ground import Ground
from homeserver.wiring.reaching.asking import Asking
from homeserver.wiring.reaching.reach import Reach
from homeserver.wiring.reaching.receiving import Arrivals, build_receiving
from homeserver.wiring.writing import Desk
from storage.members import Members
from storage.rooms import StoredRooms


class Visiting(NamedTuple):
    arrivals: Arrivals
    outside: OutsideMemberships
    remote: RemoteRooms
    moments: OtherMoments
    resync: Resync


def build_visiting(
    ground: Ground,
    reach: Reach,
    asking: Asking,
    store: StoredRooms,
    members: Members,
    states: StateReader,
    desk: Desk,
    policy: RoomPolicy,
    partial: PartialRooms,
) -> Visiting:
    enabled, identity, clock, chance = ground.config.federation.enabled, ground.identity, ground.clock, ground.chance
    candidates = Candidates(identity.server_name, members, reach.policy, partial)
    arrivals = build_receiving(ground, store, states, desk, policy, asking.peers, candidates.in_room, partial)
    outside = OutsideMemberships(identity=identity, store=store, members=members, locks=desk.locks, clock=clock, chance=chance)
    resync = Resync(
        rooms=store, partial=partial, completing=arrivals.completing, streams=ground.streams, clock=clock, chance=chance
    )  # fmt: skip
    if not enabled:
        return Visiting(arrivals, outside, Unfederated(), NoOtherMoments(), resync)
    joins = Joins(
        identity=identity,
        client=reach.client,
        sound=asking.sound,
        candidates=candidates,
        store=store,
        entering=arrivals.entering,
        receiving=arrivals.receiving,
        partial=partial,
        clock=clock,
        chance=chance,
    )
    departures = Departures(
        identity=identity, client=reach.client, candidates=candidates, outside=outside, clock=clock, chance=chance
    )  # fmt: skip
    invites = Invites(client=reach.client, sound=asking.sound, receiving=arrivals.receiving)
    remote = FederatedRooms(joins, departures, invites, reach.policy)
    return Visiting(arrivals, outside, remote, FederatedMoments(reach.client, candidates.in_room), resync)
