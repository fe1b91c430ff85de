"""What one sync is about: who asks, from where to where, and how much of each room."""

from dataclasses import dataclass, field
from typing import NamedTuple

import orjson

from homeserver.protocol.filters import Filter
from homeserver.rooms.reading.serve import Viewer
from homeserver.rooms.store import MemberRecord, StoredEvent
from homeserver.sync.token import SyncToken

DEFAULT_TIMELINE_LIMIT = 10
MAX_TIMELINE_LIMIT = 500


class SyncQuestion(NamedTuple):
    """What a client asks."""

    viewer: Viewer
    since: SyncToken | None
    timeout_ms: int
    filter: Filter
    full_state: bool = False
    use_state_after: bool = False
    state_name: bytes = b"state"  # under which the answer gives state
    plain_limit: int = -1  # see there


@dataclass(eq=False, slots=True)
class SyncScope:
    """`since` 0: as for the first time. `ephemeral_since` is what `Ephemera.since` says of the token."""

    viewer: Viewer
    since: int
    until: int
    ephemeral_since: int
    filter: Filter
    to_device_since: int = 0  # up to where the device has its messages
    ignored: frozenset[str] = frozenset()
    full_state: bool = False
    use_state_after: bool = False
    state_name: bytes = b"state"
    recounted: set[str] = field(default_factory=set)  # rooms whose unread counts are others because push rules changed
    entered: set[str] = field(default_factory=set)  # rooms the user came into since, and those who came into his other rooms:
    newcomers: set[str] = field(default_factory=set)  # found while the rooms are read

    @property
    def user_id(self) -> str:
        return self.viewer.user_id

    def select(self, events: list[bytes]) -> list[bytes]:
        """Ready events with the fields alone that the filter names."""
        if self.filter.event_fields is None:
            return events
        return [orjson.dumps(self.filter.select_fields(orjson.loads(event))) for event in events]

    @property
    def timeline_limit(self) -> int:
        return timeline_limit(self.filter)

    @property
    def lazy(self) -> bool:
        return self.filter.room.state.lazy_load_members or self.filter.room.timeline.lazy_load_members


@dataclass(eq=False, slots=True)
class RoomScope:
    """One room of a sync: its events after `since` up to `until`. `since` 0: the client knows nothing of it yet. `renewed`: its state is told anew.

    `departed`: where the user was gone, if his membership has changed since; `closing`: its last change, where the client has to hear of both.
    """

    room_id: str
    member: MemberRecord
    since: int
    until: int
    renewed: bool = False
    departed: StoredEvent | None = None
    closing: StoredEvent | None = None

    @property
    def end(self) -> int:
        """The position up to which the user is told of the room, but for `closing`."""
        return self.until if self.closing is None or self.departed is None else self.departed.position or 0


def timeline_limit(wanted: Filter) -> int:
    """How many events of a room's timeline at most."""
    limit = wanted.room.timeline.events.limit
    return DEFAULT_TIMELINE_LIMIT if limit is None else min(limit, MAX_TIMELINE_LIMIT)


def plain_limit(wanted: Filter) -> int:
    """How many events of a room's timeline at most, if any message is wanted, as it is; -1 if not."""
    is_plain = wanted.room.timeline.is_trivial and wanted.event_fields is None and wanted.event_format == "client"
    return timeline_limit(wanted) if is_plain else -1
