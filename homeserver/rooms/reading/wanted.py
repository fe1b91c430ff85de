"""Which events a reader wants of those he may see: filters and ignored users (client-server API, "Filtering", "Ignoring Users")."""

from collections.abc import Sequence

from homeserver.protocol.filters import RoomEventFilter
from homeserver.rooms.reading.paging_store import PagingStore
from homeserver.rooms.relations import relation_of
from homeserver.rooms.store import StoredEvent

EVERYTHING = RoomEventFilter()


def accepts(wanted: RoomEventFilter, event: StoredEvent) -> bool:
    """By type, sender, room and content; relations to the event are `choose`'s."""
    if not wanted.accepts(event.type, event.sender, event.room_id, lambda: isinstance(event.content.get("url"), str)):
        return False
    if wanted.rel_types is None and wanted.not_rel_types is None:
        return True
    relation = relation_of(event.content)
    return wanted.accepts_relation(None if relation is None else relation.rel_type)


async def choose(events: list[StoredEvent], wanted: RoomEventFilter, ignored: frozenset[str], store: PagingStore) -> Sequence[StoredEvent]:
    """The events that are wanted, in their order. State is told of even by those who are ignored."""
    if not wanted.is_trivial:
        events = [event for event in events if accepts(wanted, event)]
    if ignored:
        events = [event for event in events if event.sender not in ignored or event.state_key is not None]
    if events and (wanted.related_by_rel_types is not None or wanted.related_by_senders is not None):
        ids = [event.event_id for event in events]
        related = await store.related_parents(events[0].room_id, ids, wanted.related_by_rel_types, wanted.related_by_senders)
        events = [event for event in events if event.event_id in related]
    return events
