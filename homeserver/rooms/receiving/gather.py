"""Before the room is held: what arriving events cite and this server lacks is asked of the server that sent them, within bounds.

Server-server API, "Retrieving event authorisation information", "Backfilling and retrieving missing events".
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.protocol.event import Event
from homeserver.protocol.state_resolution import cited_by
from homeserver.rooms import state_map
from homeserver.rooms.receiving.outliers import Gathered, Outliers
from homeserver.rooms.receiving.peers import RoomPeers, Subject
from homeserver.rooms.receiving.resolve import Resolved
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REJECTED, RoomRecord, RoomStore, StoredEvent

MAX_ROUNDS = 5  # of asking for what lies between
MAX_MISSING = 20  # events of one such answer
MAX_UNKNOWN = 20  # predecessors whose state is asked for, for one batch
MAX_CHAIN = 5_000  # events of one auth chain
MAX_STATE = 300_000
MAX_ASKED = 250  # requests for one batch, or thereabouts
LOOKED_UP = 200  # events that are looked up before others have their turn
MAX_EACH = 50  # events that may be asked for one by one


@dataclass(eq=False, slots=True)
class Batch:
    """Arriving events and the gaps between them and the room, with all that was found. `after`: states after predecessors that are not here."""

    events: dict[str, Event]
    gathered: Gathered = field(default_factory=Gathered)
    after: dict[str, Resolved] = field(default_factory=dict)
    unwanted: dict[str, str] = field(default_factory=dict)  # what the room's policy server did not sign, and why


class Gathering:
    _log = Logger()

    def __init__(self, *, store: RoomStore, states: StateReader, outliers: Outliers, peers: RoomPeers, clock: Clock) -> None:
        self._store = store
        self._states = states
        self._outliers = outliers
        self._peers = peers
        self._clock = clock

    async def gather(
        self, room: RoomRecord, servers: Sequence[str], ends: Sequence[str], events: Iterable[Event], known: Mapping[str, StoredEvent]
    ) -> Batch:
        """`ends`: the newest events of the room that are here; `known`: the events and what they cite, as far as it is stored."""
        subject = Subject(room.room_id, room.version, servers)
        batch = Batch({event.event_id: event for event in events})
        batch.gathered.add_known(room.room_num, known)
        asked_for = await self._fill_gaps(room, subject, ends, batch)
        await self._find_auth(room, subject, batch)
        # Who sends an event without what it cites itself, though asked, is not asked what the room was like there.
        missing = [event_id for event_id in self._missing_previous(batch) if event_id not in asked_for]
        for number, event_id in enumerate(missing):
            if number == MAX_UNKNOWN:
                self._log.info("{room}: more than {most} unknown predecessors at once", room=room.room_id, most=MAX_UNKNOWN)
                break
            found = await self.state_after(room, subject, event_id, batch.gathered)
            if found is not None:
                batch.after[event_id] = found
        return batch

    async def _look_up(self, room: RoomRecord, batch: Batch) -> None:
        wanted = set(batch.events)
        for event in batch.events.values():
            wanted.update(event.prev_events, event.auth_events)
        unknown = [event_id for event_id in wanted if event_id not in batch.gathered.known]
        if unknown:
            batch.gathered.add_known(room.room_num, await self._store.events(unknown))

    def _missing_previous(self, batch: Batch) -> list[str]:
        """Predecessors that have no place here and are not about to get one."""
        missing: dict[str, None] = {}
        for event in batch.events.values():
            for event_id in event.prev_events:
                known = batch.gathered.known.get(event_id)
                if event_id not in batch.events and (known is None or known.state_before is None):
                    missing[event_id] = None
        return list(missing)

    async def _fill_gaps(self, room: RoomRecord, subject: Subject, ends: Sequence[str], batch: Batch) -> set[str]:
        """The predecessors of what arrived that were asked for."""
        first: set[str] | None = None
        for _ in range(MAX_ROUNDS):
            missing = set(self._missing_previous(batch))
            if missing:  # what lies behind all that is here is asked for by those who read back
                missing.difference_update(await self._store.gaps_among(subject.room_id, missing))
            first = missing if first is None else first
            if not missing:
                break
            latest = [event.event_id for event in batch.events.values() if not missing.isdisjoint(event.prev_events)]
            found = await self._peers.missing_events(subject, earliest=ends, latest=latest, limit=MAX_MISSING)
            offered = {event.event_id: event for event in found[:MAX_MISSING] if event.event_id not in batch.events}
            is_all = len(found) < MAX_MISSING // 2  # who has more fills his answer, but for what is not sound
            if not await self._add_between(room, missing, offered, batch) or is_all:
                break
        return first or set()

    async def _add_between(self, room: RoomRecord, missing: set[str], offered: Mapping[str, Event], batch: Batch) -> bool:
        """Of what was offered, that which leads to the missing events without passing what has its place here already."""
        batch.gathered.add_known(room.room_num, await self._store.events([one for one in offered if one not in batch.gathered.known]))
        wanted = list(missing)
        before = len(batch.events)
        while wanted:
            event_id = wanted.pop()
            event, known = offered.get(event_id), batch.gathered.known.get(event_id)
            if (
                event is not None
                and event_id not in batch.gathered.foreign
                and event_id not in batch.events
                and (known is None or known.state_before is None)
            ):
                batch.events[event_id] = event
                wanted += event.prev_events
        await self._look_up(room, batch)
        return len(batch.events) > before

    async def _find_auth(self, room: RoomRecord, subject: Subject, batch: Batch) -> None:
        """What the events are authorised by, as far as it is not here: the chain of each as the server tells it, then one by one."""
        gathered = batch.gathered
        for event in list(batch.events.values()):
            if all(event_id in batch.events or gathered.get(event_id) is not None for event_id in event.auth_events):
                continue
            if gathered.asked >= MAX_ASKED:
                break
            gathered.asked += 1
            chain = (await self._peers.auth_chain(subject, event.event_id))[:MAX_CHAIN]
            await self.take(room, subject, chain, gathered)
            lacking = [one for one in event.auth_events if one not in batch.events and gathered.get(one) is None]
            if lacking:
                await self.take(room, subject, await self._ask(subject, lacking, event.event_id, gathered), gathered)

    async def take(self, room: RoomRecord, subject: Subject, events: Sequence[Event], gathered: Gathered) -> None:
        """Judge events without a place; what they cite in turn is asked for once more."""
        unknown = [event.event_id for event in events if gathered.get(event.event_id) is None]
        cited = {one for event in events for one in cited_by(event)}
        await self._find_known(room, {*unknown, *(one for one in cited if gathered.get(one) is None)}, gathered)
        left = await self._outliers.judge_slowly(room.room_num, events, gathered, self._clock)
        for _ in range(MAX_ROUNDS):
            names = {event.event_id for event in left}
            lacking = {one for event in left for one in cited_by(event) if gathered.get(one) is None and one not in names}
            if not lacking or len(lacking) > MAX_CHAIN:
                break
            more = await self._ask(subject, lacking, left[0].event_id, gathered)
            if not more:
                break
            await self._find_known(room, {one for event in more for one in cited_by(event)}, gathered)
            left = await self._outliers.judge_slowly(room.room_num, [*more, *left], gathered, self._clock)
        if left:
            self._log.info("{room}: {count} events cite what cannot be had", room=room.room_id, count=len(left))

    async def _find_known(self, room: RoomRecord, event_ids: Collection[str], gathered: Gathered) -> None:
        """Those of them that are stored, some at a time."""
        wanted = list(event_ids)
        for start in range(0, len(wanted), LOOKED_UP):
            if start:
                await self._clock.sleep(0)
            gathered.add_known(room.room_num, await self._store.events(wanted[start : start + LOOKED_UP]))

    async def _ask(self, subject: Subject, event_ids: Collection[str], around: str, gathered: Gathered) -> list[Event]:
        """Whoever names ever more events that nobody has ends with what there is."""
        if gathered.asked >= MAX_ASKED:
            return []
        gathered.asked += min(len(event_ids), MAX_EACH)
        return await self._peers.events(subject, event_ids, around=around)

    async def state_after(self, room: RoomRecord, subject: Subject, event_id: str, gathered: Gathered) -> Resolved | None:
        """The state after an event that has no place here; None: nobody tells."""
        if gathered.asked >= MAX_ASKED:
            return None
        gathered.asked += 1
        names = await self._peers.state_names(subject, event_id)
        if names is None or len(names.state) > MAX_STATE:
            return None
        lacking = await self._lacking(room, {*names.state, *names.auth, event_id}, gathered)
        if lacking:
            await self.take(room, subject, await self._ask(subject, lacking, event_id, gathered), gathered)
        if any(gathered.get(name) is None for name in names.state):
            return None  # half a state would be a wrong one
        return await self._as_map(room, (*names.state, event_id), gathered)

    async def told_state_after(
        self, room: RoomRecord, subject: Subject, event_id: str, gathered: Gathered, coming: Callable[[int], None]
    ) -> Resolved | None:
        """As `state_after`, for a room that is entered: what the server that tells it cannot give in a sound form is left out, as with every join.
        `coming`: told how many events there will be, before they are there."""
        names = await self._peers.state_names(subject, event_id)
        if names is None or len(names.state) > MAX_STATE:
            return None
        coming(len(names.state))
        wanted = {*names.state, *names.auth, event_id}
        subject = subject._replace(servers=list(dict.fromkeys((names.told_by or subject.servers[0], *subject.servers))))
        if await self._lacks_some(room, wanted, gathered):
            told = await self._peers.state(subject, event_id)
            if told is None:
                return None
            await self.take(room, subject, told, gathered)
        lacking = await self._lacking(room, wanted, gathered)
        if lacking:
            some = [event_id, *lacking][:MAX_EACH]
            await self.take(room, subject, await self._ask(subject, some, event_id, gathered), gathered)
        lost = sum(gathered.get(name) is None for name in names.state)
        if lost:
            self._log.info("{room}: {count} events of the state are not to be had", room=room.room_id, count=lost)
        return await self._as_map(room, (*names.state, event_id), gathered)

    async def _lacks_some(self, room: RoomRecord, event_ids: Collection[str], gathered: Gathered) -> bool:
        """As `_lacking`, but ends with the first that are found to be."""
        wanted = list(event_ids)
        for start in range(0, len(wanted), LOOKED_UP):
            if await self._lacking(room, wanted[start : start + LOOKED_UP], gathered):
                return True
        return False

    async def _lacking(self, room: RoomRecord, event_ids: Collection[str], gathered: Gathered) -> list[str]:
        """Those that are not here."""
        await self._find_known(room, [one for one in event_ids if gathered.get(one) is None], gathered)
        return [one for one in event_ids if gathered.get(one) is None]

    async def _as_map(self, room: RoomRecord, event_ids: Sequence[str], gathered: Gathered) -> Resolved:
        entries = {}
        for name in event_ids:
            found = gathered.get(name)
            if found is None:
                continue
            if found.state_key is not None and not found.flags & REJECTED and found.room_id == room.room_id:
                entries[found.type, found.state_key] = found.num
        root, nodes = await self._states.update(state_map.EMPTY, entries)
        return Resolved(root, nodes)
