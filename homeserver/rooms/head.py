"""Where a room stands: what the next event is built on, kept in memory for rooms in use.

A head may run ahead of the disk: it already counts events whose commit is under way. When such a commit fails its `Lineage` is broken: all that was built
on it fails too, and the head is loaded anew.
"""

from collections import OrderedDict
from collections.abc import Iterable
from copy import copy
from typing import NamedTuple

from homeserver.errors import NotFound
from homeserver.figures import CacheFigures
from homeserver.protocol.auth_rules import PowerLevels, power_levels
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.event_build import reference_to
from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import PARTIAL, EventCommit, Extremity, HeadRecord, Lineage, RoomStore, StoredEvent

MAX_HEADS = 2_000
MAX_KNOWN = 400  # addresses of a room, more than one event is judged by; the rest is looked up again when needed

CREATE: StateKey = ("m.room.create", "")
POWER_LEVELS: StateKey = ("m.room.power_levels", "")
JOIN_RULES: StateKey = ("m.room.join_rules", "")


class RoomHead:
    """The current state by address as far as it is known here (None: known to be absent), and the ends of the graph."""

    __slots__ = (
        "_levels",
        "create",
        "extremities",
        "is_partial",
        "joined_count",
        "known",
        "lineage",
        "room_id",
        "room_num",
        "root",
        "version",
    )

    def __init__(self, record: HeadRecord, create: StoredEvent) -> None:
        self.room_num = record.room.room_num
        self.room_id = record.room.room_id
        self.version: RoomVersion = record.room.version
        self.root = record.root
        self.joined_count = record.room.joined_count
        self.extremities = tuple(extremity_of(event) for event in record.extremities)
        self.create = create
        self.known: OrderedDict[StateKey, StoredEvent | None] = OrderedDict({CREATE: create})
        self.lineage = Lineage()
        self.is_partial = any(event.flags & PARTIAL for event in record.extremities)  # what is built on it is known in part, too
        self._levels: PowerLevels | None = None

    def recall(self, address: StateKey) -> bool:
        """Whether the address is known; then it stays so while less than MAX_KNOWN others are learnt."""
        if address not in self.known:
            return False
        self.known.move_to_end(address)
        return True

    def get(self, address: StateKey) -> StoredEvent | None:
        """What is there; the address must have been learnt."""
        return self.known[address]

    def learn(self, address: StateKey, event: StoredEvent | None) -> None:
        self.known[address] = event
        self.known.move_to_end(address)
        if address == POWER_LEVELS:
            self._levels = None
        while len(self.known) > MAX_KNOWN:
            self.known.popitem(last=False)

    def membership(self, user_id: str) -> str:
        """The user's membership, "leave" when there never was one; must have been learnt."""
        event = self.known["m.room.member", user_id]
        if event is None:
            return "leave"
        membership = event.content.get("membership")
        return membership if isinstance(membership, str) else "leave"

    @property
    def levels(self) -> PowerLevels:
        """The power levels in force; POWER_LEVELS must have been learnt."""
        if self._levels is None:
            event = self.known[POWER_LEVELS]
            self._levels = power_levels.of(None if event is None else event.event, self.create.event)
        return self._levels

    def state_for(self, addresses: Iterable[StateKey]) -> dict[StateKey, Event]:
        state = {}
        for address in addresses:
            event = self.get(address)
            if event is not None:
                state[address] = event.event
        return state

    @property
    def depth(self) -> int:
        return max((extremity.depth for extremity in self.extremities), default=0) + 1

    @property
    def topo(self) -> int:
        return max((extremity.topo for extremity in self.extremities), default=0) + 1

    def mark(self) -> "Mark":
        """Where it stands, to `return_to` should what is appended next come to nothing."""
        return Mark(self.extremities, self.root, self.joined_count)

    def return_to(self, mark: "Mark") -> None:
        """None of the commits made since may be handed to the store."""
        if self.root != mark.root:  # what is known may be theirs
            self._forget()
        self.extremities, self.root, self.joined_count = mark

    def at(self, root: bytes) -> "RoomHead":
        """Another that stands at that state, and otherwise where this one does."""
        other = copy(self)
        other.root = root
        other._forget()
        return other

    def _forget(self) -> None:
        """What is known is looked up again."""
        self.known, self._levels = OrderedDict({CREATE: self.create}), None

    def advance(self, commit: EventCommit) -> None:
        """Count the event that is being committed."""
        event = commit.event
        gone = set(commit.extremities_gone)
        kept = tuple(extremity for extremity in self.extremities if extremity.num not in gone)
        self.extremities = (*kept, extremity_of(event))
        if commit.root is not None:
            self.root = commit.root
        self.joined_count += commit.joined_delta
        if event.state_key is not None:
            self.learn((event.type, event.state_key), event)


class Mark(NamedTuple):
    extremities: tuple[Extremity, ...]
    root: bytes
    joined_count: int


def extremity_of(event: StoredEvent) -> Extremity:
    sha256 = reference_to(event.event).sha256 if event.version.references_with_hashes else None
    return Extremity(event.num, event.event_id, event.event.depth, event.topo or 0, sha256, event.root_after)


class RoomHeads:
    """The heads of the rooms in use."""

    def __init__(self, store: RoomStore, states: StateReader) -> None:
        self._store = store
        self._states = states
        self._heads: OrderedDict[str, RoomHead] = OrderedDict()
        self._loads = 0

    async def get(self, room_id: str) -> RoomHead:
        """The room's head; the caller holds its lock. M_NOT_FOUND when this server does not know the room."""
        head = self._heads.get(room_id)
        if head is not None and not head.lineage.broken:
            self._heads.move_to_end(room_id)
            return head
        self._loads += 1
        record = await self._store.head(room_id)
        if record is None:
            raise NotFound("This server does not know the room")
        create = (await self._states.at(record.root, [CREATE]))[CREATE]
        head = RoomHead(record, create)
        self.keep(head)
        return head

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._heads), len(self._heads), MAX_HEADS, self._loads)

    def keep(self, head: RoomHead) -> None:
        self._heads[head.room_id] = head
        while len(self._heads) > MAX_HEADS:
            self._heads.popitem(last=False)

    async def learn(self, head: RoomHead, addresses: Iterable[StateKey]) -> None:
        """Make sure the head knows those addresses; no suspension when it does."""
        unknown = [address for address in addresses if not head.recall(address)]
        if not unknown:
            return
        found = await self._states.at(head.root, unknown)
        for address in unknown:
            head.learn(address, found.get(address))

    def forget(self, room_id: str) -> None:
        """The room changed behind the head's back (state was resolved, events came from a peer)."""
        self._heads.pop(room_id, None)
