"""The required state of rooms, and what of a room's state stands beside it: name, avatar, members (MSC4186, "required_state", "Lazy loaded memberships").

It is always the state after the timeline: all that is asked for where a room is new to the client, else what differs from what it has.
"""

from collections.abc import Sequence, Set

from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.reading.timelines import Timelines
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import REDACTED, StoredEvent
from homeserver.sync.sections.state import closed
from homeserver.sync.sections.timeline import RoomTimeline
from homeserver.sync.sliding.choice import Turn
from homeserver.sync.sliding.connections.members import MemberNotes
from homeserver.sync.sliding.required_state import MEMBER
from homeserver.sync.sliding.rooms.glance import Glances

NAME, AVATAR, REDACTION = "m.room.name", "m.room.avatar", "m.room.redaction"
SHOWN_TYPES = frozenset({NAME, AVATAR})
MANY_MEMBERS = 100  # of whom a client with a gap is told all, if they changed


class TurnState:
    """One room's part. `changed`: the types of which something differs from what the client has."""

    __slots__ = ("avatar", "changed", "counts", "events", "has_member_changes", "name", "root")

    def __init__(self) -> None:
        self.root: bytes | None = None
        self.counts: tuple[int, int] | None = None  # of those joined and invited, where the state was read whole
        self.events: list[StoredEvent] = []  # to be told
        self.changed: set[str] = set()
        self.has_member_changes = False
        self.name: str | None = None
        self.avatar: str | None = None

    def note(self, event: StoredEvent, *, is_there: bool = True) -> None:
        """A state event that came, or went."""
        if event.state_key != "":
            self.has_member_changes |= event.type == MEMBER
            return
        if event.type == NAME:
            self.name = _text(event, "name") if is_there else None
        elif event.type == AVATAR:
            self.avatar = _text(event, "url") if is_there else None
        else:
            return
        self.changed.add(event.type)


