"""The published room directory: search and pages. Client-server API, "GET /publicRooms", "POST /publicRooms".

All listed rooms are held in memory, in order; the stream tells which of them have to be looked at again before the next answer.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
from twisted.internet.defer import Deferred

from homeserver.errors import InvalidParam
from homeserver.rooms.directory.store import LISTING, DirectoryStore
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.directory.summary import Summary
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.streams import Change, Streams

MAX_LISTED = 50_000
MAX_PAGE = 500
NORMAL_PAGE = 100

Place = tuple[int, str]  # joined members, negative, and the room's ID: the order of the directory


class DirectoryQuery(NamedTuple):
    """What is asked for; `network` is an instance ID or a network's name, `room_types` None for all."""

    limit: int = NORMAL_PAGE
    since: str | None = None
    term: str = ""
    room_types: frozenset[str | None] | None = None
    all_networks: bool = False
    network: str | None = None


def read_query(body: Mapping[str, Any]) -> DirectoryQuery:
    """The body of `POST /publicRooms`, checked by its schema already."""
    wanted = body.get("filter") or {}
    types = wanted.get("room_types")
    all_networks, network = body.get("include_all_networks", False), body.get("third_party_instance_id")
    if all_networks and network is not None:
        raise InvalidParam("third_party_instance_id can only be used if include_all_networks is false")
    return DirectoryQuery(
        limit=min(body.get("limit") or NORMAL_PAGE, MAX_PAGE),
        since=body.get("since"),
        term=(wanted.get("generic_search_term") or "").strip().casefold(),
        room_types=None if types is None else frozenset(types),
        all_networks=all_networks,
        network=network,
    )


class Listed(NamedTuple):
    """A room of the directory."""

    place: Place
    text: str  # what is searched
    room_type: str | None
    chunk: bytes


def listed(summary: Summary | None) -> Listed | None:
    """None for a room that is not shown: empty, or closed to whoever would find it."""
    if summary is None or summary.members <= 0 or (summary.join_rule in ("invite", "private") and not summary.world_readable):
        return None
    names = (summary.name, summary.topic, summary.canonical_alias, summary.room_id)
    text = "\n".join(name for name in names if name is not None).casefold()
    return Listed((-summary.members, summary.room_id), text, summary.room_type, summary.public + b"}")


class PublicRooms:
    """The directory of this server."""

    def __init__(self, store: DirectoryStore, summaries: Summaries, streams: Streams) -> None:
        self._store = store
        self._summaries = summaries
        self._rooms: dict[str, Listed | None] = {}  # all that are in some list
        self._published: frozenset[str] = frozenset()
        self._networks: dict[str, frozenset[str]] = {}
        self._order: list[Listed] = []
        self._dirty: set[str] = set()
        self._lists_changed = True
        self._unsorted = False
        self._turns: list[Deferred[None]] | None = None  # while somebody looks again: who waits for that
        streams.subscribe(self._follow)

    async def page(self, query: DirectoryQuery) -> bytes:
        """The answer as JSON."""
        await self._renew()
        rooms = self._asked_for(query)
        found = [
            room
            for room in self._order
            if room.place[1] in rooms
            and (not query.term or query.term in room.text)
            and (query.room_types is None or room.room_type in query.room_types)
        ]
        start, end = _window(found, query)
        answer = [b'{"chunk":[', b",".join([room.chunk for room in found[start:end]]), b'],"total_room_count_estimate":%d' % len(found)]
        if end < len(found):
            answer.append(b',"next_batch":' + orjson.dumps(_token("n", found[end - 1].place)))
        if start > 0 and start < len(found):
            answer.append(b',"prev_batch":' + orjson.dumps(_token("p", found[start].place)))
        return b"".join([*answer, b"}"])

    def _asked_for(self, query: DirectoryQuery) -> frozenset[str]:
        if query.network is not None:
            return self._networks.get(query.network, frozenset())
        if query.all_networks:
            return self._published.union(*self._networks.values())
        return self._published

    async def _renew(self) -> None:
        """Look again at what has changed since the last answer; one after the other, so that nobody is answered, or overwritten, with less."""
        while self._turns is not None:
            turn: Deferred[None] = Deferred()
            self._turns.append(turn)
            await turn
        self._turns = []
        try:
            await self._look_again()
        finally:
            turns, self._turns = self._turns, None
            for turn in turns:
                if not turn.called:
                    turn.callback(None)

    async def _look_again(self) -> None:
        while self._lists_changed:
            self._lists_changed = False
            await self._load_lists()
        while self._dirty:
            room_id = self._dirty.pop()
            try:
                entry = listed(await self._summaries.get(room_id))
            except BaseException:
                self._dirty.add(room_id)
                raise
            if room_id in self._rooms:
                self._rooms[room_id] = entry
                self._unsorted = True
        if self._unsorted:
            self._unsorted = False
            self._order = sorted((room for room in self._rooms.values() if room is not None), key=lambda room: room.place)

    async def _load_lists(self) -> None:
        try:
            published = await self._store.published(MAX_LISTED)
            listings = await self._store.network_listings()
        except BaseException:
            self._lists_changed = True
            raise
        networks: dict[str, set[str]] = {}
        for listing in listings:
            networks.setdefault(f"{listing.appservice}|{listing.network}", set()).add(listing.room_id)
            networks.setdefault(listing.network, set()).add(listing.room_id)
        self._published = frozenset(published)
        self._networks = {name: frozenset(rooms) for name, rooms in networks.items()}
        wanted = self._published.union(*self._networks.values())
        self._dirty.update(wanted.difference(self._rooms))
        self._rooms = {room_id: self._rooms.get(room_id) for room_id in wanted}
        self._unsorted = True

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._lists_changed = True
            self._dirty.update(self._rooms)
        for change in changes:
            if change.kind == LISTING:
                self._lists_changed = True
                if change.room_id is not None:
                    self._dirty.add(change.room_id)
            elif change.room_id in self._rooms and _may_show(change):
                self._dirty.add(change.room_id)


def _may_show(change: Change) -> bool:
    return change.kind in ("redacted", WHOLE_ROOM) or (
        change.kind == "event" and (change.subject is None or change.subject.state_key is not None)
    )


def _window(found: list[Listed], query: DirectoryQuery) -> tuple[int, int]:
    """From where to where of what was found the page goes."""
    if query.since is None:
        return 0, query.limit
    direction, place = _read_token(query.since)
    if direction == "n":
        start = bisect_right(found, place, key=lambda room: room.place)
        return start, start + query.limit
    end = bisect_left(found, place, key=lambda room: room.place)
    return max(0, end - query.limit), end


def _token(direction: str, place: Place) -> str:
    return f"{direction}{-place[0]}~{place[1]}"


def _read_token(token: str) -> tuple[str, Place]:
    members, tilde, room_id = token[1:].partition("~")
    if token[:1] not in ("n", "p") or not tilde or not (members.isascii() and members.isdigit()) or len(members) > 15:
        raise InvalidParam("since is no token of this directory")
    return token[0], (-int(members), room_id)
