"""The JSON of rooms in an answer (MSC4186, "Room results"), put together from the same sections as that of /sync."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import orjson

from homeserver.account_data.account_data import UserData
from homeserver.clock import Clock
from homeserver.protocol.filters import EventFilter, Filter, RoomEventFilter, RoomFilter
from homeserver.rooms.reading.serve import EventServing
from homeserver.rooms.store import MemberRecord
from homeserver.sync.feed import Feed
from homeserver.sync.scope import RoomScope, SyncScope
from homeserver.sync.sections.invites import InviteSection
from homeserver.sync.sections.timeline import RoomTimeline, TimelineSection
from homeserver.sync.sections.unread import UnreadSection, rules_changed
from homeserver.sync.sliding.choice import Choice, Recount, Turn, limit_depth
from homeserver.sync.sliding.connections.connection import IS_DIRECT
from homeserver.sync.sliding.connections.members import MemberNotes
from homeserver.sync.sliding.rooms.bump import Bumps
from homeserver.sync.sliding.rooms.state import AVATAR, NAME, TurnState, TurnStates
from homeserver.sync.sliding.rooms.summary import Summaries, Summary

AT_ONCE = 500  # events, or thereabouts; then the loop gets its turn
_EVENTS = len(b'{"events":')


class Sections(NamedTuple):
    timeline: TimelineSection
    unread: UnreadSection
    invites: InviteSection


class Reading(NamedTuple):
    """What was read of one room."""

    timeline: RoomTimeline | None
    state: TurnState
    counts: Mapping[str | None, Sequence[int]] | None  # of each thread: notifications, highlights
    summary: Summary | None
    bump: int | None


class SlidingRooms:
    def __init__(
        self, *, sections: Sections, states: TurnStates, summaries: Summaries, bumps: Bumps, serving: EventServing, clock: Clock
    ) -> None:
        self._sections = sections
        self._states = states
        self._summaries = summaries
        self._bumps = bumps
        self._serving = serving
        self._clock = clock

    async def tell(self, scope: SyncScope, choice: Choice, notes: MemberNotes) -> tuple[dict[str, bytes], dict[str, RoomTimeline]]:
        """(room ID → JSON of those with something to tell, the timelines that were read)."""
        encoded: dict[str, bytes] = {}
        timelines: dict[str, RoomTimeline] = {}
        pending = [turn for turn in choice.turns if turn.is_pending]
        others = [turn for turn in choice.turns if not turn.is_pending]
        if pending:
            encoded.update(await self._tell_pending(scope, pending))
        size = _rooms_at_once(others)
        for start in range(0, len(others), size):
            if start:
                await self._clock.sleep(0)
            turns = others[start : start + size]
            for turn, reading in zip(turns, await self._read(scope, turns, notes), strict=True):
                room_id, timeline = turn.room.room_id, reading.timeline
                if timeline is not None:
                    timelines[room_id] = timeline
                    if timeline.limited and turn.has_news:
                        limit_depth(choice, turn)
                if await self._is_news(scope, turn, reading):
                    encoded[room_id] = await self._encode(scope, turn, reading)
        return encoded, timelines

    async def recount(self, scope: SyncScope, feed: Feed, data: UserData) -> Recount:
        """The rooms whose counts may be others without an event."""
        return Recount(rules_changed(data), await self._sections.unread.recounted(scope, feed.joined.values(), data))

    # ---------------------------------------------------------------- reading

    async def _read(self, scope: SyncScope, turns: Sequence[Turn], notes: MemberNotes) -> list[Reading]:
        await self._sections.timeline.note_departures([turn.room for turn in turns])
        timelines = await self._read_timelines(scope, turns)
        states = await self._states.read(scope.user_id, turns, timelines, notes)
        joined = [turn.room for turn in turns if turn.has_news and turn.room.member.membership == "join"]
        counts = dict(zip([room.room_id for room in joined], await self._sections.unread.counts(scope.user_id, joined), strict=True))
        summaries = await self._summaries.read(scope.user_id, turns, timelines, states)
        bumps = await self._bumps.read(turns, timelines)
        return [
            Reading(timeline, state, counts.get(turn.room.room_id), summaries.get(turn.room.room_id), bumps.get(turn.room.room_id))
            for turn, timeline, state in zip(turns, timelines, states, strict=True)
        ]

    async def _read_timelines(self, scope: SyncScope, turns: Sequence[Turn]) -> list[RoomTimeline | None]:
        """None: no more of it is wanted than the client has."""
        by_limit: dict[int, list[int]] = {}
        for index, turn in enumerate(turns):
            if turn.has_news or turn.is_deeper:
                by_limit.setdefault(turn.config.limit, []).append(index)
        found: list[RoomTimeline | None] = [None] * len(turns)
        for limit, indexes in by_limit.items():
            wanted = _plain(scope, limit)
            rooms = [_deeper(turns[index].room) if turns[index].is_deeper else turns[index].room for index in indexes]
            for index, timeline in zip(indexes, await self._sections.timeline.read(wanted, rooms), strict=True):
                found[index] = timeline
        return found

    async def _is_news(self, scope: SyncScope, turn: Turn, reading: Reading) -> bool:
        told, timeline, state = turn.told, reading.timeline, reading.state
        if turn.is_initial or told is None or state.events or state.changed or (told.flags ^ turn.flags) & IS_DIRECT or turn.is_recounted:
            return True
        if timeline is None:
            return False
        if timeline.seen or timeline.limited or turn.room.member.membership != "join":
            return True
        return await self._sections.unread.may_have_fallen(scope.user_id, turn.room, timeline.window)

    # ---------------------------------------------------------------- encoding

    async def _encode(self, scope: SyncScope, turn: Turn, reading: Reading) -> bytes:
        state, summary, member = reading.state, reading.summary, turn.room.member
        parts = []
        if turn.is_initial:
            parts.append(b'"initial":true,"membership":"%b"' % member.membership.encode())
        elif member.membership != "join" and turn.has_news:
            parts.append(b'"membership":"%b"' % member.membership.encode())
        if (state.name is not None) if turn.is_initial else (NAME in state.changed):
            parts.append(b'"name":' + orjson.dumps(state.name))
        if (state.avatar is not None) if turn.is_initial else (AVATAR in state.changed):
            parts.append(b'"avatar":' + orjson.dumps(state.avatar))
        if turn.flags & IS_DIRECT if turn.told is None or turn.is_initial else (turn.told.flags ^ turn.flags) & IS_DIRECT:
            parts.append(b'"is_dm":true' if turn.flags & IS_DIRECT else b'"is_dm":false')
        if summary is not None:
            parts.append(summary.encode())
        if state.events or turn.is_initial:
            parts.append(b'"required_state":[%b]' % b",".join(await self._serving.bare(state.events, scope.viewer, room_id=False)))
        if reading.timeline is not None:
            parts += await self._encode_timeline(scope, turn, reading.timeline)
        if reading.counts is not None:
            totals = [sum(count[kind] for count in reading.counts.values()) for kind in (0, 1)]
            parts.append(b'"notification_count":%d,"highlight_count":%d' % (totals[0], totals[1]))
        if reading.bump is not None:
            parts.append(b'"bump_stamp":%d' % reading.bump)
        return b"{%b}" % b",".join(parts)

    async def _encode_timeline(self, scope: SyncScope, turn: Turn, timeline: RoomTimeline) -> list[bytes]:
        encoded = await self._sections.timeline.encode(scope, timeline)
        live = sum((seen.event.position or 0) > scope.since for seen in timeline.seen) if scope.since else 0
        parts = [b'"timeline":%b,"num_live":%d' % (encoded[_EVENTS:-1], live)]
        if turn.is_deeper:
            parts.append(b'"unstable_expanded_timeline":true')
        return parts

    async def _tell_pending(self, scope: SyncScope, turns: Sequence[Turn]) -> dict[str, bytes]:
        """Rooms the user is invited to or knocks at: what their stripped state says."""
        told: dict[str, bytes] = {}
        records: list[MemberRecord] = [turn.room.member for turn in turns if turn.is_initial]
        stripped = await self._sections.invites.read(records) if records else {}
        for turn in turns:
            room_id, member = turn.room.room_id, turn.room.member
            direct = b'"is_dm":true' if turn.flags & IS_DIRECT else b'"is_dm":false'
            if turn.is_initial:
                told[room_id] = b'{"initial":true,"membership":"%b",%b,"invite_state":%b,"bump_stamp":%d}' % (
                    member.membership.encode(), direct, stripped[room_id], member.position,
                )  # fmt: skip
            elif turn.told is not None and (turn.told.flags ^ turn.flags) & IS_DIRECT:
                told[room_id] = b"{%b}" % direct
        return told


def _rooms_at_once(turns: Sequence[Turn]) -> int:
    return max(AT_ONCE // (max((turn.config.limit for turn in turns), default=0) + 5), 5)


def _plain(scope: SyncScope, limit: int) -> SyncScope:
    """Timelines of at most so many events."""
    wanted = Filter(room=RoomFilter(timeline=RoomEventFilter(events=EventFilter(limit=limit))))
    return SyncScope(scope.viewer, 0, scope.until, 0, wanted, ignored=scope.ignored)


def _deeper(room: RoomScope) -> RoomScope:
    """Its newest events, also those that the client has."""
    return RoomScope(room.room_id, room.member, 0, room.until)
