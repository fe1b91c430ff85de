"""The port `homeserver.rooms.reading.timeline_store.TimelineStore`: rooms in stream order."""

from collections.abc import Collection, Iterable, Sequence

from homeserver.protocol.event import StateKey
from homeserver.rooms.reading.timeline_store import Stretch, Window
from homeserver.rooms.store import HIDDEN, StoredEvent
from storage.database import Cursor, Database, batches
from storage.event_rows import SELECT, SELECT_E, RoomNames

WINDOW = SELECT + "WHERE room_num = ? AND position > ? AND position <= ? AND flags & ? = 0 ORDER BY position DESC LIMIT ?"
ROOMS_AT_ONCE = 50  # whose events are in memory as rows
ROOT_AT = (
    "SELECT coalesce(shown_after, state_after, state_before) FROM events "
    "WHERE room_num = ? AND position <= ? AND flags & ? = 0 ORDER BY position DESC LIMIT 1"
)
# One statement for all rooms, so that PostgreSQL is asked once; of each room the ends of two indexes.
LAST_CHANGES = (
    "SELECT r.room_id, coalesce((SELECT max(e.position) FROM events e WHERE e.room_num = r.room_num), 0), "
    "coalesce((SELECT max(p.position) FROM receipts p WHERE p.room_num = r.room_num), 0) FROM rooms r WHERE r.room_id IN ??"
)
# Rooms of few: all at once, and what is not needed is thrown away. Others: each by an index.
FEW_MEMBERS = 200
PRESENT_COUNTS = "SELECT room_num, joined_count + invited_count FROM rooms WHERE room_num IN ??"
HEROES_OF_FEW = (
    "SELECT room_num, user_id FROM (SELECT room_num, user_id, row_number() OVER (PARTITION BY room_num ORDER BY num) AS place FROM memberships "
    "WHERE room_num IN ?? AND user_id <> ? AND membership IN ('join', 'invite')) AS ranked WHERE place <= ? ORDER BY room_num, place"
)
FORMER_HEROES_OF_FEW = (
    "SELECT room_num, user_id FROM (SELECT room_num, user_id, row_number() OVER (PARTITION BY room_num ORDER BY num) AS place FROM memberships "
    "WHERE room_num IN ?? AND user_id <> ? AND membership IN ('leave', 'ban')) AS ranked WHERE place <= ? ORDER BY room_num, place"
)
HEROES = "SELECT user_id FROM memberships WHERE room_num = ? AND user_id <> ? AND membership IN ('join', 'invite') ORDER BY num LIMIT ?"
FORMER_HEROES = (
    "SELECT user_id FROM memberships WHERE room_num = ? AND user_id <> ? AND membership IN ('leave', 'ban') ORDER BY num LIMIT ?"
)
CURRENT_STATE = SELECT_E + "JOIN current_state c ON c.num = e.num WHERE c.room_num = ? AND c.type = ? AND c.state_key = ?"
CURRENT_MEMBER = SELECT_E + "JOIN memberships m ON m.num = e.num WHERE m.room_num = ? AND m.user_id = ?"

CURRENT_ROOTS = "SELECT room_num, root FROM room_roots WHERE room_num IN ??"
CURRENT_NUMBERS = "SELECT room_num, num FROM current_state WHERE room_num IN ??"


