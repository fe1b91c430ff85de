"""What paging through rooms asks of the storage and of other servers. Only events that are shown, and only committed ones."""

from collections.abc import Collection, Iterable
from typing import Protocol

from homeserver.rooms.reading.place import Place, Span
from homeserver.rooms.store import StoredEvent


class PagingStore(Protocol):
    """Reads of a room's events in the order of its graph: (topo, position)."""

    async def page(self, room_id: str, span: Span, *, backwards: bool, limit: int, far: bool = False) -> list[StoredEvent]:
        """The first `limit` events of the span, from its end where `backwards`. `far`: much may have to be stepped over."""

    async def arrived(self, room_ids: Iterable[str], since: int, until: int, limit: int) -> list[StoredEvent]:
        """The first events of these rooms after a position, in the order of the stream."""

    async def lowest_topo(self, room_id: str, since: int) -> int | None:
        """The lowest depth among the first events after a position of the stream."""

    async def root_at(self, room_id: str, place: Place) -> bytes | None:
        """The root of the state at that place; None before the first event."""

    async def current_root(self, room_id: str) -> bytes | None:
        """Of the current state; None for a room whose state this server does not know."""

    async def current_events(self, room_id: str) -> list[StoredEvent]:
        """The current state without memberships."""

    async def member_events(self, room_id: str, kinds: Collection[str] = ()) -> list[StoredEvent]:
        """The current membership events, all or of those kinds."""

    async def has_member_of(self, room_id: str, appservice: str) -> bool:
        """Whether a user of that application service is joined."""

    async def nearest(self, room_id: str, ts: int, *, backwards: bool, limit: int, skip: int) -> list[StoredEvent]:
        """Events sent at that time or later (earlier where `backwards`), the nearest first, without the first `skip`."""

    async def related_parents(
        self, room_id: str, parents: Iterable[str], rel_types: Collection[str] | None, senders: Collection[str] | None
    ) -> set[str]:
        """Those of the events that an event of one of these relation types, by one of these senders, relates to; None: any."""


class OlderHistory(Protocol):
    """Other servers, who may know what came before our first event of a room."""

    async def is_missing(self, room_id: str) -> bool:
        """Whether there are events before our first."""

    async def gap(self, room_id: str, span: Span) -> Place | None:
        """The newest place of the span where events are missing."""

    async def fetch(self, room_id: str, before: Place) -> bool:
        """Ask for some that are missing at that gap, or elsewhere where none is; whether there is more now than there was."""


class OtherMoments(Protocol):
    """Other servers, who may know an event nearer to a moment than any of ours."""

    async def nearest(self, room_id: str, ts: int, *, backwards: bool) -> int | None:
        """When the event was sent that a server in the room knows; None: none does, or says so."""


class NoOtherMoments:
    """OtherMoments of a server that talks to no other."""

    async def nearest(self, room_id: str, ts: int, *, backwards: bool) -> int | None:
        return None


class Ignoring(Protocol):
    """Whom a user does not want to hear (client-server API, "Ignoring Users")."""

    async def ignored(self, user_id: str) -> frozenset[str]: ...
