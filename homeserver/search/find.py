"""Finds what a user may see and searches for, in all rooms the user is or was in (client-server API, "Server Side Search").

The index names candidates, the events themselves decide, and what is left is judged like everything that leaves the server: by history visibility,
the filter and whom the user ignores. An edited message is found by its latest text that the user may see, as the message it was from the beginning.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from twisted.internet.defer import DeferredSemaphore

from homeserver.protocol.event import StateKey
from homeserver.protocol.filters import RoomEventFilter
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.reading.history import History
from homeserver.rooms.reading.paging_store import Ignoring, PagingStore
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.reading.wanted import choose
from homeserver.rooms.store import HAS_CHILDREN, REDACTED, MemberRecord, RoomStore, StoredEvent
from homeserver.search import block
from homeserver.search.criteria import Criteria
from homeserver.search.store import MESSAGE, Found, SearchStore
from homeserver.search.text import document

AT_ONCE = 2  # searches; further ones wait
MOST = 1_000  # events looked at before others have their turn
MAX_HITS = 5_000  # sorted together; older ones come after them
MAX_PREDECESSORS = 50
CREATE: StateKey = ("m.room.create", "")


class Hit(NamedTuple):
    """A result: the event to be shown, and the position of that which matched."""

    rank: int
    position: int
    num: int
    room_id: str
    sender: str


class Hits(NamedTuple):
    """In no order. `floor`: there may be more before this position; None: these are all."""

    hits: list[Hit]
    floor: int | None


class Replacing(Protocol):
    async def replacements(self, user_id: str, room_id: str, parents: Mapping[str, StoredEvent]) -> Mapping[str, StoredEvent]:
        """By the ID of the event whose content it replaces for this reader."""


class Asked:
    """The question to the store."""

    def __init__(self, criteria: Criteria) -> None:
        self._term = criteria.term
        self._types = criteria.types
        self._wanted = criteria.wanted.events
        self._slots = frozenset(slot for word in criteria.term.folded for slot in block.slots(word))

    def candidates(self, body: bytes) -> Sequence[int]:
        return block.candidates(body, self._slots)

    def match(self, event: StoredEvent) -> Found | None:
        if event.type not in self._types or not self._wanted.accepts(event.type, event.sender):
            return None
        said = document(event.type, event.body)
        rank = None if said is None else self._term.rank(said.text)
        return None if said is None or rank is None else Found(event, rank, said.replaces)


class Finder:
    def __init__(
        self,
        *,
        store: SearchStore,
        rooms: RoomStore,
        members: MemberStore,
        timelines: TimelineStore,
        pages: PagingStore,
        history: History,
        replacing: Replacing,
        ignoring: Ignoring,
    ) -> None:
        self._store = store
        self._rooms = rooms
        self._members = members
        self._timelines = timelines
        self._pages = pages
        self._history = history
        self._replacing = replacing
        self._ignoring = ignoring
        self._turns = DeferredSemaphore(AT_ONCE)

    async def find(self, user_id: str, criteria: Criteria, before: int) -> Hits:
        """The newest MAX_HITS results before that position."""
        if not criteria.term.folded:
            return Hits([], None)
        await self._turns.acquire()
        try:
            return await self._find(user_id, criteria, before)
        finally:
            self._turns.release()

    async def _find(self, user_id: str, criteria: Criteria, before: int) -> Hits:
        criteria = criteria._replace(wanted=await self._with_predecessors(criteria.wanted))
        asked, newest = Asked(criteria), _Newest()
        for member in await self._searched(user_id, criteria.wanted):
            rest: int | None = before
            while rest is not None:
                matches = await self._store.find(member.room_id, asked, after=newest.floor, before=rest, most=MOST)
                newest.add(await self._judge(member, matches.found, criteria.wanted))
                rest = matches.before
        return newest.hits()

    async def _searched(self, user_id: str, wanted: RoomEventFilter) -> list[MemberRecord]:
        """The user's memberships in the rooms that are searched: where the user is or has been, and nothing is encrypted."""
        members = await self._members.memberships_of(user_id, ("join", "leave", "ban"))
        members = [m for m in members if wanted.accepts_room(m.room_id) and (m.membership == "join" or m.joined_position is not None)]
        encrypted = await self._store.encrypted([member.room_id for member in members])
        return [member for member in members if member.room_id not in encrypted]

    async def _with_predecessors(self, wanted: RoomEventFilter) -> RoomEventFilter:
        """What was said in a room before it was upgraded belongs to it."""
        if wanted.rooms is None:
            return wanted
        rooms = list(wanted.rooms)
        for room_id in rooms:  # grows meanwhile
            create = (await self._timelines.current_state(room_id, [CREATE])).get(CREATE)
            predecessor = None if create is None else create.content.get("predecessor")
            before = predecessor.get("room_id") if isinstance(predecessor, dict) else None
            if isinstance(before, str) and before not in rooms and len(rooms) < len(wanted.rooms) + MAX_PREDECESSORS:
                rooms.append(before)
        return wanted._replace(rooms=frozenset(rooms))

    async def _judge(self, member: MemberRecord, found: Sequence[Found], wanted: RoomEventFilter) -> list[Hit]:
        if not found:
            return []
        seen = await self._history.visible_to(member.user_id, member, [match.event for match in found])
        visible = {item.event.num for item in seen if not item.event.flags & REDACTED}
        matches = await self._current(member, [match for match in found if match.event.num in visible])
        ignored = await self._ignoring.ignored(member.user_id)
        chosen = {event.num for event in await choose([event for _, event in matches], wanted, ignored, self._pages)}
        return [
            Hit(match.rank, match.event.position or 0, event.num, event.room_id, event.sender)
            for match, event in matches
            if event.num in chosen
        ]

    async def _current(self, member: MemberRecord, found: list[Found]) -> list[tuple[Found, StoredEvent]]:
        """Without texts that were replaced by others; with each text the event that it belongs to."""
        parents = {
            match.event.event_id: match.event
            for match in found
            if match.replaces is None and match.event.flags & HAS_CHILDREN and match.event.type == MESSAGE
        }
        edited = {match.replaces for match in found if match.replaces is not None}.difference(parents)
        if edited:
            others = [event for event in (await self._rooms.events(edited)).values() if event.room_id == member.room_id]
            seen = await self._history.visible_to(member.user_id, member, others)
            parents.update((item.event.event_id, item.event) for item in seen)
        if not parents:
            return [(match, match.event) for match in found if match.replaces is None]
        latest = await self._replacing.replacements(member.user_id, member.room_id, parents)
        current = []
        for match in found:
            replacement = latest.get(match.replaces or match.event.event_id)
            if match.replaces is None and replacement is None:
                current.append((match, match.event))
            elif match.replaces is not None and replacement is not None and replacement.num == match.event.num:
                current.append((match, parents[match.replaces]))
        return current


class _Newest:
    """Keeps the newest hits. `floor`: what is not after this position is not needed any more."""

    def __init__(self) -> None:
        self._hits: list[Hit] = []
        self._cut = False
        self.floor = -MAX_INTEGER

    def add(self, hits: Sequence[Hit]) -> None:
        self._hits.extend(hit for hit in hits if hit.position > self.floor)
        if len(self._hits) > 2 * MAX_HITS:
            self._trim()

    def hits(self) -> Hits:
        if len(self._hits) > MAX_HITS:
            self._trim()
        return Hits(self._hits, self._hits[-1].position if self._cut else None)

    def _trim(self) -> None:
        self._hits.sort(key=lambda hit: -hit.position)
        del self._hits[MAX_HITS:]
        self._cut = True
        self.floor = self._hits[-1].position
