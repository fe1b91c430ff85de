"""Summaries and children of rooms, kept in memory and dropped when the stream tells of a change."""

from homeserver.figures import CacheFigures
from homeserver.rooms.directory.store import LISTING, SUMMARY_TYPES, SummaryStore
from homeserver.rooms.directory.summary import Child, Summary, children_of, summary_of
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

MAX_SUMMARIES = 10_000
MAX_CHILDREN = 50_000  # over all spaces in memory

_SHOWN = frozenset({*SUMMARY_TYPES, "m.room.member"})
_CHILD = frozenset({"m.space.child"})


class _Known:
    """What is known of a room: a summary, or that there is none."""

    __slots__ = ("summary",)

    def __init__(self, summary: Summary | None) -> None:
        self.summary = summary


def _keeps(types: frozenset[str], change: Change) -> bool:
    """Whether a value made of events of these types outlasts the change."""
    return change.kind == "event" and change.subject is not None and (change.subject.state_key is None or change.subject.type not in types)


class Summaries:
    """Summaries by room."""

    def __init__(self, store: SummaryStore, streams: Streams) -> None:
        self._store = store
        self._summaries: StreamCache[_Known] = StreamCache(self._load, lambda _, change: _keeps(_SHOWN, change), lambda _: 1, MAX_SUMMARIES)
        self._children: StreamCache[tuple[Child, ...]] = StreamCache(
            self._load_children, lambda _, change: _keeps(_CHILD, change), lambda children: len(children) + 1, MAX_CHILDREN
        )
        streams.subscribe(self._follow)

    async def get(self, room_id: str) -> Summary | None:
        """None when this server has no state of such a room; one that no local user is joined to may be out of date."""
        return (await self._summaries.get(room_id)).summary

    async def children(self, room_id: str) -> tuple[Child, ...]:
        """The room's valid children, in order."""
        return await self._children.get(room_id)

    async def servers(self, room_id: str) -> list[str]:
        """The servers in the room, those with the most members first."""
        return await self._store.servers(room_id)

    @property
    def figures(self) -> CacheFigures:
        """Of the summaries."""
        return self._summaries.figures

    @property
    def child_figures(self) -> CacheFigures:
        """Of the children of spaces."""
        return self._children.figures

    async def _load(self, room_id: str) -> _Known:
        facts = await self._store.facts(room_id)
        return _Known(None if facts is None else summary_of(facts))

    async def _load_children(self, room_id: str) -> tuple[Child, ...]:
        return children_of(await self._store.children(room_id))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._summaries.clear()
            self._children.clear()
        for change in changes:
            if change.room_id is None or change.kind not in ("event", "redacted", LISTING, WHOLE_ROOM):
                continue
            if change.kind == "event" and change.subject is not None and change.subject.state_key is None:
                continue
            self._summaries.follow(change.room_id, change)
            if change.kind != LISTING:
                self._children.follow(change.room_id, change)
