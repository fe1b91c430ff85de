"""A room that was entered without its members becomes whole: the state is fetched, what came meanwhile is judged again, and all of it is one write.

Fetching leaves the room free. Then the room is held: its events get their whole states one after the other, and its current state turns to what follows.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field

from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import NotFound, Unavailable
from homeserver.rooms.append import Identity
from homeserver.rooms.head import CREATE, RoomHead, RoomHeads
from homeserver.rooms.partial.ends import ends_now
from homeserver.rooms.partial.rejudge import Judged, Rejudging
from homeserver.rooms.partial.retell import Retelling
from homeserver.rooms.partial.store import Completion, PartialStore, WholeNews
from homeserver.rooms.receiving.current import MEMBER, CurrentState, Learnt, text_of
from homeserver.rooms.receiving.gather import Gathering
from homeserver.rooms.receiving.outliers import Gathered, Outliers
from homeserver.rooms.receiving.peers import Subject
from homeserver.rooms.receiving.resolve import Resolver
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.store import EventCommit, Extremity, Lineage, MemberChange, RoomRecord, RoomStore, StoredEvent

MAX_ROUNDS = 20  # of fetching what is still missing
AT_ONCE = 200  # events read before others have their turn
WRITTEN = 1_000  # events in one transaction
MEMBERS_AT_ONCE = 1_500
LARGE = 500  # events of a state: it takes a while, so nobody is kept waiting for it


@dataclass(eq=False, slots=True)
class _Beyond:
    """States after events that are not here themselves, by the IDs of those."""

    roots: dict[str, bytes] = field(default_factory=dict)
    nodes: dict[bytes, bytes] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class _Known:
    """What a room's events are built on: the states after it, as far as they are to be had; and its records."""

    roots: dict[str, bytes]
    stored: dict[str, StoredEvent]
    missing: list[str]


