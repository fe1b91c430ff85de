"""The port `homeserver.rooms.store.RoomStore`: the write path of rooms."""

from collections.abc import Collection, Iterable, Sequence

from twisted.internet.defer import Deferred, ensureDeferred
from twisted.python.failure import Failure

from homeserver.clock import Chance
from homeserver.errors import Unavailable
from homeserver.rooms.store import HIDDEN, CommitLost, EventCommit, Foretold, HeadRecord, RoomRecord, StoredEvent
from storage.database import Conflict, Cursor, Database, WriteCursor
from storage.event_rows import SELECT, SELECT_E, RoomNames, room_record
from storage.room_commits import write_commits

NUMBER_BLOCK = 100_000  # numbers reserved at once; those of a block not used before a crash are never used
SHORT = 200  # events that may be read on the loop

ROOM = """SELECT room_num, room_id, version, published, joined_count, invited_count, local_joined_count, blocked, created_ts
    FROM rooms WHERE room_id = ?"""
ROOM_WITH_ROOT = """SELECT r.room_num, r.room_id, r.version, r.published, r.joined_count, r.invited_count, r.local_joined_count, r.blocked,
    r.created_ts, x.root FROM rooms r LEFT JOIN room_roots x ON x.room_num = r.room_num WHERE r.room_id = ?"""
LOCAL_MEMBERS = """SELECT user_id FROM memberships WHERE room_num = ? AND is_local = 1 AND membership = 'join'
    ORDER BY joined_position LIMIT ?"""
GAPS_AMONG = """SELECT b.missing_id, e.flags FROM backward_extremities b JOIN events e ON e.num = b.successor_num
    WHERE b.room_num = ? AND b.missing_id IN ??"""
EXTREMITIES = SELECT_E + "JOIN forward_extremities x ON x.num = e.num WHERE x.room_num = ? ORDER BY x.num"


class NumberBlock:
    """Unique numbers from a counter of the database, taken a block at a time."""

    def __init__(self, database: Database, name: str) -> None:
        self._database = database
        self._name = name
        self._next = self._end = 0
        self._later: tuple[int, int] | None = None
        self._reserving = False

    async def reserve(self) -> None:
        start = await self._database.write(self._reserve)
        if self._next == self._end:
            self._next, self._end = start, start + NUMBER_BLOCK
        else:
            self._later = (start, start + NUMBER_BLOCK)
        self._reserving = False

    def _reserve(self, cursor: WriteCursor) -> int:
        value: int = cursor.value("UPDATE counters SET value = value + ? WHERE name = ? RETURNING value", NUMBER_BLOCK, self._name)
        return value - NUMBER_BLOCK

    def take(self) -> int:
        """Unavailable when they are used up and the database gives no more; it is asked again."""
        if self._end - self._next < NUMBER_BLOCK // 2 and self._later is None and not self._reserving:
            self._reserving = True
            ensureDeferred(self.reserve()).addErrback(self._failed)
        if self._next == self._end:
            if self._later is None:
                raise Unavailable(retry_after_ms=1000)
            (self._next, self._end), self._later = self._later, None
        number = self._next
        self._next += 1
        return number

    def _failed(self, failure: Failure) -> None:
        self._reserving = False  # the next take tries again


