"""The port `homeserver.rooms.upgrade.store.UpgradeStore`."""

from collections.abc import Collection

from homeserver.rooms.store import StoredEvent
from storage.database import Cursor, Database, Row, batches
from storage.event_rows import SELECT, RoomNames

BATCH = 500


class Upgrades:
    """UpgradeStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def state_of_types(self, room_id: str, types: Collection[str]) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            return self._events(
                cursor, cursor.all("SELECT num FROM current_state WHERE room_num = ? AND type IN ??", room_num, list(types))
            )

        return await self._database.scan(question)

    async def bans(self, room_id: str) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            return self._events(cursor, cursor.all("SELECT num FROM memberships WHERE room_num = ? AND membership = 'ban'", room_num))

        return await self._database.scan(question)

    def _events(self, cursor: Cursor, nums: list[Row]) -> list[StoredEvent]:
        found: list[StoredEvent] = []
        for batch in batches(nums, BATCH):
            found.extend(self._names.events(cursor, cursor.all(SELECT + "WHERE num IN ??", [row[0] for row in batch])))
        return found
