"""What rooms ask of the storage, and the records that travel.

`num` is an event's compact number (unique, in no promised order), `position` its place in the server-wide stream, `topo` our own depth of it.
A method is one transaction. Reads return what is committed.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from twisted.internet.defer import Deferred

from homeserver.protocol import event_bytes
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.room_versions import RoomVersion

# What users' own push rules say of an event where that is not what follows from it for everyone: user → (notifies, highlights). None: only the store knows.
Verdicts = Mapping[str, tuple[bool, bool]]

# flags of a stored event
REJECTED = 1  # breaks an auth rule: for ever out of state, timeline and new events' references
SOFT_FAILED = 2  # stands in the graph, but is not shown and not built upon
OUTLIER = 4  # known without its place in the graph
REDACTED = 8
HAS_CHILDREN = 16  # other events relate to it
RELAYED = 32  # came by a handshake with another server, for which this one tells the other servers in the room
TOLD = 64  # of ours, by a handshake with another server, which tells it to the other servers in the room
UNJUDGED = 128  # an outlier that came alone, such as an invite: nobody looked at what it cites
BEHIND_GAP = 256  # some of what comes right before it was not to be had when it came
PARTIAL = 512  # the state before it is known in part: the room was entered without its members, which are still to come
HIDDEN = REJECTED | SOFT_FAILED | OUTLIER


class StoredEvent:
    """An event as the database holds it. `body` and `links` are the two halves of its JSON (`protocol.event_bytes`)."""

    __slots__ = (
        "_event", "body", "event_id", "flags", "links", "notifies", "num", "position", "redacted_by", "room_id", "room_num", "sender",
        "shown_after", "shown_before", "state_after", "state_before", "state_key", "thread", "topo", "ts", "type", "verdicts", "version",
    )  # fmt: skip

    def __init__(
        self, num: int, room_num: int, position: int | None, topo: int | None, flags: int, notifies: int, ts: int, type: str, sender: str,
        state_key: str | None, event_id: str, thread: str | None, redacted_by: int | None, state_before: bytes | None,
        state_after: bytes | None, body: bytes, links: bytes, room_id: str, version: RoomVersion,
        shown_before: bytes | None = None, shown_after: bytes | None = None,
    ) -> None:  # fmt: skip
        self.num = num
        self.room_num = room_num
        self.position = position
        self.topo = topo
        self.flags = flags
        self.notifies = notifies
        self.ts = ts
        self.type = type
        self.sender = sender
        self.state_key = state_key
        self.event_id = event_id
        self.thread = thread
        self.redacted_by = redacted_by
        self.state_before = state_before
        self.state_after = state_after
        self.body = body
        self.links = links
        self.room_id = room_id
        self.version = version
        self.shown_before = shown_before
        self.shown_after = shown_after
        self.verdicts: Verdicts | None = None
        self._event: Event | None = None

    @property
    def event(self) -> Event:
        """Parsed; state, by which others are judged, is parsed once."""
        event = self._event
        if event is None:
            event = event_bytes.load(self.body, self.links, self.event_id, self.room_id, self.version)
            if self.state_key is not None:
                self._event = event
        return event

    @property
    def content(self) -> dict[str, Any]:
        return self.event.content

    @property
    def root_after(self) -> bytes | None:
        """The state's root right after this event."""
        return self.state_after if self.state_after is not None else self.state_before

    @property
    def current_before(self) -> bytes | None:
        """The root of the room's current state when this event came; in a room without forks that is the state before it."""
        return self.shown_before if self.shown_before is not None else self.state_before

    @property
    def current_after(self) -> bytes | None:
        """The root of the room's current state once this event was there."""
        return self.shown_after if self.shown_after is not None else self.root_after

    @property
    def is_shown(self) -> bool:
        return not self.flags & HIDDEN

    def remember(self, event: Event | None) -> None:
        """The parsed event, for as long as it is at hand; None: its bytes are enough from now on."""
        self._event = event

    def __repr__(self) -> str:
        return f"<StoredEvent {self.position} {self.type} {self.event_id}>"


class RoomRecord(NamedTuple):
    """A room this server knows."""

    room_num: int
    room_id: str
    version: RoomVersion
    published: bool
    joined_count: int
    invited_count: int
    local_joined_count: int
    blocked: bool
    created_ts: int


class MemberRecord(NamedTuple):
    """Somebody's membership. `joined_position`: where the user last came in (also when gone again since); None: never."""

    room_id: str
    user_id: str
    membership: str
    previous: str | None
    num: int
    position: int
    joined_position: int | None
    sender: str
    forgotten: bool
    displayname: str | None
    avatar_url: str | None
    stripped: bytes | None


class Extremity(NamedTuple):
    """An event nothing was built upon yet. `sha256`: its reference hash, only where the room version cites it."""

    num: int
    event_id: str
    depth: int
    topo: int
    sha256: str | None = None
    root: bytes | None = None  # the state after it


class HeadRecord(NamedTuple):
    """Where the room stands: what the next event is built on."""

    room: RoomRecord
    root: bytes
    extremities: tuple[StoredEvent, ...]


