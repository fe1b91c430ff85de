"""Few ends of the graph: when too many servers have built past each other, an event that says nothing is built on many of them at once.

Every end is looked at whenever something is built or resolved, and an event may name twenty at most.
"""

from collections.abc import Mapping

from homeserver.errors import MatrixError
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.event import Draft
from homeserver.protocol.limits import MAX_PREV_EVENTS
from homeserver.rooms.append import Appender
from homeserver.rooms.head import CREATE, POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.receiving.current import CurrentState
from homeserver.rooms.receiving.resolve import Resolver
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.store import EventCommit, RoomStore, StoredEvent

MAX_ENDS = 10
DUMMY = "org.matrix.dummy_event"
CANDIDATES = 20


class Merging:
    def __init__(self, *, store: RoomStore, heads: RoomHeads, appender: Appender, resolver: Resolver, current: CurrentState) -> None:
        self._store = store
        self._heads = heads
        self._appender = appender
        self._resolver = resolver
        self._current = current

    async def merge(self, lock: RoomLock, head: RoomHead, fresh: Mapping[str, StoredEvent]) -> list[EventCommit]:
        """Commits that leave few ends; none where nobody here may speak. `fresh`: events that are not stored yet."""
        commits: list[EventCommit] = []
        if len(head.extremities) <= MAX_ENDS:
            return commits
        speaker = await self._speaker(head)
        while speaker is not None and len(head.extremities) > MAX_ENDS:
            mark = head.mark()
            try:
                commits.append(await self._merge(lock, head, speaker, {**fresh, **{one.event.event_id: one.event for one in commits}}))
            except (MatrixError, ProtocolError):  # a policy server may have refused it
                head.return_to(mark)
                break
        return commits

    async def _speaker(self, head: RoomHead) -> str | None:
        """A user of this server who may."""
        users = await self._store.local_members(head.room_id, CANDIDATES)
        await self._heads.learn(head, [POWER_LEVELS, CREATE])
        able = [user for user in users if head.levels.user(user) >= head.levels.event(DUMMY, False)]
        return able[0] if able else None

    async def _merge(self, lock: RoomLock, head: RoomHead, speaker: str, fresh: Mapping[str, StoredEvent]) -> EventCommit:
        ends, others = head.extremities[:MAX_PREV_EVENTS], head.extremities[MAX_PREV_EVENTS:]
        before = await self._resolver.resolve(head.version, [end.root for end in ends if end.root is not None], fresh)
        part = head.at(before.root)  # as the room would stand if these were all its ends
        part.extremities = ends
        commit = await self._appender.append(lock, part, Draft(DUMMY, speaker, {}))
        stored = commit.event
        now = await self._resolver.resolve(head.version, [*(end.root for end in others if end.root is not None), before.root], fresh)
        commit.nodes = {**before.nodes, **commit.nodes, **now.nodes}
        stored.shown_before = head.root if head.root != before.root else None
        stored.shown_after = now.root if now.root != before.root else None
        learnt = await self._current.turn(head, commit, now.root, fresh)
        self._current.advance(head, commit, learnt)
        return commit
