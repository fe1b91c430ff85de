"""The way of other servers' events into a room: gathered without holding it, then placed one after the other, and committed together.

Server-server API, "Checks performed on receipt of a PDU": 1 to 3 (format, signatures, hash) were done by who brought them; 4 to 6 are `admit`.
"""

from collections.abc import Mapping, Sequence

from twisted.internet.defer import Deferred, DeferredList

from homeserver.errors import MatrixError, NotFound
from homeserver.protocol.errors import MissingEvents
from homeserver.protocol.event import Event
from homeserver.rooms.head import RoomHead, RoomHeads
from homeserver.rooms.receiving.admit import Admission, Surroundings
from homeserver.rooms.receiving.gather import Batch, Gathering
from homeserver.rooms.receiving.merge import Merging
from homeserver.rooms.receiving.order import by_time, cited_first
from homeserver.rooms.receiving.outcome import AlreadyKnown, Outcome, Unplaced
from homeserver.rooms.receiving.outliers import Outliers
from homeserver.rooms.room_lock import RoomLock, RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.servers.policy import POLICY, RoomPolicy
from homeserver.rooms.store import EventCommit, Foretold, RoomStore, StoredEvent

MAX_ENDS = 20  # told when asking for what lies between


class Receiving:
    def __init__(
        self,
        *,
        store: RoomStore,
        heads: RoomHeads,
        locks: RoomLocks,
        gathering: Gathering,
        outliers: Outliers,
        admission: Admission,
        merging: Merging,
        policy: RoomPolicy,
        queues: RoomLocks,
    ) -> None:
        """`queues`: one batch of a room at a time; meanwhile the room itself is free."""
        self._store = store
        self._heads = heads
        self._locks = locks
        self._gathering = gathering
        self._outliers = outliers
        self._admission = admission
        self._merging = merging
        self._policy = policy
        self._queues = queues

    async def receive(self, servers: Sequence[str], room_id: str, events: Sequence[Event], *, mark: int = 0) -> dict[str, Outcome]:
        """Events of one room, of the right format and well signed; what became of each, once that is on disk. `servers`: whom to ask for more;
        `mark`: RELAYED or TOLD, where one of these is to be their flag.

        Raises NotFound when this server is not in the room.
        """
        async with self._queues.hold(room_id):
            cited = {one for event in events for one in (event.event_id, *event.prev_events, *event.auth_events)}
            room, known = await self._store.known(room_id, cited)
            if room is None or room.local_joined_count == 0:
                raise NotFound("This server is not in the room")
            here = {event.event_id: known[event.event_id] for event in events if event.event_id in known}
            placed = {event_id for event_id, event in here.items() if event.state_before is not None}
            foreign = {event_id for event_id, event in here.items() if event.room_num != room.room_num}
            new = [event for event in events if event.event_id not in placed and event.event_id not in foreign]
            outcomes: dict[str, Outcome] = dict.fromkeys(placed, AlreadyKnown())
            outcomes.update(dict.fromkeys(foreign, Unplaced("There is an event of that ID in another room")))
            if new:
                ends = await self._ends(room_id)
                batch = await self._gathering.gather(room, servers, ends, new, known)
                await self._show_to_policy_server(room_id, batch)
                outcomes.update(await self._place(room_id, batch, {event.event_id: mark for event in new}))
            return outcomes

    async def _ends(self, room_id: str) -> list[str]:
        async with self._locks.hold(room_id):
            head = await self._heads.get(room_id)
            return [end.event_id for end in head.extremities[-MAX_ENDS:]]

    async def _show_to_policy_server(self, room_id: str, batch: Batch) -> None:
        """Where the room has one; without holding the room, for it may take its time."""
        async with self._locks.hold(room_id):
            head = await self._heads.get(room_id)
            await self._heads.learn(head, [POLICY])
            policy = head.get(POLICY)
        if policy is None:
            return

        async def show(event: Event) -> None:
            try:
                batch.events[event.event_id] = await self._policy.approved(event, policy)
            except MatrixError as error:
                batch.unwanted[event.event_id] = error.message

        shown = [Deferred.fromCoroutine(show(event)) for event in list(batch.events.values())]
        await DeferredList(shown, fireOnOneErrback=True, consumeErrors=True)

    async def _place(self, room_id: str, batch: Batch, marks: Mapping[str, int]) -> dict[str, Outcome]:
        async with self._locks.hold(room_id) as lock:
            head = await self._heads.get(room_id)
            mark = head.mark()
            try:
                placed, outcomes = await self._admit_all(lock, head, batch)
                for commit in placed:
                    commit.event.flags |= marks.get(commit.event.event_id, 0)
                outliers = self._outliers.commits(batch.gathered, head.lineage)
                placed += await self._merging.merge(lock, head, batch.gathered.fresh)
            except BaseException:
                head.return_to(mark)
                raise
            pending = self._store.commit([*outliers, *placed])
        await on_disk(pending)
        return outcomes

    async def _admit_all(self, lock: RoomLock, head: RoomHead, batch: Batch) -> tuple[list[EventCommit], dict[str, Outcome]]:
        commits: list[EventCommit] = []
        outcomes: dict[str, Outcome] = {}
        placed: dict[str, StoredEvent] = {}
        foretold = await self._store.foretold(head.room_id, batch.events)
        for event in cited_first(batch.events.values(), by_time):
            around = self._around(event, batch, placed, foretold)
            if isinstance(around, Unplaced):
                outcomes[event.event_id] = around
                continue
            try:
                commit, outcomes[event.event_id] = await self._admission.admit(
                    lock, head, event, around, batch.gathered.fresh, batch.unwanted.get(event.event_id)
                )
            except MissingEvents as error:
                outcomes[event.event_id] = Unplaced(str(error))
                continue
            commits.append(commit)
            placed[event.event_id] = batch.gathered.fresh[event.event_id] = commit.event
        return commits, outcomes

    def _around(self, event: Event, batch: Batch, placed: Mapping[str, StoredEvent], foretold: Foretold) -> Surroundings | Unplaced:
        """What it stands among; Unplaced where that is not to be had."""
        gathered = batch.gathered
        auth = {one: found for one in event.auth_events if (found := gathered.get(one)) is not None}
        if len(auth) < len(set(event.auth_events)):
            return Unplaced("What it is authorised by cannot be had")
        known = gathered.known.get(event.event_id)
        around = Surroundings([], auth, outlier=known or gathered.fresh.get(event.event_id), is_stored=known is not None)
        around.fills_gap, around.is_built_on = event.event_id in foretold.gaps, foretold.gaps.get(event.event_id, False)
        around.redactions = foretold.redactions.get(event.event_id, ())
        previous, roots, gaps, nodes = list[StoredEvent](), list[bytes](), list[str](), dict[bytes, bytes]()
        for event_id in event.prev_events:
            known = placed.get(event_id) or gathered.known.get(event_id)
            if known is not None and known.state_before is not None:
                previous.append(known)
            elif event_id in batch.after:
                roots.append(batch.after[event_id].root)
                nodes.update(batch.after[event_id].nodes)
                gaps.append(event_id)
            else:
                return Unplaced("What came before it cannot be had")
        if not event.prev_events:
            return Unplaced("It says that nothing came before it")
        around.previous, around.roots, around.gaps, around.nodes = previous, roots, gaps, nodes
        return around
