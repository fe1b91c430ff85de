"""Where a user stands with rooms, as one connection is told of them: joined, invited or knocking, and those that he is out of again.

MSC4186, "Lists": rooms the user left belong to it only where the client was told of them before; rooms he was removed from always do.
"""

from collections.abc import Mapping
from typing import NamedTuple

from homeserver.figures import CacheFigures
from homeserver.rooms.member_store import FORGOTTEN, MemberStore
from homeserver.rooms.store import MemberRecord
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams
from homeserver.sync.feed import Feed
from homeserver.sync.scope import SyncScope
from homeserver.sync.sections.invites import InviteSection
from homeserver.sync.sliding.connections.connection import Connection, Departed
from homeserver.sync.sliding.request import SlidingQuestion

OUT = ("leave", "ban")
MAX_REMOVED = 100_000  # users, and rooms they were removed from


class Standing(NamedTuple):
    joined: Mapping[str, MemberRecord]
    pending: Mapping[str, MemberRecord]
    departed: Mapping[str, MemberRecord]

    def record(self, room_id: str) -> MemberRecord | None:
        return self.joined.get(room_id) or self.pending.get(room_id) or self.departed.get(room_id)

    @property
    def others(self) -> dict[str, int]:
        """The rooms that are not joined, by the position of what happened to the user there."""
        if not self.pending and not self.departed:
            return {}
        return {record.room_id: record.position for records in (self.pending, self.departed) for record in records.values()}


class Standings:
    def __init__(self, *, members: MemberStore, invites: InviteSection, streams: Streams) -> None:
        self._members = members
        self._invites = invites
        self._streams = streams
        self._removed: StreamCache[Mapping[str, MemberRecord]] = StreamCache(self._load, _apply, lambda rooms: 1 + len(rooms), MAX_REMOVED)
        streams.subscribe(self._follow)

    async def read(self, scope: SyncScope, feed: Feed, connection: Connection, question: SlidingQuestion) -> Standing:
        """To be read again when `is_current` says so."""
        if not self._matters(connection, question):
            return Standing(feed.joined, {}, {})
        await self._follow_departures(scope.user_id, feed, connection)
        departed = dict(connection.departed.rooms if connection.departed is not None else {})
        pending = (
            {record.room_id: record for record in await self._invites.shown(scope, list(feed.pending.values()))} if feed.pending else {}
        )
        others = [room for room in question.subscriptions if room not in feed.joined and room not in feed.pending and room not in departed]
        for record in await self._members.memberships_in(scope.user_id, others) if others else ():
            if record.membership in OUT and record.joined_position and not record.forgotten:
                departed[record.room_id] = record
        for room_id in [room_id for room_id in departed if room_id in feed.joined or room_id in feed.pending]:
            del departed[room_id]
        return Standing(feed.joined, pending, departed)

    def is_current(self, feed: Feed, connection: Connection, question: SlidingQuestion) -> bool:
        """Whether the user has left no room since `read` looked."""
        if connection.departed is None:
            return not self._matters(connection, question)
        return feed.left_at <= connection.departed.until

    def _matters(self, connection: Connection, question: SlidingQuestion) -> bool:
        """Whether it is about rooms at all."""
        return bool(question.lists or question.subscriptions or connection.rooms)

    async def _follow_departures(self, user_id: str, feed: Feed, connection: Connection) -> None:
        before = connection.departed
        if before is not None and feed.left_at <= before.until:
            return
        if before is None and not connection.rooms:
            connection.departed = Departed(await self._removed.get(user_id), self._streams.position)
            return
        until = self._streams.position
        if before is None:
            records, rooms = await self._members.memberships_of(user_id, OUT), dict[str, MemberRecord]()
        else:
            records, rooms = await self._members.changed_memberships(user_id, before.until, until), dict(before.rooms)
        for record in records:
            rooms.pop(record.room_id, None)
            if record.membership in OUT and (record.room_id in connection.rooms or (_was_removed(record) and not record.forgotten)):
                rooms[record.room_id] = record
        connection.departed = Departed(rooms, until)

    @property
    def figures(self) -> CacheFigures:
        return self._removed.figures

    async def _load(self, user_id: str) -> Mapping[str, MemberRecord]:
        """What a client that knows no room is told of."""
        return {record.room_id: record for record in await self._members.memberships_of(user_id, OUT) if _was_removed(record)}

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._removed.clear()
        for change in changes:
            if change.user_id is not None and change.kind in ("event", FORGOTTEN):
                self._removed.follow(change.user_id, change)


def _apply(_rooms: Mapping[str, MemberRecord], _change: Change) -> bool:
    """His memberships are others now: only the store knows what they were before."""
    return False


def _was_removed(record: MemberRecord) -> bool:
    """By somebody else, from a room he was in."""
    return record.sender != record.user_id and record.joined_position is not None
