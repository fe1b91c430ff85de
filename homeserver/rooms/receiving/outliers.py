"""Events known without their place in the graph: what others are authorised by, and the state of moments that are not here.

Each is judged by what it cites itself, which has to be there first; nothing is assumed to be allowed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from homeserver.clock import Clock
from homeserver.protocol.auth_rules import check_event, create_event_id, may_cite_too
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event
from homeserver.protocol.state_resolution import cited_by
from homeserver.rooms.append import stored_event
from homeserver.rooms.receiving.admit import Authority, authority_of
from homeserver.rooms.receiving.order import cited_first
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import OUTLIER, REJECTED, UNJUDGED, EventCommit, Lineage, RoomStore, StoredEvent

AT_ONCE = 200  # events judged before others have their turn


@dataclass(eq=False, slots=True)
class Gathered:
    """Events of one room by ID: those that are stored, and those that are new and still to be committed, in order.

    `foreign`: IDs that are taken by events of other rooms, as whoever chooses IDs (room versions 1 and 2) may have it. `asked`: how many questions
    were put to other servers. `authorities`: by what is cited; the members of a room nearly all cite the same.
    """

    known: dict[str, StoredEvent] = field(default_factory=dict)
    fresh: dict[str, StoredEvent] = field(default_factory=dict)
    foreign: set[str] = field(default_factory=set)
    asked: int = 0
    authorities: dict[tuple[str, ...], Authority] = field(default_factory=dict)

    def add_known(self, room_num: int, found: Mapping[str, StoredEvent]) -> None:
        """What the store has under IDs that were looked up."""
        for event_id, event in found.items():
            if event.room_num == room_num:
                self.known[event_id] = event
            else:
                self.foreign.add(event_id)

    def get(self, event_id: str) -> StoredEvent | None:
        """What may be cited."""
        known = self.known.get(event_id)
        return known if known is not None and not known.flags & UNJUDGED else self.fresh.get(event_id)


class Outliers:
    def __init__(self, *, store: RoomStore, states: StateReader) -> None:
        self._store = store
        self._states = states

    def judge(self, room_num: int, events: Iterable[Event], gathered: Gathered) -> list[Event]:
        """Add those that can be judged to `gathered.fresh`; the others, which cite what is not there."""
        new = {event.event_id: event for event in events if gathered.get(event.event_id) is None}
        return [event for event in cited_first(new.values(), cited_by) if not self._judge(room_num, event, gathered)]

    async def judge_slowly(self, room_num: int, events: Iterable[Event], gathered: Gathered, clock: Clock) -> list[Event]:
        """As `judge`, with pauses."""
        new = {event.event_id: event for event in events if gathered.get(event.event_id) is None}
        left = []
        for number, event in enumerate(cited_first(new.values(), cited_by), start=1):
            if not self._judge(room_num, event, gathered):
                left.append(event)
            if number % AT_ONCE == 0:
                await clock.sleep(0)
        return left

    def _judge(self, room_num: int, event: Event, gathered: Gathered) -> bool:
        if event.event_id in gathered.foreign or None in map(gathered.get, cited_by(event)):
            return False
        flags = OUTLIER
        try:
            authority = _authority(event, gathered)
            check_event(event, authority.state, power_levels=authority.levels)
        except NotAuthorised:
            flags |= REJECTED
        known = gathered.known.get(event.event_id)
        num = self._store.take_event_num() if known is None else known.num
        record = stored_event(num, room_num, event, topo=0, state_before=None, flags=flags)
        record.topo, record.position = None, None if known is None else known.position
        gathered.fresh[event.event_id] = record
        if event.state_key is not None:
            self._states.keep(record)
        return True

    def commits(self, gathered: Gathered, lineage: Lineage) -> list[EventCommit]:
        """Of those that have no place yet."""
        return [
            EventCommit(record, lineage, is_known=event_id in gathered.known, becomes_extremity=False)
            for event_id, record in gathered.fresh.items()
            if record.flags & OUTLIER
        ]


def _authority(event: Event, gathered: Gathered) -> Authority:
    """Raises NotAuthorised. All that is cited is there."""
    known = gathered.authorities.get(event.auth_events)
    if known is not None and may_cite_too(event, known.cited):
        return known
    auth = {event_id: cited for event_id in event.auth_events if (cited := gathered.get(event_id)) is not None}
    authority = authority_of(event, auth, _create_of(event, gathered))
    if event.type != "m.room.create":  # by which the create event itself is not judged
        gathered.authorities[event.auth_events] = authority
    return authority


def _create_of(event: Event, gathered: Gathered | Mapping[str, StoredEvent]) -> Event | None:
    if not event.version.room_id_is_create_hash or event.type == "m.room.create":
        return None
    create = gathered.get(create_event_id(event.room_id))
    return None if create is None else create.event