class StoredRooms:
    """RoomStore over a database. `open` before use."""

    def __init__(self, database: Database, names: RoomNames, chance: Chance) -> None:
        self._database = database
        self._names = names
        self._chance = chance
        self._event_nums = NumberBlock(database, "event_num")
        self._room_nums = NumberBlock(database, "room_num")

    async def open(self) -> None:
        """Reserve the first numbers."""
        await self._event_nums.reserve()
        await self._room_nums.reserve()

    def commit(self, commits: Sequence[EventCommit]) -> Deferred[None]:
        pending: Deferred[CommitLost | None] = self._database.write_grouped(write_commits, commits)

        def settle(lost: CommitLost | None) -> None:
            if lost is not None:
                raise lost

        def break_lineage(failure: Failure) -> Failure:
            for commit in commits:
                commit.lineage.broken = True
            if failure.check(Conflict):
                raise CommitLost from failure.value
            return failure

        return pending.addCallbacks(settle, break_lineage)

    def take_event_num(self) -> int:
        return self._event_nums.take()

    def take_room_num(self) -> int:
        return self._room_nums.take()

    async def room(self, room_id: str) -> RoomRecord | None:
        row = await self._database.read(lambda cursor: cursor.one(ROOM, room_id))
        return None if row is None else room_record(row)

    async def head(self, room_id: str) -> HeadRecord | None:
        def question(cursor: Cursor) -> HeadRecord | None:
            row = cursor.one(ROOM_WITH_ROOT, room_id)
            if row is None or row[-1] is None:
                return None
            ends = cursor.all(EXTREMITIES, row[0])
            return HeadRecord(room_record(row), row[-1], tuple(self._names.events(cursor, ends)))

        return await self._database.read(question)

    async def nodes(self, node_ids: Iterable[bytes]) -> dict[bytes, bytes]:
        wanted = list(node_ids)
        rows = await self._database.read(lambda cursor: cursor.all("SELECT node_id, body FROM state_nodes WHERE node_id IN ??", wanted))
        return {row[0]: row[1] for row in rows}

    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
        wanted = list(event_ids)

        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(SELECT + "WHERE event_id IN ??", wanted))

        reading = self._database.scan(question) if len(wanted) > SHORT else self._database.read(question)
        return {event.event_id: event for event in await reading}

    async def known(self, room_id: str, event_ids: Collection[str]) -> tuple[RoomRecord | None, dict[str, StoredEvent]]:
        wanted = list(event_ids)

        def question(cursor: Cursor) -> tuple[RoomRecord | None, dict[str, StoredEvent]]:
            row = cursor.one(ROOM, room_id)
            events = self._names.events(cursor, cursor.all(SELECT + "WHERE event_id IN ??", wanted))
            return None if row is None else room_record(row), {event.event_id: event for event in events}

        return await self._database.read(question)

    async def foretold(self, room_id: str, event_ids: Collection[str]) -> Foretold:
        wanted = list(event_ids)

        def question(cursor: Cursor) -> Foretold:
            redactions: dict[str, list[StoredEvent]] = {}
            targets: dict[int, str] = dict(cursor.all("SELECT num, target_id FROM redactions WHERE target_id IN ??", wanted))
            if targets:
                for event in self._names.events(cursor, cursor.all(SELECT + "WHERE num IN ??", sorted(targets))):
                    redactions.setdefault(targets[event.num], []).append(event)
            return Foretold(redactions, self._gaps(cursor, room_id, wanted))

        return await self._database.read(question)

    async def local_members(self, room_id: str, most: int) -> list[str]:
        def question(cursor: Cursor) -> list[str]:
            return [row[0] for row in cursor.all(LOCAL_MEMBERS, self._names.num(cursor, room_id), most)]

        return await self._database.read(question)

    async def gaps_among(self, room_id: str, event_ids: Collection[str]) -> dict[str, bool]:
        wanted = list(event_ids)
        return await self._database.read(lambda cursor: self._gaps(cursor, room_id, wanted))

    def _gaps(self, cursor: Cursor, room_id: str, event_ids: Sequence[str]) -> dict[str, bool]:
        found: dict[str, bool] = {}
        for missing_id, flags in cursor.all(GAPS_AMONG, self._names.num(cursor, room_id), event_ids):
            found[missing_id] = found.get(missing_id, False) or not flags & HIDDEN
        return found

    async def backward_extremities(self, room_id: str) -> list[tuple[str, StoredEvent]]:
        def question(cursor: Cursor) -> list[tuple[str, StoredEvent]]:
            room_num = self._names.num(cursor, room_id)
            rows = cursor.all("SELECT missing_id, successor_num FROM backward_extremities WHERE room_num = ?", room_num)
            nums = [row[1] for row in rows]
            found = {event.num: event for event in self._names.events(cursor, cursor.all(SELECT + "WHERE num IN ??", nums))} if rows else {}
            return [(row[0], found[row[1]]) for row in rows if row[1] in found]

        return await self._database.read(question)

    async def events_by_num(self, nums: Iterable[int]) -> dict[int, StoredEvent]:
        wanted = list(nums)
        if not wanted:
            return {}

        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(SELECT + "WHERE num IN ??", wanted))

        reading = self._database.scan(question) if len(wanted) > SHORT else self._database.read(question)
        return {event.num: event for event in await reading}

    async def device_transactions(self, user_id: str, device_id: str, most: int) -> list[tuple[str, str, str]]:
        rows = await self._database.read(
            lambda cursor: cursor.all(
                "SELECT scope, txn_id, event_id FROM transactions WHERE user_id = ? AND device_id = ? ORDER BY ts DESC, txn_id DESC LIMIT ?",
                user_id, device_id, most,
            )
        )  # fmt: skip
        return [(row[0], row[1], row[2]) for row in reversed(rows)]

    async def transaction(self, user_id: str, device_id: str, scope: str, txn_id: str) -> str | None:
        sql = "SELECT event_id FROM transactions WHERE user_id = ? AND device_id = ? AND txn_id = ? AND scope = ?"
        found: str | None = await self._database.read(lambda cursor: cursor.value(sql, user_id, device_id, txn_id, scope))
        return found

    async def address_secret(self) -> bytes:
        made = self._chance.token_bytes(32)

        def change(cursor: WriteCursor) -> bytes:
            cursor.run("INSERT INTO secrets (name, value) VALUES ('state_address', ?) ON CONFLICT (name) DO NOTHING", made)
            value: bytes = cursor.value("SELECT value FROM secrets WHERE name = 'state_address'")
            return value

        return await self._database.write(change)
