"""A whole room comes in: the state and the authorisation chain that another server gave with a join (server-server API, "Joining rooms").

All of it is judged before any of it is kept. Of a large state most events are written ahead, in pieces, which tell nobody anything; the room is there when
the join itself is on disk.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import BadState, NotFound
from homeserver.protocol.auth_rules import check_event, judging_state
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms import state_map
from homeserver.rooms.append import stored_event
from homeserver.rooms.head import CREATE, RoomHead, RoomHeads
from homeserver.rooms.receiving.current import MEMBER, CurrentState
from homeserver.rooms.receiving.order import LEAP
from homeserver.rooms.receiving.outliers import Gathered, Outliers
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import (
    OUTLIER,
    PARTIAL,
    REJECTED,
    TOLD,
    EventCommit,
    HeadRecord,
    MemberChange,
    RoomRecord,
    RoomStore,
    StoredEvent,
)

AT_ONCE = 200  # events looked up before others have their turn
WRITTEN = 500  # in one transaction
FIRST_TOPO = 1_000_000_000  # of a room that was there before: its history comes to lie below


class Entrance(NamedTuple):
    """What a server gave with the join of a user of ours. Every event is of the right format and well signed."""

    version: RoomVersion
    join: Event
    state: Sequence[Event]  # before the join
    auth_chain: Sequence[Event]
    servers: Sequence[str] | None = None  # the state came without its members, and these are said to be in the room


class MemberWrites(Protocol):
    """A part of `homeserver.rooms.partial.store.PartialStore`."""

    async def put_members(self, room: RoomRecord, members: Sequence[tuple[StoredEvent, MemberChange]]) -> None: ...


class Entering:
    _log = Logger()

    def __init__(
        self,
        *,
        store: RoomStore,
        members: MemberWrites,
        heads: RoomHeads,
        locks: RoomLocks,
        states: StateReader,
        outliers: Outliers,
        current: CurrentState,
        clock: Clock,
    ) -> None:
        self._store = store
        self._members = members
        self._heads = heads
        self._locks = locks
        self._states = states
        self._outliers = outliers
        self._current = current
        self._clock = clock

    async def may_be_partial(self, room_id: str) -> bool:
        """Whether the members may come later: those of a room whose members are known are better replaced at once."""
        record = await self._store.head(room_id)
        return record is None or any(end.flags & PARTIAL for end in record.extremities)

    async def enter(self, entrance: Entrance) -> None:
        """Returns when the join is on disk. BadState when what was given is no whole and rightful room."""
        room_id = entrance.join.room_id
        async with self._locks.hold(room_id):
            record = await self._store.room(room_id)
            room = record or self._new_room(room_id, entrance.version)
            gathered = await self._judge(room, entrance)
            head = await self._head(room, entrance, gathered)
            mark = head.mark()
            try:
                commit = await self._commit(head, entrance, gathered)
                outliers = self._outliers.commits(gathered, head.lineage)
                if record is None:
                    (outliers[0] if outliers else commit).new_room = room
                outliers = await self._write_ahead(room, outliers, commit)
            except BaseException:
                head.return_to(mark)
                raise
            self._heads.keep(head)
            pending = self._store.commit([*outliers, commit])
        await on_disk(pending)

    async def _write_ahead(self, room: RoomRecord, outliers: list[EventCommit], commit: EventCommit) -> list[EventCommit]:
        """The outliers that are left, for the last write; of many members the commit keeps those of this server."""
        while len(outliers) > WRITTEN:
            await on_disk(self._store.commit(outliers[:WRITTEN]))
            outliers = outliers[WRITTEN:]
        if commit.enters and len(commit.others) > WRITTEN:
            strangers = [pair for pair in commit.others if not pair[1].is_local]
            commit.others = [pair for pair in commit.others if pair[1].is_local]
            for start in range(0, len(strangers), WRITTEN):
                await self._members.put_members(room, strangers[start : start + WRITTEN])
        return outliers

    def _new_room(self, room_id: str, version: RoomVersion) -> RoomRecord:
        return RoomRecord(self._store.take_room_num(), room_id, version, False, 0, 0, 0, False, self._clock.now_ms())

    async def _judge(self, room: RoomRecord, entrance: Entrance) -> Gathered:
        """Every event by what it cites, and the join by the state."""
        events = {event.event_id: event for event in (*entrance.auth_chain, *entrance.state) if event.room_id == room.room_id}
        gathered = Gathered()
        wanted = [*events, entrance.join.event_id]
        for start in range(0, len(wanted), AT_ONCE):
            if start:
                await self._clock.sleep(0)
            gathered.add_known(room.room_num, await self._store.events(wanted[start : start + AT_ONCE]))
        left = await self._outliers.judge_slowly(room.room_num, events.values(), gathered, self._clock)
        if left:
            self._log.info("{room}: {count} events of the state cite what did not come with it", room=room.room_id, count=len(left))
        return gathered

    async def _head(self, room: RoomRecord, entrance: Entrance, gathered: Gathered) -> RoomHead:
        """As it stood when we were last in the room, or empty."""
        try:
            return await self._heads.get(room.room_id)
        except NotFound:
            create = next((event for event in entrance.state if event.type == "m.room.create" and event.state_key == ""), None)
            stored = None if create is None else gathered.get(create.event_id)
            if stored is None or stored.flags & REJECTED:
                raise BadState("The server gave a room without its beginning") from None
            head = RoomHead(HeadRecord(room, state_map.EMPTY, ()), stored)
            head.known.clear()
            return head

    async def _commit(self, head: RoomHead, entrance: Entrance, gathered: Gathered) -> EventCommit:
        join = entrance.join
        state = _state_map(entrance.state, gathered)
        if entrance.servers is not None:
            state = {**_cited_members(join, gathered), **state}
        _check_join(join, state)
        base, changes = await self._known_in_part(head, entrance, {address: event.num for address, event in state.items()})
        before, nodes = await self._states.update(base, changes)
        known = gathered.known.get(join.event_id)
        num = self._store.take_event_num() if known is None else known.num
        stored = stored_event(num, head.room_num, join, topo=max(FIRST_TOPO, head.topo + LEAP), state_before=before, flags=TOLD)
        stored.flags |= 0 if entrance.servers is None else PARTIAL
        self._states.keep(stored)
        stored.state_after, more = await self._states.update(before, {join.address: num})
        here = await self._store.events(join.prev_events)
        commit = EventCommit(
            stored,
            head.lineage,
            is_known=known is not None,
            nodes={**nodes, **more},
            extremities_gone=[end.num for end in head.extremities],
            gaps=[event_id for event_id in join.prev_events if event_id not in here or here[event_id].flags & OUTLIER],
            enters=head.root == state_map.EMPTY,
            servers=entrance.servers,
        )
        learnt = await self._current.turn(head, commit, stored.state_after, gathered.fresh)
        head.learn(CREATE, state[CREATE])
        self._current.advance(head, commit, learnt)
        return commit

    async def _known_in_part(
        self, head: RoomHead, entrance: Entrance, given: dict[StateKey, int]
    ) -> tuple[bytes, Mapping[StateKey, int | None]]:
        """Who comes back to a room that never became whole still knows the members met there: the root to build on, and what to change."""
        if entrance.servers is None or not head.is_partial:
            return state_map.EMPTY, given
        past = [event for event in await self._states.all(head.root) if event.type != MEMBER]
        return head.root, {**{(event.type, event.state_key or ""): None for event in past}, **given}


def _state_map(state: Sequence[Event], gathered: Gathered) -> dict[StateKey, StoredEvent]:
    """By address. What a rule refuses, or cannot judge, is left out, as every server does."""
    found: dict[StateKey, StoredEvent] = {}
    for event in state:
        stored = gathered.get(event.event_id)
        if stored is None or stored.flags & REJECTED or event.state_key is None:
            continue
        if event.address in found and found[event.address].event_id != event.event_id:
            raise BadState("The server gave two events for one piece of the room's state")
        found[event.address] = stored
    if CREATE not in found:
        raise BadState("The server gave a room without its beginning")
    return found


def _cited_members(join: Event, gathered: Gathered) -> dict[StateKey, StoredEvent]:
    """Of a state without members those by whom the join is authorised: who was invited, and who vouches."""
    cited = [found for event_id in join.auth_events if (found := gathered.get(event_id)) is not None]
    return {event.event.address: event for event in cited if event.type == MEMBER and not event.flags & REJECTED}


def _check_join(join: Event, state: Mapping[StateKey, StoredEvent]) -> None:
    try:
        check_event(
            join, {address: state[address].event for address in judging_state(join) if address in state}, create=state[CREATE].event
        )
    except NotAuthorised as error:
        raise BadState(f"The join does not hold in the state that came with it: {error}") from error
