"""Threads in which something happened, in all rooms of the user (MSC4360): within sliding sync since the client's token, and page by page further back."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

import orjson

from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.place import Place, before
from homeserver.rooms.reading.relation_store import RelationStore, ThreadRoot
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import MemberRecord
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.timeline import RoomTimeline

NAME = "io.element.msc4360.threads"
DEFAULT_LIMIT = 100
MAX_LIMIT = 100


class ThreadQuestion(NamedTuple):
    """Threads whose latest event stands after `since`, up to `until`."""

    viewer: Viewer
    ignored: Collection[str]
    since: int
    until: int
    limit: int


class _Update(NamedTuple):
    room_id: str
    root: ThreadRoot
    seen: Seen


class ThreadUpdates:
    def __init__(self, *, store: RelationStore, history: History, states: StateReader, serving: EventServing) -> None:
        self._store = store
        self._history = history
        self._states = states
        self._serving = serving

    async def extension(self, scope: SyncScope, feed: Feed, wanted: Mapping[str, Any], timelines: Mapping[str, RoomTimeline]) -> bytes:
        """The JSON object, empty bytes for nothing: a client that begins has missed nothing."""
        if not scope.since or feed.touched <= scope.since:
            return b""
        has_roots = wanted.get("include_roots") is True
        limit = min(wanted.get("limit") or DEFAULT_LIMIT, MAX_LIMIT)
        question = ThreadQuestion(scope.viewer, scope.ignored, scope.since, scope.until, limit)
        # What the client is told of without a gap needs no word more, unless it wants the roots.
        told = () if has_roots else {room_id for room_id, timeline in timelines.items() if not timeline.limited}
        rooms = [room_id for room_id in feed.changed_rooms(scope.since) if room_id not in told]
        updates, more = await self._find(question, {room_id: feed.joined[room_id] for room_id in rooms})
        if not updates:
            return b""
        encoded = b'"updates":' + await self._encode(question, updates, has_roots=has_roots)
        return b"{%b}" % (encoded if more is None else b'%b,"prev_batch":"%b"' % (encoded, str(Place(more)).encode()))

    async def page(self, question: ThreadQuestion, feed: Feed) -> bytes:
        """The JSON of one page, the latest first."""
        updates, more = await self._find(question, {room_id: feed.joined[room_id] for room_id in feed.changed_rooms(question.since)})
        encoded = b'"chunk":' + await self._encode(question, updates, has_roots=True)
        return b"{%b}" % (encoded if more is None else b'%b,"next_batch":"%b"' % (encoded, str(Place(more)).encode()))

    async def _find(self, question: ThreadQuestion, rooms: Mapping[str, MemberRecord]) -> tuple[list[_Update], int | None]:
        """(the latest updates, where the next ones begin if there are more)."""
        found = []
        for room_id, member in rooms.items():
            roots = await self._store.thread_roots(room_id, None, question.until + 1, question.limit + 1)
            recent = {root.event.num: root for root in roots if root.latest_position > question.since}
            heard = [root.event for root in recent.values() if root.event.sender not in question.ignored]
            for seen in await self._history.visible_to(question.viewer.user_id, member, heard):
                found.append(_Update(room_id, recent[seen.event.num], seen))
        found.sort(key=lambda update: update.root.latest_position, reverse=True)
        if len(found) <= question.limit:
            return found, None
        return found[: question.limit], found[question.limit - 1].root.latest_position - 1

    async def _encode(self, question: ThreadQuestion, updates: Iterable[_Update], *, has_roots: bool) -> bytes:
        by_room: dict[str, list[bytes]] = {}
        for update in updates:
            parts = []
            if has_roots:
                (served,) = await self._serving.serve([update.seen], question.viewer, room_id=False)
                parts.append(b'"thread_root":' + served)
            missed = await self._before_latest(question, update)
            if missed is not None:
                parts.append(b'"prev_batch":"%b"' % missed)
            event_id = orjson.dumps(update.root.event.event_id)
            by_room.setdefault(update.room_id, []).append(b"%b:{%b}" % (event_id, b",".join(parts)))
        return b"{%b}" % b",".join([b"%b:{%b}" % (orjson.dumps(room_id), b",".join(threads)) for room_id, threads in by_room.items()])

    async def _before_latest(self, question: ThreadQuestion, update: _Update) -> bytes | None:
        """The place before the latest event of the thread, where the client misses more of it than that."""
        numbers = await self._store.latest_in_thread(update.room_id, update.root.event.event_id, question.ignored, 2)
        if len(numbers) < 2:
            return None
        events = await self._states.events(numbers)
        latest, other = (events[number] for number in numbers)
        return str(before(latest)).encode() if (other.position or 0) > question.since else None
