"""Which rooms an answer speaks of, and each room's JSON, put together from the sections."""

from collections.abc import Iterable, Sequence
from itertools import chain

from homeserver.account_data.account_data import UserData
from homeserver.clock import Clock
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.store import StoredEvent
from homeserver.sync.crowd import Crowd
from homeserver.sync.feed import Feed
from homeserver.sync.scope import RoomScope, SyncScope
from homeserver.sync.sections.account_data import AccountDataSection
from homeserver.sync.sections.ephemeral import EphemeralSection
from homeserver.sync.sections.invites import InviteSection
from homeserver.sync.sections.members import MemberSection
from homeserver.sync.sections.state import RoomState, StateSection
from homeserver.sync.sections.summary import SummarySection
from homeserver.sync.sections.timeline import RoomTimeline, TimelineSection
from homeserver.sync.sections.unread import UnreadSection

ROOMS_AT_ONCE = 20  # then the loop gets its turn


class SyncRooms:
    def __init__(
        self,
        *,
        timeline: TimelineSection,
        state: StateSection,
        summary: SummarySection,
        lazy_members: MemberSection,
        unread: UnreadSection,
        ephemeral: EphemeralSection,
        account_data: AccountDataSection,
        invites: InviteSection,
        members: MemberStore,
        crowd: Crowd,
        partial: PartialRooms,
        clock: Clock,
    ) -> None:
        self._timeline = timeline
        self._state = state
        self._summary = summary
        self._lazy_members = lazy_members
        self._unread = unread
        self._ephemeral = ephemeral
        self._account_data = account_data
        self._invites = invites
        self._members = members
        self._crowd = crowd
        self._partial = partial
        self._clock = clock

    async def joined(self, scope: SyncScope, feed: Feed, data: UserData) -> list[tuple[str, bytes]]:
        """(room ID, JSON) of joined rooms with something to tell."""
        rooms = self._joined_scopes(scope, feed, self._changed(scope, feed, data))  # before anything is awaited: see `respond`
        scope.recounted = await self._unread.recounted(scope, feed.joined.values(), data)
        if scope.recounted:
            others = scope.recounted.difference(room.room_id for room in rooms).intersection(feed.joined)
            rooms += self._joined_scopes(scope, feed, others)
        return await self._encode(scope, rooms, data)

    def _changed(self, scope: SyncScope, feed: Feed, data: UserData) -> list[str]:
        """Joined rooms where anything happened."""
        if scope.since == 0 or scope.full_state:
            return list(feed.joined)
        names = feed.changed_rooms(scope.since)
        extra = self._account_data.changed_rooms(scope, data) | self._ephemeral.typing_rooms(scope, feed)
        names.extend(room_id for room_id in extra.difference(names) if room_id in feed.joined)
        return names

    def _joined_scopes(self, scope: SyncScope, feed: Feed, names: Iterable[str]) -> list[RoomScope]:
        wanted = scope.filter.room
        rooms = []
        for room_id in names:
            member = feed.joined[room_id]
            came_in = member.joined_position or 0
            if came_in > scope.until or not wanted.accepts_room(room_id):
                continue
            if self._partial.is_partial(room_id) and not scope.lazy:  # the client would take those few for all members
                continue
            room = RoomScope(room_id, member, 0 if came_in > scope.since else scope.since, scope.until)
            if self._partial.became_whole(room_id, scope.since):
                room.since, room.renewed = room.since if scope.lazy else 0, True
            rooms.append(room)
        return rooms

    async def left(self, scope: SyncScope, feed: Feed, data: UserData) -> list[tuple[str, bytes]]:
        """(room ID, JSON) of rooms left since, even if forgotten since, for the user's other devices; in a first sync of those the user is
        banned from, and where it asks for them of all those left."""
        wanted = scope.filter.room
        if scope.since == 0:
            records = await self._members.memberships_of(scope.user_id, ("leave", "ban") if wanted.include_leave else ("ban",))
        elif scope.since >= feed.left_at:
            return []
        else:
            changed = await self._members.changed_memberships(scope.user_id, scope.since, scope.until)
            records = [record for record in changed if record.membership in ("leave", "ban")]
        rooms = []
        for record in records:
            if record.position > scope.until or not wanted.accepts_room(record.room_id):
                continue
            since = 0 if (record.joined_position or 0) > scope.since else scope.since
            rooms.append(RoomScope(record.room_id, record, since, record.position))
        return await self._encode(scope, rooms, data, has_left=True)

    async def pending(self, scope: SyncScope, feed: Feed) -> tuple[list[tuple[str, bytes]], list[tuple[str, bytes]]]:
        """(room ID, JSON) of the rooms the user is invited to, and of those the user knocks at."""
        wanted = scope.filter.room
        changed = [r for r in feed.pending.values() if scope.since < r.position <= scope.until and wanted.accepts_room(r.room_id)]
        records = await self._invites.shown(scope, changed)
        if not records:
            return [], []
        states = await self._invites.read(records)
        invited = [(r.room_id, b'{"invite_state":{"events":%b}}' % states[r.room_id]) for r in records if r.membership == "invite"]
        knocking = [(r.room_id, b'{"knock_state":{"events":%b}}' % states[r.room_id]) for r in records if r.membership == "knock"]
        return invited, knocking

    async def _encode(
        self, scope: SyncScope, rooms: Sequence[RoomScope], data: UserData, *, has_left: bool = False
    ) -> list[tuple[str, bytes]]:
        encoded: list[tuple[str, bytes]] = []
        for start in range(0, len(rooms), ROOMS_AT_ONCE):
            if start:
                await self._clock.sleep(0)
            encoded.extend(await self._encode_some(scope, rooms[start : start + ROOMS_AT_ONCE], data, has_left=has_left))
        return encoded

    async def _encode_some(
        self, scope: SyncScope, rooms: Sequence[RoomScope], data: UserData, *, has_left: bool
    ) -> list[tuple[str, bytes]]:
        timelines = await self._timeline.read(scope, rooms)
        states = await self._state.read(scope, timelines)
        ephemeral = [[] for _ in rooms] if has_left else await self._ephemeral.read(scope, rooms)
        unread = [] if has_left else await self._unread.read(scope, rooms)
        summaries = {} if has_left else await self._summary.read(scope, timelines, states)
        if scope.lazy:
            await self._lazy_members.choose(scope, timelines, states, summaries)
        if scope.since and not has_left:
            _note_newcomers(scope, timelines, states)
        encoded = []
        for index, room in enumerate(rooms):
            private = self._account_data.room_events(scope, data, room)
            timeline, state = timelines[index], states[index].events
            is_news = has_left or room.since == 0 or room.renewed or scope.full_state or timeline.limited
            is_news = is_news or bool(timeline.seen or state or ephemeral[index] or private) or room.room_id in scope.recounted
            if not is_news and not await self._unread.may_have_fallen(scope.user_id, room, timeline.window):
                continue
            parts = await self._common(scope, timeline, state, private)
            if not has_left:
                parts.append(b'"ephemeral":{"events":[%b]}' % b",".join(ephemeral[index]))
                parts.append(unread[index])
                summary = summaries.get(room.room_id)
                parts.append(b'"summary":' + (b"{}" if summary is None else summary.encode()))
            encoded.append((room.room_id, b"{%b}" % b",".join(parts)))
        return encoded

    async def _common(
        self, scope: SyncScope, timeline: RoomTimeline, state: Sequence[StoredEvent], private: Sequence[bytes]
    ) -> list[bytes]:
        encoded = await self._timeline.encode(scope, timeline)
        if timeline.is_shared_by(scope.user_id):
            await self._crowd.keep(scope, timeline, encoded)
        return [
            b'"timeline":' + encoded,
            b'"%b":%b' % (scope.state_name, await self._state.encode(scope, state)),
            b'"account_data":{"events":[%b]}' % b",".join(private),
        ]


def _note_newcomers(scope: SyncScope, timelines: Sequence[RoomTimeline], states: Sequence[RoomState]) -> None:
    for timeline, state in zip(timelines, states, strict=True):
        if timeline.room.since == 0:
            scope.entered.add(timeline.room.room_id)
            continue
        for event in chain(timeline.window, state.events):
            if event.type == "m.room.member" and event.state_key is not None and event.content.get("membership") == "join":
                scope.newcomers.add(event.state_key)
