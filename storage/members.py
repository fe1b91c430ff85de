"""The port `homeserver.rooms.member_store.MemberStore`: reads of the table `memberships`."""

from collections.abc import Collection

from homeserver.rooms.member_store import FORGOTTEN
from homeserver.rooms.store import MemberRecord
from homeserver.streams import Change
from storage.database import Cursor, Database, Row, WriteCursor
from storage.event_rows import RoomNames

SELECT = (
    "SELECT room_num, user_id, membership, previous, num, position, joined_position, sender, forgotten, displayname, avatar_url, stripped "
    "FROM memberships "
)
_OF_ENTERED = (  # members may be put down before a room is entered, and it may never be
    "SELECT user_id, membership FROM memberships WHERE room_num = ? AND EXISTS (SELECT 1 FROM room_roots WHERE room_num = ?)"
)


class Members:
    """MemberStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def is_joined(self, room_id: str, user_id: str) -> bool:
        return await self._database.read(
            lambda cursor: (
                cursor.value(
                    "SELECT membership FROM memberships WHERE room_num = ? AND user_id = ?", self._names.num(cursor, room_id), user_id
                )
                == "join"
            )
        )

    async def member(self, room_id: str, user_id: str) -> MemberRecord | None:
        def question(cursor: Cursor) -> MemberRecord | None:
            row = cursor.one(SELECT + "WHERE room_num = ? AND user_id = ?", self._names.num(cursor, room_id), user_id)
            return None if row is None else member_record(room_id, row)

        return await self._database.read(question)

    async def local_joined(self, room_id: str) -> list[str]:
        rows = await self._database.read(
            lambda cursor: cursor.all(
                "SELECT user_id FROM memberships WHERE room_num = ? AND is_local = 1 AND membership = 'join' ORDER BY user_id",
                self._names.num(cursor, room_id),
            )
        )
        return [row[0] for row in rows]

    async def joined_users(self, room_id: str) -> list[str]:
        rows = await self._database.scan(
            lambda cursor: cursor.all(
                "SELECT user_id FROM memberships WHERE room_num = ? AND membership = 'join' ORDER BY user_id",
                self._names.num(cursor, room_id),
            )
        )
        return [row[0] for row in rows]

    async def joined_members(self, room_id: str) -> list[MemberRecord]:
        return await self.members(room_id, ("join",))

    async def members(self, room_id: str, kinds: Collection[str] = ()) -> list[MemberRecord]:
        def question(cursor: Cursor) -> list[MemberRecord]:
            room_num = self._names.num(cursor, room_id)
            if kinds:
                rows = cursor.all(SELECT + "WHERE room_num = ? AND membership IN ?? ORDER BY user_id", room_num, list(kinds))
            else:
                rows = cursor.all(SELECT + "WHERE room_num = ? ORDER BY user_id", room_num)
            return [member_record(room_id, row) for row in rows]

        return await self._database.scan(question)

    async def of_server(self, room_id: str, server_name: str) -> dict[str, str]:
        def question(cursor: Cursor) -> list[Row]:
            room_num = self._names.num(cursor, room_id)
            return cursor.all(_OF_ENTERED, room_num, room_num)

        rows = await self._database.scan(question)
        return {user_id: membership for user_id, membership in rows if user_id.partition(":")[2] == server_name}

    async def joined_rooms(self, user_id: str) -> list[str]:
        def question(cursor: Cursor) -> list[str]:
            rows = cursor.all("SELECT room_num FROM memberships WHERE user_id = ? AND membership = 'join' ORDER BY room_num", user_id)
            return [self._names.room_id(cursor, row[0]) for row in rows]

        return await self._database.read(question)

    async def count_joined(self, user_id: str) -> int:
        counted = "SELECT COUNT(*) FROM memberships WHERE user_id = ? AND membership = 'join'"
        return await self._database.read(lambda cursor: int(cursor.value(counted, user_id) or 0))

    async def memberships_of(self, user_id: str, kinds: Collection[str] = (), *, with_forgotten: bool = False) -> list[MemberRecord]:
        hidden = 1 if with_forgotten else 0

        def question(cursor: Cursor) -> list[MemberRecord]:
            if kinds:
                where = "WHERE user_id = ? AND membership IN ?? AND forgotten <= ? ORDER BY room_num"
                rows = cursor.all(SELECT + where, user_id, list(kinds), hidden)
            else:
                rows = cursor.all(SELECT + "WHERE user_id = ? AND forgotten <= ? ORDER BY room_num", user_id, hidden)
            return self._records(cursor, rows)

        return await self._database.read(question)

    async def memberships_in(self, user_id: str, room_ids: Collection[str]) -> list[MemberRecord]:
        def question(cursor: Cursor) -> list[MemberRecord]:
            where = "WHERE user_id = ? AND room_num IN (SELECT room_num FROM rooms WHERE room_id IN ??) ORDER BY room_num"
            rows = cursor.all(SELECT + where, user_id, list(room_ids))
            self._names.learn(cursor, [row[0] for row in rows])
            return self._records(cursor, rows)

        return await self._database.read(question)

    async def membership_by_room(self, user_id: str) -> dict[str, str]:
        def question(cursor: Cursor) -> dict[str, str]:
            rows = cursor.all("SELECT room_num, membership FROM memberships WHERE user_id = ?", user_id)
            return {self._names.room_id(cursor, room_num): membership for room_num, membership in rows}

        return await self._database.read(question)

    async def changed_memberships(self, user_id: str, since: int, until: int) -> list[MemberRecord]:
        def question(cursor: Cursor) -> list[MemberRecord]:
            where = "WHERE user_id = ? AND position > ? AND position <= ? ORDER BY position"
            return self._records(cursor, cursor.all(SELECT + where, user_id, since, until))

        return await self._database.read(question)

    async def shares_room(self, user_id: str, other_id: str) -> bool:
        found = await self._database.read(
            lambda cursor: cursor.value(
                "SELECT a.room_num FROM memberships a JOIN memberships b ON b.room_num = a.room_num "
                "WHERE a.user_id = ? AND a.membership = 'join' AND b.user_id = ? AND b.membership = 'join' LIMIT 1",
                user_id, other_id,
            )
        )  # fmt: skip
        return found is not None

    async def shared_rooms(self, user_id: str, other_id: str) -> list[str]:
        def question(cursor: Cursor) -> list[str]:
            rows = cursor.all(
                "SELECT a.room_num FROM memberships a JOIN memberships b ON b.room_num = a.room_num "
                "WHERE a.user_id = ? AND a.membership = 'join' AND b.user_id = ? AND b.membership = 'join' ORDER BY a.room_num",
                user_id, other_id,
            )  # fmt: skip
            return [self._names.room_id(cursor, row[0]) for row in rows]

        return await self._database.read(question)

    async def room_mates(self, user_id: str) -> list[str]:
        rows = await self._database.scan(
            lambda cursor: cursor.all(
                "SELECT DISTINCT b.user_id FROM memberships a JOIN memberships b ON b.room_num = a.room_num "
                "WHERE a.user_id = ? AND a.membership = 'join' AND b.membership = 'join' AND b.user_id <> ? ORDER BY b.user_id",
                user_id, user_id,
            )
        )  # fmt: skip
        return [row[0] for row in rows]

    async def forget(self, room_id: str, user_id: str) -> None:
        def change(cursor: WriteCursor) -> None:
            forgotten = cursor.run(
                "UPDATE memberships SET forgotten = 1 "
                "WHERE room_num = ? AND user_id = ? AND membership IN ('leave', 'ban') AND forgotten = 0",
                self._names.num(cursor, room_id), user_id,
            )  # fmt: skip
            if forgotten:
                cursor.announce(Change(cursor.position(), FORGOTTEN, room_id, user_id))

        await self._database.write(change)

    def _records(self, cursor: Cursor, rows: list[Row]) -> list[MemberRecord]:
        return [member_record(self._names.room_id(cursor, row[0]), row) for row in rows]


def member_record(room_id: str, row: Row) -> MemberRecord:
    """The record of a row of SELECT."""
    _, user_id, membership, previous, num, position, joined_position, sender, forgotten, displayname, avatar_url, stripped = row
    return MemberRecord(
        room_id, user_id, membership, previous, num, position, joined_position, sender, bool(forgotten), displayname, avatar_url, stripped
    )