class StoredTimelines:
    """TimelineStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def windows(self, stretches: Sequence[Stretch]) -> list[Window]:
        def question(cursor: Cursor) -> list[Window]:
            places = {
                index: num for index, stretch in enumerate(stretches) if (num := self._names.num(cursor, stretch.room_id)) is not None
            }
            windows = [Window([], limited=False) for _ in stretches]
            for batch in batches(places.items(), ROOMS_AT_ONCE):
                asked = [(num, stretches[index].since, stretches[index].until, HIDDEN, stretches[index].limit + 1) for index, num in batch]
                for (index, _), rows in zip(batch, cursor.each(WINDOW, asked), strict=True):
                    limit = stretches[index].limit
                    windows[index] = Window(self._names.events(cursor, rows[:limit])[::-1], limited=len(rows) > limit)
            return windows

        return await (self._database.read(question) if len(stretches) == 1 else self._database.scan(question))

    async def roots_at(self, places: Sequence[tuple[str, int]]) -> list[bytes | None]:
        def question(cursor: Cursor) -> list[bytes | None]:
            nums = {index: num for index, (room_id, _) in enumerate(places) if (num := self._names.num(cursor, room_id)) is not None}
            found = cursor.each(ROOT_AT, [(num, places[index][1], HIDDEN) for index, num in nums.items()])
            roots: list[bytes | None] = [None] * len(places)
            for index, rows in zip(nums, found, strict=True):
                roots[index] = rows[0][0] if rows else None
            return roots

        return await (self._database.read(question) if len(places) == 1 else self._database.scan(question))

    async def last_changes(self, room_ids: Iterable[str]) -> dict[str, int]:
        wanted = list(room_ids)

        def question(cursor: Cursor) -> dict[str, int]:
            found = dict.fromkeys(wanted, 0)
            found.update((room_id, max(event, receipt)) for room_id, event, receipt in cursor.all(LAST_CHANGES, wanted))
            return found

        return await self._database.scan(question)

    async def current_state(self, room_id: str, addresses: Iterable[StateKey]) -> dict[StateKey, StoredEvent]:
        wanted = list(addresses)

        def question(cursor: Cursor) -> dict[StateKey, StoredEvent]:
            room_num = self._names.num(cursor, room_id)
            found = {}
            for type_, state_key in wanted if room_num is not None else ():
                if type_ == "m.room.member":
                    row = cursor.one(CURRENT_MEMBER, room_num, state_key)
                else:
                    row = cursor.one(CURRENT_STATE, room_num, type_, state_key)
                if row is not None:
                    found[type_, state_key] = self._names.event(cursor, row)
            return found

        return await self._database.read(question)

    async def current_without_members(self, room_ids: Iterable[str]) -> dict[str, tuple[bytes, set[int]]]:
        def question(cursor: Cursor) -> dict[str, tuple[bytes, set[int]]]:
            nums = {num: room_id for room_id in room_ids if (num := self._names.num(cursor, room_id)) is not None}
            found: dict[str, tuple[bytes, set[int]]] = {nums[num]: (root, set()) for num, root in cursor.all(CURRENT_ROOTS, list(nums))}
            for num, event_num in cursor.all(CURRENT_NUMBERS, list(nums)):
                found[nums[num]][1].add(event_num)
            return found

        return await self._database.scan(question)

    async def heroes(self, room_ids: Collection[str], user_id: str, limit: int) -> dict[str, list[str]]:
        def question(cursor: Cursor) -> dict[str, list[str]]:
            nums = {num: room_id for room_id in room_ids if (num := self._names.num(cursor, room_id)) is not None}
            found: dict[int, list[str]] = {}
            if len(nums) > 1:
                few = [num for num, count in cursor.all(PRESENT_COUNTS, list(nums)) if count <= FEW_MEMBERS]
                found = heroes_of_few(cursor, few, user_id, limit)
            found.update(heroes_of_many(cursor, [num for num in nums if num not in found], user_id, limit))
            return {nums[num]: users for num, users in found.items()}

        return await (self._database.read(question) if len(room_ids) == 1 else self._database.scan(question))

    async def counts(self, room_ids: Iterable[str]) -> dict[str, tuple[int, int]]:
        wanted = list(room_ids)
        rows = await self._database.read(
            lambda cursor: cursor.all("SELECT room_id, joined_count, invited_count FROM rooms WHERE room_id IN ??", wanted)
        )
        return {row[0]: (row[1], row[2]) for row in rows}


def heroes_of_few(cursor: Cursor, nums: Sequence[int], user_id: str, limit: int) -> dict[int, list[str]]:
    """Of rooms with few members, by number."""
    found: dict[int, list[str]] = {num: [] for num in nums}
    for num, hero in cursor.all(HEROES_OF_FEW, nums, user_id, limit):
        found[num].append(hero)
    alone = [num for num, heroes in found.items() if not heroes]
    if alone:
        for num, hero in cursor.all(FORMER_HEROES_OF_FEW, alone, user_id, limit):
            found[num].append(hero)
    return found


def heroes_of_many(cursor: Cursor, nums: Sequence[int], user_id: str, limit: int) -> dict[int, list[str]]:
    """Of rooms with many members, by number."""
    found: dict[int, list[str]] = {}
    for sql in (HEROES, FORMER_HEROES):
        asked = [num for num in nums if not found.get(num)]
        for num, rows in zip(asked, cursor.each(sql, [(num, user_id, limit) for num in asked]), strict=True):
            found[num] = [row[0] for row in rows]
    return found
