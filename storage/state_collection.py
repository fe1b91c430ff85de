"""The port `homeserver.rooms.collect.CollectionStore`."""

from collections.abc import Collection

from storage.database import Cursor, Database, WriteCursor
from storage.event_rows import RoomNames
from storage.room_commits import CommitWriter


class StoredCollection:
    """CollectionStore over a database; shares the epoch with the writer of commits."""

    def __init__(self, database: Database, names: RoomNames, writer: CommitWriter) -> None:
        self._database = database
        self._names = names
        self._writer = writer

    async def note(self, room_id: str) -> None:
        def change(cursor: WriteCursor) -> None:
            room_num = self._names.num(cursor, room_id)
            if room_num is not None:
                cursor.run("INSERT INTO rooms_to_collect (room_num) VALUES (?) ON CONFLICT (room_num) DO NOTHING", room_num)

        await self._database.write(change)

    async def next_room(self) -> int | None:
        found: int | None = await self._database.read(lambda cursor: cursor.value("SELECT min(room_num) FROM rooms_to_collect"))
        return found

    async def begin(self) -> int:
        def change(cursor: WriteCursor) -> int:
            epoch: int = cursor.value("UPDATE counters SET value = value + 1 WHERE name = 'collection_epoch' RETURNING value")
            self._writer.epoch = epoch  # what this writer writes after this transaction is of the new epoch
            return epoch

        return await self._database.write(change)

    async def roots(self, room_num: int, after: int, limit: int) -> tuple[set[bytes], int | None]:
        def question(cursor: Cursor) -> tuple[set[bytes], int | None]:
            rows = cursor.all(
                "SELECT num, state_before, state_after, shown_before, shown_after FROM events WHERE room_num = ? AND num > ? ORDER BY num LIMIT ?",
                room_num, after, limit,
            )  # fmt: skip
            roots = {root for row in rows for root in row[1:] if root is not None}
            if after < 0:
                roots.update(row[0] for row in cursor.all("SELECT root FROM room_roots WHERE room_num = ?", room_num))
            return roots, rows[-1][0] if len(rows) == limit else None

        return await self._database.scan(question)

    async def nodes(self, node_ids: Collection[bytes]) -> dict[bytes, bytes]:
        wanted = list(node_ids)
        rows = await self._database.scan(lambda cursor: cursor.all("SELECT node_id, body FROM state_nodes WHERE node_id IN ??", wanted))
        return {row[0]: row[1] for row in rows}

    async def sweep(self, room_num: int, kept: Collection[bytes], epoch: int, after: bytes, limit: int) -> bytes | None:
        def change(cursor: WriteCursor) -> bytes | None:
            rows = cursor.all("SELECT node_id, room_num, epoch FROM state_nodes WHERE node_id > ? ORDER BY node_id LIMIT ?", after, limit)
            gone = [row[0] for row in rows if row[1] == room_num and row[2] < epoch and row[0] not in kept]
            cursor.many("DELETE FROM state_nodes WHERE node_id = ?", [(node_id,) for node_id in gone])
            return rows[-1][0] if len(rows) == limit else None

        return await self._database.write(change)

    async def done(self, room_num: int) -> None:
        await self._database.write(lambda cursor: cursor.run("DELETE FROM rooms_to_collect WHERE room_num = ?", room_num))
