"""How many people are in a room, and who they are where it has no name (MSC4186, "joined_count", "heroes")."""

from collections.abc import Mapping, Sequence
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
        named = await self._named(roots)
        nameless = [room_id for room_id in roots if room_id not in named]
        heroes = await self._heroes(user_id, {room_id: roots[room_id][0] for room_id in nameless}) if nameless else {}
        return {room_id: Summary(*counts.get(room_id, (0, 0)), heroes.get(room_id)) for room_id in roots}

    async def _named(self, roots: Mapping[str, tuple[bytes | None, TurnState]]) -> set[str]:
        """The rooms that have a name."""
        named = {room_id for room_id, (_, state) in roots.items() if state.name is not None}
        unsure = [
            (room_id, root)
            for room_id, (root, state) in roots.items()
            if state.name is None and NAME not in state.changed and root is not None
        ]
        found = await self._states.at_many([(root, [(NAME, "")]) for _, root in unsure]) if unsure else ()
        for (room_id, _), state in zip(unsure, found, strict=True):
            if (event := state.get((NAME, ""))) is not None and event.content.get("name"):
                named.add(room_id)
        return named

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