class TurnStates:
    """Reads them, many rooms at once."""

    def __init__(self, *, states: StateReader, timelines: Timelines, store: TimelineStore, glances: Glances) -> None:
        self._states = states
        self._timelines = timelines
        self._store = store
        self._glances = glances

    async def read(
        self, user_id: str, turns: Sequence[Turn], timelines: Sequence[RoomTimeline | None], notes: MemberNotes
    ) -> list[TurnState]:
        """In the order of the turns."""
        found = [TurnState() for _ in turns]
        pairs = list(zip(turns, timelines, found, strict=True))
        await self._find_roots(pairs)
        await self._read_whole(user_id, [(turn, state) for turn, _, state in pairs if turn.is_initial or turn.is_wider])
        followed = [(turn, timeline, state) for turn, timeline, state in pairs if timeline is not None and not turn.is_initial]
        for (turn, timeline, state), held in zip(followed, await self._held(followed), strict=True):
            await self._add_changes(user_id, turn, timeline, state, held, notes)
        await self._add_members(user_id, pairs, notes)
        for turn, _, state in pairs:
            closing = turn.room.closing
            if closing is not None and turn.config.required.accepts(MEMBER, user_id, user_id):
                state.events = closed(state.events, closing)
        return found

    async def _find_roots(self, pairs: Sequence[tuple[Turn, RoomTimeline | None, TurnState]]) -> None:
        lacking = []
        for turn, timeline, state in pairs:
            if turn.room.departed is not None:
                state.root = turn.room.departed.current_after
            elif timeline is not None and timeline.window:
                state.root = timeline.window[-1].current_after
            elif turn.is_initial or turn.is_wider:
                lacking.append((turn, state))
        if lacking:
            roots = await self._store.roots_at([(turn.room.room_id, turn.room.until) for turn, _ in lacking])
            for (_, state), root in zip(lacking, roots, strict=True):
                state.root = root

    # ---------------------------------------------------------------- all that is asked for

    async def _read_whole(self, user_id: str, wanted: Sequence[tuple[Turn, TurnState]]) -> None:
        """By way of the current state, which stands by types; but for what has changed since."""
        by_types: dict[frozenset[str] | None, list[tuple[Turn, TurnState, bytes]]] = {}
        for turn, state in wanted:
            if state.root is not None:
                types = turn.config.required.types
                by_types.setdefault(None if types is None else types | SHOWN_TYPES, []).append((turn, state, state.root))
        for types, group in by_types.items():
            numbers = await self._numbers(types, group)
            events = await self._states.events({number for part in numbers for number in part})
            for (turn, state, _), part in zip(group, numbers, strict=True):
                for number in sorted(part):
                    _take(user_id, turn, state, events[number])
        for turn, state, root in (entry for group in by_types.values() for entry in group):
            if turn.config.required.all_members:
                for event in await self._all_members(root):
                    _take(user_id, turn, state, event)

    async def _numbers(self, types: frozenset[str] | None, group: Sequence[tuple[Turn, TurnState, bytes]]) -> list[Set[int]]:
        current = await self._glances.read([(turn.room.room_id, root) for turn, _, root in group], types)
        numbers: list[Set[int]] = []
        for turn, state, root in group:
            base = current[turn.room.room_id]
            found, state.counts = base.numbers, (base.joined, base.invited)
            if base.root != root:
                come, gone = await self._states.changes(base.root, root)
                events = await self._states.events(come)
                accepted = {number for number in come if events[number].type != MEMBER and (types is None or events[number].type in types)}
                found = (found - set(gone)) | accepted
            numbers.append(found)
        return numbers

    async def _all_members(self, root: bytes) -> list[StoredEvent]:
        return [event for event in await self._states.all(root) if event.type == MEMBER]

    # ---------------------------------------------------------------- what differs

    async def _add_changes(
        self, user_id: str, turn: Turn, timeline: RoomTimeline, state: TurnState, held: bytes | None, notes: MemberNotes
    ) -> None:
        """`held`: see `_held`."""
        if not timeline.tells_state:
            own = [event for event in timeline.window if event.type == MEMBER and event.state_key == user_id]
            state.events += own[-1:]
            return
        if any(event.type == REDACTION for event in timeline.window):
            await self._note_redacted(state)
        if state.root is None or held is None or held == state.root:
            return
        come, gone = await self._states.changes(held, state.root)
        events = await self._states.events([*come, *gone])
        for number in gone:
            state.note(events[number], is_there=False)
        members = sum(events[number].type == MEMBER for number in come)
        known = notes.of(turn.room.room_id)
        required, told = turn.config.required, {event.num for event in state.events}
        for number in sorted(come):
            event = events[number]
            state.note(event)
            if number in told:
                continue
            is_member = event.type == MEMBER and required.lazy
            if required.accepts(event.type, event.state_key or "", user_id) or (
                is_member and (not timeline.limited or members <= MANY_MEMBERS or event.state_key in known)
            ):
                state.events.append(event)

    async def _note_redacted(self, state: TurnState) -> None:
        """A name that was emptied where it stands."""
        for type in SHOWN_TYPES if state.root is not None else ():
            event = await self._states.one(state.root or b"", (type, ""))
            if event is not None and event.flags & REDACTED:
                state.note(event)

    async def _held(self, followed: Sequence[tuple[Turn, RoomTimeline, TurnState]]) -> list[bytes | None]:
        """The roots of the states the client has, where they are needed."""
        held: list[bytes | None] = [None] * len(followed)
        lacking = []
        for index, (turn, timeline, state) in enumerate(followed):
            if state.root is None or not timeline.tells_state:
                continue
            if timeline.window and not timeline.limited and not turn.is_deeper:
                held[index] = timeline.window[0].current_before
            elif (before := self._timelines.before(turn.room.room_id, turn.room.since)) is not None:
                held[index] = before.current_after
            else:
                lacking.append(index)
        if lacking:
            rooms = [followed[index][0].room for index in lacking]
            roots = await self._store.roots_at([(room.room_id, room.since) for room in rooms])
            for index, root in zip(lacking, roots, strict=True):
                held[index] = root
        return held

    # ---------------------------------------------------------------- members

    async def _add_members(self, user_id: str, pairs: Sequence[tuple[Turn, RoomTimeline | None, TurnState]], notes: MemberNotes) -> None:
        """Those named, and with lazy loading those who are needed to show the timeline."""
        asked = []
        for turn, timeline, state in pairs:
            if turn.is_initial:
                notes.begin_anew(turn.room.room_id)
            users = self._lacking(user_id, turn, timeline, state, notes)
            if users and state.root is not None:
                asked.append((state, state.root, users))
        found = await self._states.at_many([(root, [(MEMBER, user) for user in users]) for _, root, users in asked]) if asked else ()
        for (state, _, _), members in zip(asked, found, strict=True):
            state.events += members.values()
        for turn, _, state in pairs:
            if turn.config.required.lazy:
                notes.tell(turn.room.room_id, [event.state_key or "" for event in state.events if event.type == MEMBER])

    def _lacking(self, user_id: str, turn: Turn, timeline: RoomTimeline | None, state: TurnState, notes: MemberNotes) -> list[str]:
        required = turn.config.required
        if required.all_members or (timeline is not None and not timeline.tells_state):
            return []
        users = set[str]()
        if turn.is_initial or turn.is_wider:
            held = set() if turn.is_initial else turn.held.members(user_id)
            users |= required.members(user_id) - held
        if required.lazy and timeline is not None:
            shown = {seen.event.sender for seen in timeline.seen}
            if timeline.has_member_events:
                shown.update(seen.event.state_key for seen in timeline.seen if seen.event.type == MEMBER and seen.event.state_key)
            users |= shown.difference(notes.of(turn.room.room_id))
        return sorted(users.difference(event.state_key or "" for event in state.events if event.type == MEMBER)) if users else []


def _take(user_id: str, turn: Turn, state: TurnState, event: StoredEvent) -> None:
    """A state event of a room that is read whole; of a wider look only what is new to the client."""
    key = event.state_key or ""
    if turn.is_initial:
        state.note(event)
    if turn.config.required.accepts(event.type, key, user_id) and not (turn.is_wider and turn.held.accepts(event.type, key, user_id)):
        state.events.append(event)


def _text(event: StoredEvent, name: str) -> str | None:
    text = event.content.get(name)
    return text if isinstance(text, str) and text else None
