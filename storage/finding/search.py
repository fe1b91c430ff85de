"""The ports `homeserver.search.store.SearchStore` and `IndexStore`: finding events by what they say, and the index that helps."""

from collections.abc import Collection, Iterator, Sequence

from homeserver.protocol.limits import MAX_INTEGER
from homeserver.rooms.store import HIDDEN, REDACTED, StoredEvent
from homeserver.search.store import EACH, OTHERS, SEARCHED, WHOLE, Block, Found, Matches, Question, Row, Write
from storage.database import Cursor, Database, WriteCursor
from storage.event_rows import SELECT, RoomNames

COUNTER = "search"
LOWEST, HIGHEST = -MAX_INTEGER, MAX_INTEGER
ROWS = 256  # of events, read at once
A_BLOCK = 4  # what a look at a block counts for, in events
LONG = 512  # bytes of an event; much longer ones count for several
TYPES = list(SEARCHED)
UNSEARCHED = HIDDEN | REDACTED

_POSITION = "SELECT value FROM counters WHERE name = ?"
_SET_POSITION = "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_ENCRYPTED = "SELECT room_num FROM current_state WHERE room_num IN ?? AND type = 'm.room.encryption' AND state_key = ''"
_TOUCHED = "SELECT DISTINCT room_num FROM events WHERE position > ? AND position <= ?"

_BLOCK_AT = "SELECT since, until, body FROM search_blocks WHERE room_num = ? AND until >= ? ORDER BY until LIMIT 1"
_FIRST_SINCE = "SELECT since FROM search_blocks WHERE room_num = ? ORDER BY until LIMIT 1"
_LAST_BEFORE = "SELECT until FROM search_blocks WHERE room_num = ? AND until < ? ORDER BY until DESC LIMIT 1"
_UNINDEXED = SELECT + "WHERE room_num = ? AND position > ? AND position < ? AND type IN ?? AND flags & ? = 0 ORDER BY position DESC LIMIT ?"
_NAMED = SELECT + "WHERE position IN ??"
_ROWS = "SELECT position, type, CASE WHEN type IN ?? AND flags & ? = 0 THEN body END FROM events WHERE room_num = ? AND position > ? AND position <= ?"
_OLDEST = _ROWS + " ORDER BY position LIMIT ?"
_NEWEST = _ROWS + " ORDER BY position DESC LIMIT ?"

_KEEP = "INSERT INTO search_blocks (room_num, since, until, body) VALUES (?, ?, ?, ?) ON CONFLICT (room_num, until) DO NOTHING"
_RENEW = "UPDATE search_blocks SET body = ? WHERE room_num = ? AND until = ?"
_STALE = "SELECT room_num, position FROM search_stale ORDER BY room_num, position LIMIT 1000"
_FRESH = "DELETE FROM search_stale WHERE room_num = ? AND position = ?"


