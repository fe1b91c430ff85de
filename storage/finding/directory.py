"""The port `homeserver.rooms.directory.store.DirectoryStore`: aliases and lists of rooms."""

from homeserver.rooms.directory.store import ALIASES, LISTING, AliasRecord, NetworkListing
from homeserver.streams import Change
from storage.database import Database, WriteCursor

# An alias of a room that was never stored (its creation was cut short) may be taken over.
CLAIM = (
    "INSERT INTO aliases (alias, room_id, creator, created_ts) VALUES (?, ?, ?, ?) ON CONFLICT (alias) DO UPDATE SET "
    "room_id = excluded.room_id, creator = excluded.creator, created_ts = excluded.created_ts "
    "WHERE aliases.created_ts < ? AND NOT EXISTS (SELECT 1 FROM rooms WHERE rooms.room_id = aliases.room_id)"
)


class Directory:
    """DirectoryStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def alias(self, alias: str) -> AliasRecord | None:
        row = await self._database.read(
            lambda cursor: cursor.one("SELECT alias, room_id, creator, created_ts FROM aliases WHERE alias = ?", alias)
        )
        return None if row is None else AliasRecord(*row)

    async def aliases_of(self, room_id: str) -> list[str]:
        rows = await self._database.read(
            lambda cursor: cursor.all("SELECT alias FROM aliases WHERE room_id = ? ORDER BY created_ts, alias", room_id)
        )
        return [row[0] for row in rows]

    async def claim(self, record: AliasRecord, stale_before: int) -> bool:
        def change(cursor: WriteCursor) -> bool:
            claimed = cursor.run(CLAIM, *record, stale_before) > 0
            if claimed:
                cursor.announce(Change(cursor.position(), ALIASES, record.room_id))
            return claimed

        return await self._database.write(change)

    async def release(self, alias: str, room_id: str) -> bool:
        def change(cursor: WriteCursor) -> bool:
            released = cursor.run("DELETE FROM aliases WHERE alias = ? AND room_id = ?", alias, room_id) > 0
            if released:
                cursor.announce(Change(cursor.position(), ALIASES, room_id))
            return released

        return await self._database.write(change)

    async def publish(self, room_id: str, published: bool) -> bool:
        def change(cursor: WriteCursor) -> bool:
            changed = cursor.run(
                "UPDATE rooms SET published = ? WHERE room_id = ? AND published <> ?", int(published), room_id, int(published)
            )
            if changed:
                cursor.announce(Change(cursor.position(), LISTING, room_id))
            return bool(changed) or cursor.one("SELECT 1 FROM rooms WHERE room_id = ?", room_id) is not None

        return await self._database.write(change)

    async def list_in_network(self, listing: NetworkListing, listed: bool) -> None:
        def change(cursor: WriteCursor) -> None:
            if listed:
                changed = cursor.run(
                    "INSERT INTO network_listings (appservice, network, room_id) VALUES (?, ?, ?) "
                    "ON CONFLICT (appservice, network, room_id) DO NOTHING",
                    *listing,
                )
            else:
                changed = cursor.run("DELETE FROM network_listings WHERE appservice = ? AND network = ? AND room_id = ?", *listing)
            if changed:
                cursor.announce(Change(cursor.position(), LISTING, listing.room_id))

        await self._database.write(change)

    async def published(self, limit: int) -> list[str]:
        rows = await self._database.scan(
            lambda cursor: cursor.all("SELECT room_id FROM rooms WHERE published = 1 ORDER BY joined_count DESC, room_num LIMIT ?", limit)
        )
        return [row[0] for row in rows]

    async def network_listings(self) -> list[NetworkListing]:
        rows = await self._database.scan(lambda cursor: cursor.all("SELECT appservice, network, room_id FROM network_listings"))
        return [NetworkListing(*row) for row in rows]
