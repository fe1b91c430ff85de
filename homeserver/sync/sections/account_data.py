"""Account data, global and of each room (client-server API, "Client Config")."""

import orjson

from homeserver.account_data.account_data import AccountData, UserData
from homeserver.account_data.store import GLOBAL, Entry
from homeserver.sync.scope import RoomScope, SyncScope


class AccountDataSection:
    def __init__(self, account_data: AccountData) -> None:
        self._account_data = account_data

    async def of(self, user_id: str) -> UserData:
        return await self._account_data.of(user_id)

    def at_hand(self, user_id: str) -> UserData | None:
        return self._account_data.at_hand(user_id)

    def global_events(self, scope: SyncScope, data: UserData) -> list[bytes]:
        """The ready events a client at `since` lacks."""
        wanted = scope.filter.account_data
        if scope.since == 0:
            events = data.global_events()
            return events if wanted.is_trivial else [event for event in events if wanted.accepts(orjson.loads(event)["type"], None)]
        entries = data.since(scope.since, scope.until)
        return [entry.event for entry in entries if entry.room_id == GLOBAL and wanted.accepts(entry.type, None)]

    def changed_rooms(self, scope: SyncScope, data: UserData) -> set[str]:
        """Rooms whose account data changed."""
        return {entry.room_id for entry in data.since(scope.since, scope.until) if entry.room_id != GLOBAL}

    def room_events(self, scope: SyncScope, data: UserData, room: RoomScope) -> list[bytes]:
        """The ready events of one room."""
        wanted = scope.filter.room.account_data
        if not wanted.accepts_room(room.room_id):
            return []
        if room.since == 0:
            events = data.room_events(room.room_id)
            return events if wanted.is_trivial else [event for event in events if wanted.events.accepts(orjson.loads(event)["type"], None)]
        entries: list[Entry] = data.since(room.since, room.until)
        return [entry.event for entry in entries if entry.room_id == room.room_id and wanted.events.accepts(entry.type, None)]