class StoredSearch:
    """SearchStore and IndexStore over a database."""

    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def find(self, room_id: str, question: Question, *, after: int, before: int, most: int) -> Matches:
        def ask(cursor: Cursor) -> Matches:
            room_num = self._names.num(cursor, room_id)
            if room_num is None:
                return Matches([], None)
            return self._walk(cursor, room_num, question, after, before, most)

        return await self._database.scan(ask)

    def _walk(self, cursor: Cursor, room_num: int, question: Question, after: int, before: int, most: int) -> Matches:
        """Down the stream, from stretch to stretch: what is in a block, and what is in none."""
        found: list[Found] = []
        looked = 0
        while before - 1 > after:
            if looked >= most:
                return Matches(found, before)
            block = cursor.one(_BLOCK_AT, room_num, before - 1)
            if block is not None and block[0] < before - 1:
                events = self._candidates(cursor, question, block[2], after, before)
                looked += A_BLOCK
                before = block[0] + 1
            else:
                last: int | None = cursor.value(_LAST_BEFORE, room_num, before - 1)
                floor = max(after, LOWEST if last is None else last)
                rows = cursor.all(_UNINDEXED, room_num, floor, before, TYPES, UNSEARCHED, ROWS)
                events = self._names.events(cursor, rows)
                before = floor + 1 if len(rows) < ROWS else rows[-1][2]
            looked += sum(1 + len(event.body) // LONG for event in events)
            found.extend(match for event in events if (match := question.match(event)) is not None)
        return Matches(found, None)

    def _candidates(self, cursor: Cursor, question: Question, body: bytes, after: int, before: int) -> list[StoredEvent]:
        """The newest first."""
        positions = [position for position in question.candidates(bytes(body)) if after < position < before]
        if not positions:
            return []
        events = [event for event in self._names.events(cursor, cursor.all(_NAMED, positions)) if not event.flags & UNSEARCHED]
        return sorted(events, key=lambda event: -(event.position or 0))

    async def encrypted(self, room_ids: Collection[str]) -> set[str]:
        def ask(cursor: Cursor) -> set[str]:
            nums = [num for room_id in room_ids if (num := self._names.num(cursor, room_id)) is not None]
            return {self._names.room_id(cursor, row[0]) for row in cursor.all(_ENCRYPTED, nums)} if nums else set()

        return await self._database.read(ask)

    # ------------------------------------------------------------ the index

    async def position(self) -> int:
        return int(await self._database.read(lambda cursor: cursor.value(_POSITION, COUNTER)) or 0)

    async def set_position(self, position: int) -> None:
        await self._database.write(lambda cursor: cursor.many(_SET_POSITION, [(COUNTER, position)]))

    async def touched(self, after: int, up_to: int) -> set[str]:
        def ask(cursor: Cursor) -> set[str]:
            if after == 0:
                return {row[0] for row in cursor.all("SELECT room_id FROM rooms")}
            return {self._names.room_id(cursor, row[0]) for row in cursor.all(_TOUCHED, after, up_to)}

        return await self._database.scan(ask)

    async def drop(self, room_id: str) -> None:
        def ask(cursor: Cursor) -> int | None:
            room_num = self._names.num(cursor, room_id)
            return None if cursor.one(_FIRST_SINCE, room_num) is None else room_num

        room_num = await self._database.read(ask)
        if room_num is not None:
            await self._database.write(lambda cursor: cursor.run("DELETE FROM search_blocks WHERE room_num = ?", room_num))

    async def missing(self, room_id: str, write: Write) -> Block | int:
        def ask(cursor: Cursor) -> Block | int:
            room_num = self._names.num(cursor, room_id)
            if room_num is None:
                return 0
            first: int | None = cursor.value(_FIRST_SINCE, room_num)
            last: int | None = cursor.value(_LAST_BEFORE, room_num, HIGHEST)
            rows, weight = _gather(_newer(cursor, room_num, LOWEST if last is None else last))
            if weight >= WHOLE:
                since = rows[0][0] - 1 if last is None else last
                return Block(room_id, since, rows[-1][0], write(_searched(rows)))
            if first is None:
                return weight
            rows, older = _gather(_older(cursor, room_num, first))
            if older >= WHOLE:
                rows.reverse()
                return Block(room_id, rows[0][0] - 1, first, write(_searched(rows)))
            return max(weight, older)

        return await self._database.scan(ask)

    async def keep(self, block: Block) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.many(_KEEP, [(self._names.num(cursor, block.room_id), block.since, block.until, block.body)])

        await self._database.write(change)

    async def stale(self) -> list[tuple[str, int]]:
        def ask(cursor: Cursor) -> list[tuple[str, int]]:
            return [(self._names.room_id(cursor, room_num), position) for room_num, position in cursor.all(_STALE)]

        return await self._database.read(ask)

    async def renew(self, room_id: str, positions: Sequence[int], write: Write) -> None:
        def ask(cursor: Cursor) -> list[tuple[bytes, int | None, int]]:
            room_num = self._names.num(cursor, room_id)
            blocks: dict[int, int] = {}
            for position in positions:
                block = cursor.one(_BLOCK_AT, room_num, position)
                if block is not None and block[0] < position:
                    blocks[block[1]] = block[0]
            renewed = []
            for until, since in blocks.items():
                rows = cursor.all(_OLDEST, TYPES, UNSEARCHED, room_num, since, until, WHOLE)
                renewed.append((write(_searched(rows)), room_num, until))
            return renewed

        renewed = await self._database.scan(ask)

        def change(cursor: WriteCursor) -> None:
            cursor.many(_RENEW, renewed)
            room_num = self._names.num(cursor, room_id)
            cursor.many(_FRESH, [(room_num, position) for position in positions])

        await self._database.write(change)


Gathered = tuple[int, str, bytes | None]


def _newer(cursor: Cursor, room_num: int, since: int) -> Iterator[Gathered]:
    while rows := cursor.all(_OLDEST, TYPES, UNSEARCHED, room_num, since, HIGHEST, ROWS):
        yield from rows
        since = rows[-1][0]


def _older(cursor: Cursor, room_num: int, until: int) -> Iterator[Gathered]:
    while rows := cursor.all(_NEWEST, TYPES, UNSEARCHED, room_num, LOWEST, until, ROWS):
        yield from rows
        until = rows[-1][0] - 1


def _gather(rows: Iterator[Gathered]) -> tuple[list[Gathered], int]:
    """The first rows, as many as make a whole block, and what they weigh."""
    gathered: list[Gathered] = []
    weight = 0
    for row in rows:
        gathered.append(row)
        weight += OTHERS if row[2] is None else EACH + len(row[2]) // LONG
        if weight >= WHOLE:
            break
    return gathered, weight


def _searched(rows: Sequence[Gathered]) -> list[Row]:
    return [Row(position, type, bytes(body)) for position, type, body in rows if body is not None]
