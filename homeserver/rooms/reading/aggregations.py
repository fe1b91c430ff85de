"""What is told of an event's children with the event itself (client-server API, "Aggregations of child events").

Replacements, references and threads; annotations are counted by clients. Left out are redacted children, those the reader may not see and those by
users he ignores. A content is never replaced here.
"""

from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from typing import Any

import orjson

from homeserver.clock import Clock
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.paging_store import Ignoring
from homeserver.rooms.reading.relation_store import Kin, RelationStore
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REDACTED, RoomStore, StoredEvent
from homeserver.rooms.transactions import Transactions

PASSED_OVER = 20  # the latest events of a thread that are tried in turn

Shown = Mapping[int, Seen]


class Aggregations:
    """Bundles for `EventServing`."""

    def __init__(
        self,
        *,
        store: RoomStore,
        relations: RelationStore,
        history: History,
        ignoring: Ignoring,
        states: StateReader,
        transactions: Transactions,
        clock: Clock,
    ) -> None:
        self._store = store
        self._relations = relations
        self._history = history
        self._ignoring = ignoring
        self._serving = EventServing(states=states, transactions=transactions, clock=clock, bundles=_OfChildren(self))

    async def of(self, events: Sequence[StoredEvent], viewer: Viewer) -> Mapping[str, bytes]:
        """Event ID → JSON object. State has no aggregations."""
        return await self.bundle(events, viewer, threads=True)

    async def bundle(self, events: Sequence[StoredEvent], viewer: Viewer, *, threads: bool) -> dict[str, bytes]:
        rooms: dict[str, dict[str, StoredEvent]] = {}
        for event in events:
            if event.state_key is None:
                rooms.setdefault(event.room_id, {})[event.event_id] = event
        if not rooms:
            return {}
        ignored = await self._ignoring.ignored(viewer.user_id)
        bundles: dict[str, bytes] = {}
        for room_id, parents in rooms.items():
            bundles.update(await self._of_room(room_id, parents, viewer, ignored, threads))
        return bundles

    async def replacements(self, user_id: str, room_id: str, parents: Mapping[str, StoredEvent]) -> dict[str, StoredEvent]:
        """By the ID of the event whose content it replaces for this reader; `parents` are events of that room."""
        kin = await self._relations.kin(room_id, parents, user_id, await self._ignoring.ignored(user_id))
        shown = await self._shown(room_id, user_id, chain.from_iterable(family.replacements for family in kin.values()))
        return {parent: seen.event for parent, seen in _chosen(parents, kin, shown).items()}

    async def _of_room(
        self, room_id: str, parents: Mapping[str, StoredEvent], viewer: Viewer, ignored: frozenset[str], threads: bool
    ) -> dict[str, bytes]:
        kin = await self._relations.kin(room_id, parents, viewer.user_id, ignored)
        shown = await self._shown(room_id, viewer.user_id, chain.from_iterable(map(_numbers, kin.values())))
        parts: dict[str, list[bytes]] = {parent: [] for parent in parents}
        await self._add_replacements(parts, parents, kin, shown, viewer)
        for parent, family in kin.items():
            chunk = [{"event_id": child.event_id} for child in family.references if child.num in shown]
            if chunk:
                parts[parent].append(b'"m.reference":{"chunk":%b}' % orjson.dumps(chunk))
        if threads:
            await self._add_threads(parts, parents, kin, shown, viewer, ignored)
        return {parent: b"{%b}" % b",".join(found) for parent, found in parts.items() if found}

    async def _add_replacements(
        self, parts: dict[str, list[bytes]], parents: Mapping[str, StoredEvent], kin: Mapping[str, Kin], shown: Shown, viewer: Viewer
    ) -> None:
        chosen = _chosen(parents, kin, shown)
        served = await self._serving.serve(list(chosen.values()), viewer, bundle=False)
        for parent, event in zip(chosen, served, strict=True):
            parts[parent].append(b'"m.replace":' + event)

    async def _add_threads(
        self,
        parts: dict[str, list[bytes]],
        parents: Mapping[str, StoredEvent],
        kin: Mapping[str, Kin],
        shown: Shown,
        viewer: Viewer,
        ignored: frozenset[str],
    ) -> None:
        latest: dict[str, Seen] = {}
        for root, family in kin.items():
            if family.thread is None:
                continue
            found = shown.get(family.thread.latest or 0)
            if found is None or found.event.sender in ignored:
                found = await self._latest_shown(parents[root], viewer, ignored)
            if found is not None:
                latest[root] = found
        served = await self._serving.serve(list(latest.values()), viewer)
        for root, event in zip(latest, served, strict=True):
            thread = kin[root].thread
            if thread is not None:
                own = thread.participated or parents[root].sender == viewer.user_id
                flag = b"true" if own else b"false"
                parts[root].append(b'"m.thread":{"latest_event":%b,"count":%d,"current_user_participated":%b}' % (event, thread.size, flag))

    async def _latest_shown(self, root: StoredEvent, viewer: Viewer, ignored: frozenset[str]) -> Seen | None:
        numbers = await self._relations.latest_in_thread(root.room_id, root.event_id, ignored, PASSED_OVER)
        shown = await self._shown(root.room_id, viewer.user_id, numbers)
        return next((shown[number] for number in numbers if number in shown), None)

    async def _shown(self, room_id: str, user_id: str, numbers: Any) -> dict[int, Seen]:
        """Those of the events that the reader may see."""
        wanted: Collection[int] = set(numbers)
        if not wanted:
            return {}
        events = await self._store.events_by_num(wanted)
        return {seen.event.num: seen for seen in await self._history.visible(user_id, room_id, list(events.values()))}


class _OfChildren:
    """Bundles of events that are shown inside of others: without threads, which cannot be nested."""

    def __init__(self, aggregations: Aggregations) -> None:
        self._aggregations = aggregations

    async def of(self, events: Sequence[StoredEvent], viewer: Viewer) -> Mapping[str, bytes]:
        return await self._aggregations.bundle(events, viewer, threads=False)


def _numbers(family: Kin) -> list[int]:
    numbers = [*family.replacements, *(child.num for child in family.references)]
    if family.thread is not None and family.thread.latest is not None:
        numbers.append(family.thread.latest)
    return numbers


def _chosen(parents: Mapping[str, StoredEvent], kin: Mapping[str, Kin], shown: Shown) -> dict[str, Seen]:
    return {
        parent: latest
        for parent, family in kin.items()
        if family.replacements and (latest := _latest_valid(parents[parent], family, shown)) is not None
    }


def _latest_valid(parent: StoredEvent, family: Kin, shown: Shown) -> Seen | None:
    """The replacement that counts ("Validity of replacement events"): the latest by time, then by event ID."""
    if parent.flags & REDACTED or _is_replacement(parent.content):
        return None
    valid = [shown[number] for number in family.replacements if number in shown and _replaces(shown[number].event)]
    return max(valid, key=lambda seen: (seen.event.ts, seen.event.event_id), default=None)


def _replaces(event: StoredEvent) -> bool:
    if event.state_key is not None or event.flags & REDACTED:
        return False
    return event.type == "m.room.encrypted" or isinstance(event.content.get("m.new_content"), dict)


def _is_replacement(content: Mapping[str, Any]) -> bool:
    relates_to = content.get("m.relates_to")
    return isinstance(relates_to, dict) and relates_to.get("rel_type") == "m.replace"
