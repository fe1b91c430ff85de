"""Rooms: taking in what other servers say."""

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from homeserver.rooms.append import Appender
from homeserver.rooms.partial.complete import Completing
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.rejudge import Rejudging
from homeserver.rooms.partial.retell import Retelling
from homeserver.rooms.receiving.admit import Admission
from homeserver.rooms.receiving.current import CurrentState
from homeserver.rooms.receiving.enter import Entering
from homeserver.rooms.receiving.gather import Gathering
from homeserver.rooms.receiving.history import OldHistory
from homeserver.rooms.receiving.merge import Merging
from homeserver.rooms.receiving.outliers import Outliers
from homeserver.rooms.receiving.peers import RoomPeers
from homeserver.rooms.receiving.receive import Receiving
from homeserver.rooms.receiving.resolve import Resolver
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.servers.policy import RoomPolicy
from homeserver.rooms.state_reader import StateReader
from homeserver.wiring.ground import Ground
from homeserver.wiring.writing import Desk, Writing
from storage.rooms import StoredRooms


class Arrivals(NamedTuple):
    receiving: Receiving
    entering: Entering
    history: OldHistory
    completing: Completing


def build_receiving(
    ground: Ground,
    store: StoredRooms,
    states: StateReader,
    desk: Desk | Writing,
    policy: RoomPolicy,
    peers: RoomPeers,
    servers: Callable[[str], Awaitable[Sequence[str]]],
    partial: PartialRooms,
) -> Arrivals:
    """`servers`: who else is in a room."""
    heads, locks, queues = desk.heads, desk.locks, RoomLocks()
    resolver = Resolver(store=store, states=states, clock=ground.clock)
    outliers = Outliers(store=store, states=states)
    current = CurrentState(identity=ground.identity, states=states, clock=ground.clock)
    gathering = Gathering(store=store, states=states, outliers=outliers, peers=peers, clock=ground.clock)
    admission = Admission(store=store, heads=heads, states=states, resolver=resolver, current=current, telling=desk.telling)
    appender = Appender(
        identity=ground.identity, store=store, heads=heads, states=states, telling=desk.telling, policy=policy, clock=ground.clock
    )
    merging = Merging(store=store, heads=heads, appender=appender, resolver=resolver, current=current)
    return Arrivals(
        Receiving(
            store=store, heads=heads, locks=locks, gathering=gathering, outliers=outliers, admission=admission, merging=merging, policy=policy,
            queues=queues,
        ),
        Entering(store=store, members=partial.store, heads=heads, locks=locks, states=states, outliers=outliers, current=current, clock=ground.clock),
        OldHistory(
            store=store, heads=heads, locks=locks, states=states, resolver=resolver, gathering=gathering, outliers=outliers, peers=peers,
            servers=servers, queues=queues,
        ),
        Completing(
            identity=ground.identity, store=store, partial=partial.store, heads=heads, locks=locks, queues=queues, gathering=gathering,
            outliers=outliers, rejudging=Rejudging(store=store, states=states, resolver=resolver, clock=ground.clock),
            retelling=Retelling(store=store, partial=partial.store, heads=heads, states=states, telling=desk.telling), resolver=resolver, current=current,
            large=partial.is_large, clock=ground.clock,
        ),
    )  # fmt: skip
