"""How many people are in a room, and who they are where it has no name (MSC4186, "joined_count", "heroes")."""

from collections.abc import Sequence
from typing import NamedTuple

import orjson

from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.state_reader import StateReader
from homeserver.sync.sections.summary import MAX_HEROES
from homeserver.sync.sections.timeline import RoomTimeline
from homeserver.sync.sliding.choice import Turn
from homeserver.sync.sliding.required_state import MEMBER
from homeserver.sync.sliding.rooms.state import NAME, TurnState


class Summary(NamedTuple):
    """`heroes` None: the room has a name."""

    joined: int
    invited: int
    heroes: list[dict[str, str]] | None

    def encode(self) -> bytes:
        encoded = b'"joined_count":%d,"invited_count":%d' % (self.joined, self.invited)
        return encoded if self.heroes is None else encoded + b',"heroes":' + orjson.dumps(self.heroes)


class Summaries:
    def __init__(self, store: TimelineStore, states: StateReader) -> None:
        self._store = store
        self._states = states

    async def read(
        self, user_id: str, turns: Sequence[Turn], timelines: Sequence[RoomTimeline | None], states: Sequence[TurnState]
    ) -> dict[str, Summary]:
        """Of joined rooms that are new to the client or whose members or name have changed."""
        roots = {}
        for turn, timeline, state in zip(turns, timelines, states, strict=True):
            is_joined = turn.room.member.membership == "join"
            changed = state.has_member_changes or NAME in state.changed or (timeline is not None and timeline.has_member_events)
            if is_joined and (turn.is_initial or changed):
                roots[turn.room.room_id] = (state.root, state)
        if not roots:
            return {}
        lacking = [room_id for room_id, (_, state) in roots.items() if state.counts is None]
        counts = await self._store.counts(lacking) if lacking else {}
        counts.update((room_id, state.counts) for room_id, (_, state) in roots.items() if state.counts is not None)
        nameless = [room_id for room_id, (root, state) in roots.items() if not await self._has_name(root, state)]
        heroes = await self._heroes(user_id, {room_id: roots[room_id][0] for room_id in nameless}) if nameless else {}
        return {room_id: Summary(*counts.get(room_id, (0, 0)), heroes.get(room_id)) for room_id in roots}

    async def _has_name(self, root: bytes | None, state: TurnState) -> bool:
        if state.name is not None or NAME in state.changed or root is None:
            return state.name is not None
        event = await self._states.one(root, (NAME, ""))
        return event is not None and bool(event.content.get("name"))

    async def _heroes(self, user_id: str, roots: dict[str, bytes | None]) -> dict[str, list[dict[str, str]]]:
        found = await self._store.heroes(roots, user_id, MAX_HEROES)
        asked = [(room_id, root) for room_id, root in roots.items() if root is not None and found.get(room_id)]
        members = await self._states.at_many([(root, [(MEMBER, hero) for hero in found[room_id]]) for room_id, root in asked])
        heroes: dict[str, list[dict[str, str]]] = {room_id: [] for room_id in roots}
        for (room_id, _), known in zip(asked, members, strict=True):
            for hero in found[room_id]:
                event = known.get((MEMBER, hero))
                content = {} if event is None else event.content
                shown = {name: content[name] for name in ("displayname", "avatar_url") if isinstance(content.get(name), str)}
                heroes[room_id].append({"user_id": hero, **shown})
        return heroes
