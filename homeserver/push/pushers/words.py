"""What a notification calls rooms and senders."""

from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.store import StoredEvent

NAME, ALIAS = ("m.room.name", ""), ("m.room.canonical_alias", "")
MAX_HEROES = 5


class Words:
    def __init__(self, members: MemberStore, timelines: TimelineStore) -> None:
        self._members = members
        self._timelines = timelines

    async def sender(self, event: StoredEvent) -> str:
        """As the room calls its sender."""
        return await self._person(event.room_id, event.sender)

    async def alias(self, room_id: str) -> str | None:
        state = await self._timelines.current_state(room_id, [ALIAS])
        return _text(state.get(ALIAS), "alias")

    async def room(self, room_id: str, user_id: str) -> str | None:
        """The room's name, its alias, or who else is in it."""
        state = await self._timelines.current_state(room_id, [NAME, ALIAS])
        given = _text(state.get(NAME), "name") or _text(state.get(ALIAS), "alias")
        if given is not None:
            return given
        heroes = (await self._timelines.heroes([room_id], user_id, MAX_HEROES)).get(room_id, [])
        return ", ".join([await self._person(room_id, hero) for hero in heroes]) or None

    async def _person(self, room_id: str, user_id: str) -> str:
        member = await self._members.member(room_id, user_id)
        return (None if member is None else member.displayname) or user_id


def _text(event: StoredEvent | None, field: str) -> str | None:
    value = None if event is None else event.content.get(field)
    return value if isinstance(value, str) and value else None