class Completing:
    _log = Logger()

    def __init__(
        self,
        *,
        identity: Identity,
        store: RoomStore,
        partial: PartialStore,
        heads: RoomHeads,
        locks: RoomLocks,
        queues: RoomLocks,
        gathering: Gathering,
        outliers: Outliers,
        rejudging: Rejudging,
        retelling: Retelling,
        resolver: Resolver,
        current: CurrentState,
        large: Callable[[str], None],
        clock: Clock,
    ) -> None:
        """`queues`: who holds one alone brings events of a room in. `large`: told of a room that will not be whole in a moment."""
        self._identity = identity
        self._store = store
        self._partial = partial
        self._heads = heads
        self._locks = locks
        self._queues = queues
        self._gathering = gathering
        self._outliers = outliers
        self._rejudging = rejudging
        self._retelling = retelling
        self._resolver = resolver
        self._current = current
        self._large = large
        self._clock = clock

    async def complete(self, room_id: str, servers: Sequence[str]) -> None:
        """Returns when the room is whole, on disk. Raises Unavailable while none of the servers gives what is missing."""
        room = await self._store.room(room_id)
        if room is None:
            raise NotFound("This server does not know the room")
        subject, beyond = Subject(room_id, room.version, servers), _Beyond()
        for _ in range(MAX_ROUNDS):
            known = await self._known(await self._partial.events(room_id), beyond)
            if known.missing:
                await self._fetch(room, subject, known.missing, beyond)
            elif await self._settle(room, servers, beyond):
                return
        raise Unavailable("The room moves faster than its state can be fetched")

    async def _known(self, events: Sequence[StoredEvent], beyond: _Beyond) -> _Known:
        names = {name for stored in events for name in stored.event.prev_events} - {stored.event_id for stored in events}
        stored = await self._look_up(names)
        known = _Known({}, stored, [])
        for name in sorted(names):
            root = stored[name].root_after if name in stored and stored[name].state_before is not None else beyond.roots.get(name)
            if root is None:
                known.missing.append(name)
            else:
                known.roots[name] = root
        return known

    async def _look_up(self, event_ids: Collection[str]) -> dict[str, StoredEvent]:
        found: dict[str, StoredEvent] = {}
        wanted = list(event_ids)
        for start in range(0, len(wanted), AT_ONCE):
            found.update(await self._store.events(wanted[start : start + AT_ONCE]))
            await self._clock.sleep(0)
        return found

    async def _fetch(self, room: RoomRecord, subject: Subject, missing: Sequence[str], beyond: _Beyond) -> None:
        """The states after what is missing; nothing is gained where others have brought in some of their events meanwhile."""
        gathered, found = Gathered(), {}

        def coming(count: int) -> None:
            if count > LARGE:
                self._large(room.room_id)

        for name in missing:
            state = await self._gathering.told_state_after(room, subject, name, gathered, coming)
            if state is None:
                raise Unavailable("No server gives the state of the room")
            found[name] = state
        if await self._keep(room.room_id, gathered):
            for name, state in found.items():
                beyond.roots[name] = state.root
                beyond.nodes.update(state.nodes)

    async def _keep(self, room_id: str, gathered: Gathered) -> bool:
        """Write what was fetched. False: some of it is known by now, under other numbers than those counted with."""
        async with self._queues.hold(room_id):
            taken = await self._look_up([event_id for event_id in gathered.fresh if event_id not in gathered.known])
            gathered.fresh = {event_id: record for event_id, record in gathered.fresh.items() if event_id not in taken}
            commits = self._outliers.commits(gathered, Lineage())
            for start in range(0, len(commits), WRITTEN):
                await on_disk(self._store.commit(commits[start : start + WRITTEN]))
        return not taken

    async def _settle(self, room: RoomRecord, servers: Sequence[str], beyond: _Beyond) -> bool:
        """False: events have come that are built on what is missing. Nothing is arriving meanwhile, for that would be placed by the states that were."""
        async with self._queues.hold(room.room_id), self._locks.hold(room.room_id):
            await on_disk(self._store.commit([]))
            self._heads.forget(room.room_id)  # an earlier last write may have come to light after all
            head = await self._heads.get(room.room_id)
            events = await self._partial.events(room.room_id)
            known = await self._known(events, beyond)
            if known.missing:
                return False
            judged = await self._rejudging.judge(head, events, known.roots)
            ends = ends_now(head, events, judged, known.stored)
            roots = [end.root for end in ends if end.root is not None] or list(known.roots.values()) or [head.root]
            resolved = await self._resolver.resolve(head.version, roots, {})
            turned = EventCommit(head.create, head.lineage)
            learnt = await self._current.turn(head, turned, resolved.root, {})
            news = self._news(events, learnt, turned, servers)
            told = await self._retelling.tell(head, resolved.root, turned.joined_delta, events, judged.revived)
            members = await self._put_strangers(room, turned)
            before, after = ({end.num for end in some} for some in (head.extremities, ends))
            completion = Completion(
                room, events, told.revived, judged.fallen, told.restored, {**beyond.nodes, **judged.nodes, **resolved.nodes},
                beyond.roots.values(), resolved.root,
                before - after, after - before, turned.current_state, members,
                turned.joined_delta, turned.invited_delta, turned.local_joined_delta, news,
            )  # fmt: skip
            try:
                await self._partial.finish(completion)
            except BaseException:
                self._heads.forget(room.room_id)  # nobody knows whether that was written
                raise
            _renew(head, ends, resolved.root, turned.joined_delta)
        self._tell(room.room_id, events, judged)
        return True

    async def _put_strangers(self, room: RoomRecord, turned: EventCommit) -> list[tuple[StoredEvent, MemberChange]]:
        """Write down most of those who were not known here; the others, who go into the last write."""
        strangers = [pair for pair in turned.others if pair[1].previous is None and not pair[1].is_local]
        if len(strangers) <= MEMBERS_AT_ONCE:
            return list(turned.others)
        for start in range(0, len(strangers), MEMBERS_AT_ONCE):
            await self._partial.put_members(room, strangers[start : start + MEMBERS_AT_ONCE])
            await self._clock.sleep(0)
        return [pair for pair in turned.others if pair[1].previous is not None or pair[1].is_local]

    def _news(self, events: Sequence[StoredEvent], learnt: Learnt, turned: EventCommit, servers: Sequence[str]) -> WholeNews:
        users = {address[1] for address, event in learnt.items() if address[0] == MEMBER and event is not None and _is_join(event)}
        users.update(stored.state_key for stored in events if stored.type == MEMBER and stored.state_key is not None)
        gone = [change.user_id for _, change in turned.others if change.previous == "join" and change.membership != "join"]
        unsaid = {user_id.partition(":")[2] for user_id in users} - {*servers, self._identity.server_name}
        return WholeNews(frozenset(unsaid), frozenset(gone))

    def _tell(self, room_id: str, events: Sequence[StoredEvent], judged: Judged) -> None:
        self._log.info(
            "{room} is whole: {count} events were judged again, {fallen} fell and {revived} were revived",
            room=room_id, count=len(events), fallen=len(judged.fallen), revived=len(judged.revived),
        )  # fmt: skip


def _is_join(event: StoredEvent) -> bool:
    return text_of(event, "membership") == "join"


def _renew(head: RoomHead, ends: Sequence[Extremity], root: bytes, joined: int) -> None:
    """What the head knew, it knew of another state."""
    head.extremities, head.root = tuple(ends), root
    head.joined_count += joined
    head.is_partial = False
    head.known.clear()
    head.learn(CREATE, head.create)
