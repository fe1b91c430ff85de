"""The port `homeserver.rooms.upgrade.store.UpgradeStore`; and what changes with an upgrade beside the rooms themselves."""

from collections.abc import Collection

from homeserver.rooms.directory.store import LISTING
from homeserver.rooms.store import StoredEvent, Succession
from homeserver.streams import Change
from storage.database import Cursor, Database, Row, WriteCursor, batches
from storage.event_rows import SELECT, RoomNames

BATCH = 500
MOVE_LISTINGS = (
    "INSERT INTO network_listings (appservice, network, room_id) SELECT appservice, network, ? FROM network_listings WHERE room_id = ? "
    "ON CONFLICT (appservice, network, room_id) DO NOTHING"
)


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


def write_succession(cursor: WriteCursor, succession: Succession, position: int) -> None:
    """In the transaction that stores the new room."""
    old_room, new_room, aliases = succession
    cursor.run("UPDATE aliases SET room_id = ? WHERE room_id = ? AND alias IN ??", new_room, old_room, list(aliases))
    if cursor.run("UPDATE rooms SET published = 0 WHERE room_id = ? AND published = 1", old_room):
        cursor.run("UPDATE rooms SET published = 1 WHERE room_id = ?", new_room)
    cursor.run(MOVE_LISTINGS, new_room, old_room)
    cursor.run("DELETE FROM network_listings WHERE room_id = ?", old_room)
    for room_id in (old_room, new_room):
        cursor.announce(Change(position, LISTING, room_id))
