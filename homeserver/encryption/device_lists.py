"""Whose devices a user has to look up again, and whose no longer (client-server API, "Tracking the device list for a user").

Between two positions: `changed` are those who share a room with the user at the end and whose keys changed, or who shared none then; `left` are those who
shared a room then and share none at the end. Both are exact: who left and came back between is in neither. A user who comes into a room and was in none
shares one with himself from then on: his other devices are among those to whom messages are encrypted.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from homeserver.encryption.recent_changes import KeysChanged, RecentChanges
from homeserver.encryption.store import DeviceListStore, MemberChangeRow
from homeserver.protocol.limits import MAX_INTEGER
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.state_reader import StateReader


class Difference(NamedTuple):
    changed: list[str]
    left: list[str]


class _News(NamedTuple):
    members: set[MemberChangeRow]
    keys: set[str]  # users


class _Moves(NamedTuple):
    """Memberships that changed, and which of them were joins before and after."""

    rows: set[MemberChangeRow]
    before: set[MemberChangeRow]
    after: set[MemberChangeRow]


NOTHING = Difference([], [])


class DeviceLists:
    def __init__(
        self, *, store: DeviceListStore, recent: RecentChanges, members: MemberStore, timelines: TimelineStore, states: StateReader
    ) -> None:
        self._store = store
        self._recent = recent
        self._members = members
        self._timelines = timelines
        self._states = states

    def is_quiet(self, since: int) -> bool:
        """Whether it is certain, without looking, that there is nothing to tell to anybody who stands there."""
        return self._recent.is_quiet(since)

    async def between(self, user_id: str, since: int, until: int) -> Difference:
        """For a moment that may have passed. Whose keys changed since `until` may be told already: of each user the last change alone is known."""
        joined = set(await self._members.joined_rooms(user_id))
        records = await self._members.changed_memberships(user_id, until, MAX_INTEGER)
        own = {MemberChangeRow(record.room_id, user_id) for record in records}
        joined.difference_update(row.room_id for row in own)
        joined.update(row.room_id for row in await self._were_joined(own, until))
        return await self.changed(user_id, since, until, joined)

    async def changed(self, user_id: str, since: int, until: int, joined: Collection[str]) -> Difference:
        """`joined`: the user's rooms at `until`."""
        rooms = frozenset(joined)
        news = await self._news(user_id, since, rooms)
        if not news.members and not news.keys:
            return NOTHING
        own = {row for row in news.members if row.user_id == user_id}
        own_then = await self._were_joined(own, since)
        then = (rooms - {row.room_id for row in own}) | {row.room_id for row in own_then}
        candidates = {row.user_id for row in news.members} | news.keys
        rows, moved = set(news.members), rooms ^ then
        for room_id in moved:
            candidates.update(await self._members.joined_users(room_id))
        rows |= await self._changed_members(moved, since)
        candidates |= {row.user_id for row in rows}
        joined = await self._store.joined(candidates - {user_id}, rooms | then)
        # What changed while it was read is told as it was at `until`: the next answer begins there.
        rows |= await self._changed_members(rooms | then, since)
        were_in, are_in = await self._were_joined(rows, since), await self._were_joined(rows, until)
        return _compare(user_id, news.keys, _Moves(rows, were_in, are_in), then, rooms, joined, candidates - {user_id})

    async def _changed_members(self, rooms: Collection[str], since: int) -> set[MemberChangeRow]:
        return set(await self._store.changed_members(rooms, since)) if rooms else set()

    async def _news(self, user_id: str, since: int, rooms: frozenset[str]) -> _News:
        """What changed in rooms that are or were the user's, and in people's keys."""
        entries = self._recent.since(since)
        if entries is not None:
            keys = {entry.user_id for entry in entries if isinstance(entry, KeysChanged) and entry.observer in ("", user_id)}
            rows = {entry for entry in entries if isinstance(entry, MemberChangeRow)}
            own = {row.room_id for row in rows if row.user_id == user_id}
            return _News({row for row in rows if row.room_id in rooms or row.room_id in own}, keys)
        records = await self._members.changed_memberships(user_id, since, MAX_INTEGER)
        concerned = rooms | {record.room_id for record in records}
        rows = set(await self._store.changed_members(concerned, since))
        return _News(rows, set(await self._store.changed_users(since, user_id)))

    async def _were_joined(self, rows: Iterable[MemberChangeRow], since: int) -> set[MemberChangeRow]:
        """Those of them who were joined then."""
        by_room: dict[str, list[str]] = {}
        for row in rows:
            by_room.setdefault(row.room_id, []).append(row.user_id)
        roots = await self._timelines.roots_at([(room_id, since) for room_id in by_room])
        known = [(room_id, root) for room_id, root in zip(by_room, roots, strict=True) if root is not None]
        states = await self._states.at_many([(root, [("m.room.member", user) for user in by_room[room_id]]) for room_id, root in known])
        return {
            MemberChangeRow(room_id, address[1])
            for (room_id, _), state in zip(known, states, strict=True)
            for address, event in state.items()
            if event.content.get("membership") == "join"
        }


def _compare(
    user_id: str,
    keys: set[str],
    moves: _Moves,
    then: frozenset[str],
    now: frozenset[str],
    joined: Mapping[str, set[str]],
    others: set[str],
) -> Difference:
    unsure, before, after = (_by_user(rows) for rows in moves)
    changed = [user_id] if user_id in keys or (now and not then) else []
    left = []
    for other in sorted(others):
        stayed = joined.get(other, set()) - unsure.get(other, set())
        shared_then = not then.isdisjoint(stayed | before.get(other, set()))
        if not now.isdisjoint(stayed | after.get(other, set())):
            if other in keys or not shared_then:
                changed.append(other)
        elif shared_then:
            left.append(other)
    return Difference(changed, left)


def _by_user(rows: Iterable[MemberChangeRow]) -> dict[str, set[str]]:
    """User → rooms."""
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row.user_id, set()).add(row.room_id)
    return found
