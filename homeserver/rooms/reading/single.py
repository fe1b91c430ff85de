"""One event by its ID, for a user (client-server API, "GET /rooms/{roomId}/event/{eventId}")."""

from homeserver.errors import NotFound
from homeserver.rooms.reading.history import History, Seen
from homeserver.rooms.store import RoomStore


class SingleEvents:
    def __init__(self, store: RoomStore, history: History) -> None:
        self._store = store
        self._history = history

    async def get(self, user_id: str, event_id: str, room_id: str | None = None) -> Seen:
        """M_NOT_FOUND alike for what there is not, what is in another room, and what the user may not see."""
        event = (await self._store.events([event_id])).get(event_id)
        if event is not None and room_id in (None, event.room_id):
            seen = await self._history.retrievable(user_id, event)
            if seen is not None:
                return seen
        raise NotFound("There is no such event, or you may not see it")
