"""Receipts and typing of each room (client-server API, "Receipts", "Typing Notifications")."""

from collections.abc import Sequence

from homeserver.ephemeral.receipts import Receipts
from homeserver.ephemeral.typing import Typing
from homeserver.sync.feed import Feed
from homeserver.sync.scope import RoomScope, SyncScope


class EphemeralSection:
    def __init__(self, *, receipts: Receipts, typing: Typing) -> None:
        self._receipts = receipts
        self._typing = typing

    def typing_rooms(self, scope: SyncScope, feed: Feed) -> set[str]:
        """Joined rooms where somebody began or ceased to type since."""
        since = scope.ephemeral_since
        changed = feed.typing_rooms(since) if since >= feed.typing_since else self._typing.changed_since(since)
        return {room_id for room_id in changed if room_id in feed.joined}

    async def read(self, scope: SyncScope, rooms: Sequence[RoomScope]) -> list[list[bytes]]:
        """For each room the ready events."""
        wanted = scope.filter.room.ephemeral
        found: list[list[bytes]] = [[] for _ in rooms]
        if wanted.events.accepts("m.receipt", None):
            await self._add_receipts(scope, rooms, found)
        if wanted.events.accepts("m.typing", None):
            for room, events in zip(rooms, found, strict=True):
                counter = scope.ephemeral_since if room.since else 0
                if self._typing.changed(room.room_id, counter):
                    events.append(self._typing.event(room.room_id))
        if wanted.rooms is not None or wanted.not_rooms is not None:
            return [events if wanted.accepts_room(room.room_id) else [] for room, events in zip(rooms, found, strict=True)]
        return found

    async def _add_receipts(self, scope: SyncScope, rooms: Sequence[RoomScope], found: list[list[bytes]]) -> None:
        if len(rooms) == 1:
            receipts = {rooms[0].room_id: await self._receipts.room(rooms[0].room_id)}
        else:
            receipts = await self._receipts.rooms([room.room_id for room in rooms])
        for room, events in zip(rooms, found, strict=True):
            events.extend(receipts[room.room_id].events(scope.user_id, room.since, room.until))
