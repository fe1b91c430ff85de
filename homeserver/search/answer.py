"""The answer to a search: a page of results with what stands around them (client-server API, "POST /search")."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from homeserver.rooms.reading.context import Contexts
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.reading.paging import Paging
from homeserver.rooms.reading.serve import EventServing, Viewer
from homeserver.rooms.reading.state_views import StateViews
from homeserver.rooms.store import RoomStore
from homeserver.search.criteria import Continuation, Criteria, Surroundings
from homeserver.search.find import Finder, Hit
from homeserver.search.highlights import highlights
from homeserver.search.term import BEST
from homeserver.streams import Streams


class Searching:
    """Answers as JSON."""

    def __init__(
        self,
        *,
        finder: Finder,
        rooms: RoomStore,
        history: History,
        contexts: Contexts,
        paging: Paging,
        views: StateViews,
        serving: EventServing,
        streams: Streams,
    ) -> None:
        self._finder = finder
        self._rooms = rooms
        self._history = history
        self._contexts = contexts
        self._paging = paging
        self._views = views
        self._serving = serving
        self._streams = streams

    async def search(self, viewer: Viewer, criteria: Criteria, place: Continuation | None) -> bytes:
        """The category `room_events`."""
        if place is None:
            place = Continuation(self._streams.position + 1)
        hits, floor = await self._finder.find(viewer.user_id, criteria, place.before)
        if place.group:
            hits = [hit for hit in hits if getattr(hit, place.group) == place.value]
        hits.sort(key=(lambda hit: (-hit.rank, -hit.position)) if criteria.ranked else (lambda hit: -hit.position))
        rest = [hit for hit in hits if _is_after(hit, place, criteria.ranked)]
        page = rest[: criteria.limit]
        shown = await self._visible(viewer.user_id, page)
        count = place.counted + len(hits)
        parts = [b'{"count":%d,"highlights":%b' % (count, orjson.dumps(highlights(criteria.term, [seen.event for _, seen in shown])))]
        parts.append(b',"results":[%b]' % b",".join(await self._results(viewer, criteria, shown)))
        if criteria.include_state:
            parts.append(b',"state":%b' % await self._state(viewer, {seen.event.room_id for _, seen in shown}))
        if criteria.group_by:
            parts.append(b',"groups":' + orjson.dumps(_groups(criteria.group_by, shown, rest[criteria.limit :], place)))
        following = _following(place, rest, criteria.limit, floor, count)
        if following is not None:
            parts.append(b',"next_batch":"%b"' % str(following).encode())
        return b"".join((*parts, b"}"))

    async def _visible(self, user_id: str, hits: Sequence[Hit]) -> list[tuple[Hit, Seen]]:
        """The events as they are now."""
        events = await self._rooms.events_by_num([hit.num for hit in hits])
        seen: dict[int, Seen] = {}
        for room_id in dict.fromkeys(hit.room_id for hit in hits):
            found = [event for event in events.values() if event.room_id == room_id]
            seen.update((item.event.num, item) for item in await self._history.visible(user_id, room_id, found))
        return [(hit, seen[hit.num]) for hit in hits if hit.num in seen]

    async def _results(self, viewer: Viewer, criteria: Criteria, shown: Sequence[tuple[Hit, Seen]]) -> list[bytes]:
        results = []
        served = await self._serving.serve([seen for _, seen in shown], viewer)
        for (hit, seen), event in zip(shown, served, strict=True):
            result = b'{"rank":%b,"result":%b' % (orjson.dumps(hit.rank / BEST), event)
            if criteria.surroundings is not None:
                result += b',"context":' + await self._context(viewer, seen, criteria.surroundings)
            results.append(result + b"}")
        return results

    async def _context(self, viewer: Viewer, seen: Seen, wish: Surroundings) -> bytes:
        beside = await self._contexts.beside(viewer.user_id, seen.event, wish.before, wish.after)
        events = await self._serving.serve([*beside.earlier, *beside.later], viewer)
        count = len(beside.earlier)
        context = b'{"start":"%b","end":"%b","events_before":[%b],"events_after":[%b]' % (
            str(beside.start).encode(),
            str(beside.end).encode(),
            b",".join(events[:count]),
            b",".join(events[count:]),
        )
        if wish.profiles:
            context += b',"profile_info":' + orjson.dumps(await self._profiles([*beside.earlier, seen, *beside.later]))
        return context + b"}"

    async def _profiles(self, seen: Sequence[Seen]) -> dict[str, dict[str, str]]:
        """The names that the senders had then."""
        profiles = {}
        for member in await self._paging.senders(seen):
            known = {key: member.content.get(key) for key in ("displayname", "avatar_url")}
            profiles[str(member.state_key or "")] = {key: value for key, value in known.items() if isinstance(value, str)}
        return profiles

    async def _state(self, viewer: Viewer, room_ids: set[str]) -> bytes:
        rooms = []
        for room_id in sorted(room_ids):
            events = await self._serving.bare(await self._views.all(viewer.user_id, room_id), viewer)
            rooms.append(b"%b:[%b]" % (orjson.dumps(room_id), b",".join(events)))
        return b"{%b}" % b",".join(rooms)


def _is_after(hit: Hit, place: Continuation, ranked: bool) -> bool:
    return (-hit.rank, -hit.position) > (-place.rank, -place.position) if ranked else hit.position < place.position


def _following(place: Continuation, rest: Sequence[Hit], limit: int, floor: int | None, count: int) -> Continuation | None:
    """Where the next page begins; a full page may be followed by an empty one."""
    if len(rest) > limit or (len(rest) == limit and floor is None):
        return place._replace(rank=rest[limit - 1].rank, position=rest[limit - 1].position)
    if floor is not None:
        return Continuation(before=floor, counted=count, group=place.group, value=place.value)
    return None


def _groups(
    keys: Sequence[str], shown: Sequence[tuple[Hit, Seen]], rest: Sequence[Hit], place: Continuation
) -> Mapping[str, Mapping[str, Any]]:
    groups: dict[str, dict[str, Any]] = {}
    for key in keys:
        groups[key] = {}
        for hit, seen in shown:
            value = getattr(hit, key)
            group = groups[key].setdefault(value, {"results": [], "order": len(groups[key]) + 1})
            group["results"].append(seen.event.event_id)
        more = {getattr(hit, key) for hit in rest}
        last = shown[-1][0] if shown else None
        for value, group in groups[key].items():
            if last is not None and value in more:
                group["next_batch"] = str(place._replace(rank=last.rank, position=last.position, group=key, value=value))
    return groups