class Lineage:
    """One unbroken chain of a room's pending commits. When a commit fails, all that was built on it must fail too."""

    __slots__ = ("broken",)

    def __init__(self) -> None:
        self.broken = False


class MemberChange(NamedTuple):
    user_id: str
    membership: str
    previous: str | None
    sender: str
    is_local: bool
    displayname: str | None
    avatar_url: str | None
    stripped: bytes | None = None


class Relation(NamedTuple):
    parent_id: str
    rel_type: str
    key: str | None


class Redaction(NamedTuple):
    """A redaction and, when its target is here and it applies, the target's number and emptied bytes."""

    target_id: str
    target_num: int | None = None
    body: bytes = b""
    links: bytes = b""


class Transaction(NamedTuple):
    user_id: str
    device_id: str
    scope: str
    txn_id: str
    ts: int


class Succession(NamedTuple):
    """A room is replaced: these of its aliases, and every list that it is in, name the other room from now on."""

    old_room: str
    new_room: str
    aliases: Sequence[str]


@dataclass(eq=False, slots=True)
class EventCommit:
    """One event and all that it changes; written whole or not at all. The writer fills in `event.position`."""

    event: StoredEvent
    lineage: Lineage
    is_known: bool = False  # stored already, without a place, which it is given now
    is_history: bool = False  # from before what is known of the room: it comes to stand before all of that, and nobody is told
    new_room: RoomRecord | None = None
    nodes: Mapping[bytes, bytes] = field(default_factory=dict)
    root: bytes | None = None  # the room's new current root, where it changes
    extremities_gone: Sequence[int] = ()
    becomes_extremity: bool = True
    current_state: Mapping[StateKey, int | None] = field(default_factory=dict)  # without memberships
    member: MemberChange | None = None
    others: Sequence[tuple[StoredEvent, MemberChange]] = ()  # memberships by other events, that come to stand with this one
    enters: bool = False  # the whole state comes in: of the members only those of this server are news
    servers: Sequence[str] | None = None  # the state comes in without its members: who is said to be in the room
    gaps: Sequence[str] = ()  # predecessors that this server does not have
    fills_gap: bool = False  # it was such a predecessor itself
    joined_delta: int = 0
    invited_delta: int = 0
    local_joined_delta: int = 0
    relation: Relation | None = None
    redaction: Redaction | None = None
    withheld: tuple[bytes, bytes] | None = None  # body and links as they came, where a redaction emptied them that may yet fall
    transaction: Transaction | None = None
    highlights: Sequence[str] = ()  # local users
    highlight_members: bool = False  # every joined local member but the sender
    succession: Succession | None = None


class Foretold(NamedTuple):
    """What is known of events before they come. `redactions` that name them, whether or not they may; `gaps`: see `RoomStore.gaps_among`."""

    redactions: Mapping[str, Sequence[StoredEvent]]
    gaps: Mapping[str, bool]


class CommitLost(Exception):
    """The event was not stored: the database failed, or what it was built on was lost."""


class RoomStore(Protocol):
    """Writes and the reads of the write path."""

    def commit(self, commits: Sequence[EventCommit]) -> Deferred[None]:
        """Queue the commits as one, in order, at once; fires when they are on disk, for an empty list when everything before is.

        When it fails (CommitLost, or Unavailable) the lineage of the commits is broken before anything queued later is written.
        """

    def take_event_num(self) -> int:
        """A fresh compact number."""

    def take_room_num(self) -> int: ...

    async def head(self, room_id: str) -> HeadRecord | None: ...

    async def room(self, room_id: str) -> RoomRecord | None: ...

    async def nodes(self, node_ids: Iterable[bytes]) -> dict[bytes, bytes]:
        """The bodies of those present."""

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]: ...

    async def known(self, room_id: str, event_ids: Collection[str]) -> tuple[RoomRecord | None, dict[str, StoredEvent]]:
        """The room, and those of the events that are stored, of whatever room."""

    async def foretold(self, room_id: str, event_ids: Collection[str]) -> Foretold: ...

    async def local_members(self, room_id: str, most: int) -> list[str]:
        """Some users of this server who are in the room."""

    async def gaps_among(self, room_id: str, event_ids: Collection[str]) -> dict[str, bool]:
        """Which of the events are missing behind others here, and whether one of those is shown."""

    async def backward_extremities(self, room_id: str) -> list[tuple[str, StoredEvent]]:
        """What is missing behind the room's oldest events: (its ID, the event here that names it)."""

    async def events_by_num(self, nums: Iterable[int]) -> dict[int, StoredEvent]: ...

    async def device_transactions(self, user_id: str, device_id: str, most: int) -> list[tuple[str, str, str]]:
        """(scope, txn ID, event ID) of the device's newest, oldest first."""

    async def transaction(self, user_id: str, device_id: str, scope: str, txn_id: str) -> str | None:
        """The event ID that it gave."""

    async def address_secret(self) -> bytes:
        """The key of `state_map.AddressHash`, made at the first call."""
