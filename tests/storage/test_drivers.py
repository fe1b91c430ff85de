"""The contract of `storage.database`, on every driver."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults

from homeserver.streams import Change, Streams
from storage.database import Conflict, Cursor, Database, Rollback, Row, StorageUnavailable, WriteCursor
from tests.storage.conftest import DatabaseFactory
from tests.support.loop import ThreadLoop

INSERT = "INSERT INTO secrets (name, value) VALUES (?, ?)"
UPSERT = "INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"


def put(name: str, value: bytes = b"") -> Any:
    return lambda cursor: cursor.run(INSERT, name, value)


def _all(sql: str, row: tuple[Any, ...], cursor: Cursor) -> list[Row]:
    return cursor.all(sql, *row)


def ask(sql: str, *rest: Any) -> Any:
    *parameters, cursor = rest
    return cursor.value(sql, *parameters)


def names(cursor: Cursor) -> list[str]:
    return [name for (name,) in cursor.all("SELECT name FROM secrets ORDER BY name")]


def write_event(cursor: WriteCursor, items: Sequence[str]) -> list[int]:
    positions = [cursor.position() for _ in items]
    cursor.many(INSERT, [(item, b"%d" % position) for item, position in zip(items, positions, strict=True)])
    for position in positions:
        cursor.announce(Change(position, "event"))
    return positions


def write_one(item: str, cursor: WriteCursor) -> int:
    return write_event(cursor, [item])[0]


def failing(cursor: WriteCursor, items: Sequence[Any]) -> list[int]:
    cursor.run(INSERT, "never", b"")
    cursor.position()
    raise ZeroDivisionError


async def outcome(task: Deferred[Any]) -> Any:
    """The result, or the exception itself."""
    try:
        return await task
    except Exception as error:
        return error


def all_outcomes(loop: ThreadLoop, tasks: list[Deferred[Any]]) -> list[Any]:
    return loop.run(gatherResults([Deferred.fromCoroutine(outcome(task)) for task in tasks]))


class Name(str):
    """As identifiers are: more than plain text."""

    __slots__ = ()


class TestReading:
    def test_values_come_back_as_they_went_in(self, loop: ThreadLoop, database: Database) -> None:
        values = ["", "plain", "ünïcode 🎈", "quo'te \\ \" % %s ?", "nul \x00 one \x01 \x010 \x011 \x01\x00", "\x00", "a\n\tb"]
        blobs = [b"", b"\x00\xff\x01'\\", bytes(range(256))]

        def change(cursor: WriteCursor) -> None:
            for index, text in enumerate(values):
                cursor.run("INSERT INTO filters (user_id, filter_id, body) VALUES (?, ?, ?)", text, str(index), blobs[index % 3])

        loop.run(database.write(change))
        rows = loop.run(database.read(lambda cursor: cursor.all("SELECT user_id, body FROM filters ORDER BY filter_id")))
        assert rows == [(text, blobs[index % 3]) for index, text in enumerate(values)]
        for index, text in enumerate(values):
            assert loop.run(database.read(partial(ask, "SELECT filter_id FROM filters WHERE user_id = ?", text))) == str(index)

    def test_numbers_bools_and_nulls(self, loop: ThreadLoop, database: Database) -> None:
        row = (2**63 - 1, -(2**53), True, False, None)
        sql = "INSERT INTO reports (report_id, created_ts, score, resolved_ts, reason, kind, reporter) VALUES (?, ?, ?, ?, ?, 'a ? %', 'b')"
        loop.run(database.write(lambda cursor: cursor.run(sql, *row)))
        sql = "SELECT report_id, created_ts, score, resolved_ts, reason, kind FROM reports WHERE kind LIKE 'a%'"
        assert loop.run(database.read(lambda cursor: cursor.all(sql))) == [(2**63 - 1, -(2**53), 1, 0, None, "a ? %")]
        total = loop.run(database.read(lambda cursor: cursor.value("SELECT sum(score) FROM reports WHERE score = ?", True)))
        assert (total, type(total)) == (1, int)

    def test_one_value_and_nothing(self, loop: ThreadLoop, database: Database) -> None:
        loop.run(database.write(lambda cursor: cursor.many(INSERT, [(str(i), b"%d" % i) for i in range(5)])))
        first = loop.run(database.read(lambda cursor: cursor.one("SELECT name, value FROM secrets ORDER BY name")))
        assert first == ("0", b"0")
        assert loop.run(database.read(lambda cursor: cursor.value("SELECT value FROM secrets ORDER BY name DESC"))) == b"4"
        assert loop.run(database.read(lambda cursor: cursor.one("SELECT name FROM secrets WHERE name = ?", "none"))) is None
        assert loop.run(database.read(lambda cursor: cursor.value("SELECT name FROM secrets WHERE name = ?", "none"))) is None
        assert loop.run(database.read(lambda cursor: cursor.value("SELECT greatest(?, 3) + LEAST(1, ?)", 7, 2))) == 8

    def test_a_question_asked_often_keeps_its_answer(self, loop: ThreadLoop, database: Database) -> None:
        loop.run(database.write(lambda cursor: cursor.many(INSERT, [("%s", b"1"), ("b", b"2")])))
        large = 1_700_000_000_000
        asked: list[tuple[str, tuple[Any, ...], Any]] = [
            ("SELECT coalesce(?, ?)", (None, 5), 5),
            ("SELECT coalesce(?, ?)", (large, 5), large),
            ("SELECT ? + 1", (large,), large + 1),
            ("SELECT count(*) FROM counters WHERE value < ? - 1000 AND name = ?", (large, "position"), 1),
            ("SELECT name FROM secrets WHERE name LIKE '\\%s' ESCAPE '\\' AND value = ? AND (? = 1 OR name = 'x')", (b"1", True), "%s"),
            ("SELECT count(*) FROM secrets WHERE name IN ?? AND value NOT IN ??", (["b", "%s"], [b"2"]), 1),
            ("SELECT count(*) FROM secrets WHERE name IN ?? AND value NOT IN ??", ([], [b"2"]), 0),
            ("SELECT name FROM secrets WHERE ? = 1 ORDER BY name DESC LIMIT ?", (1, 1), "b"),
            ("SELECT ?", ("text",), "text"),
            ("SELECT CASE WHEN ? = 'a' THEN ? ELSE ? END", ("a", 1, 2), 1),
        ]
        for _ in range(12):
            for sql, parameters, expected in asked:
                assert loop.run(database.read(partial(ask, sql, *parameters))) == expected, sql

    def test_one_question_with_many_parameters(self, loop: ThreadLoop, database: Database) -> None:
        names = ["a", "b", "nul \x00 %s ?", "c"]
        loop.run(database.write(lambda cursor: cursor.many(INSERT, [(name, name.encode()) for name in names])))
        several = "SELECT name, value, name FROM secrets WHERE name >= ? AND name <> 'x ? %' AND value <> ? ORDER BY name DESC LIMIT ?"
        asked: list[tuple[str, list[tuple[Any, ...]]]] = [
            (several, [("b", b"c", 2), (Name("a"), b"", 10), ("zz", b"", 1), ("a", b"", True)]),
            ("SELECT value FROM secrets WHERE name = ?", [(names[2],), ("none",), (Name(names[2]),)]),
            ("SELECT coalesce(?, ?), 1 + ?", [(None, 5, 1), (2**40, 5, 2)]),
            ("SELECT name FROM secrets WHERE name = ?", [("a",)]),
            ("SELECT name FROM secrets WHERE name = ?", []),
        ]

        def each(sql: str, rows: list[tuple[Any, ...]], cursor: Cursor) -> list[list[Row]]:
            return cursor.each(sql, rows)

        for sql, rows in asked:
            wanted = [loop.run(database.read(partial(_all, sql, row))) for row in rows]
            for _ in range(10):  # prepared on the way
                assert loop.run(database.read(partial(each, sql, rows))) == wanted

    @pytest.mark.parametrize("size", [0, 1, 3, 64, 65, 1000])
    def test_lists(self, loop: ThreadLoop, database: Database, size: int) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.many(
                "INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, '', ?)", [(i, f"t{i}", i) for i in range(1, 1200)]
            )
            cursor.many(INSERT, [(str(i), b"%d" % i) for i in range(1200)])

        loop.run(database.write(change))
        nums = list(range(1, size + 1))
        asked = [
            ("SELECT count(*) FROM current_state WHERE num IN ?? AND room_num > ?", (nums, 0), size),
            ("SELECT count(*) FROM current_state WHERE num NOT IN ?? AND room_num > ?", (tuple(nums), 0), 1199 - size),
            ("SELECT count(*) FROM current_state WHERE type IN ?? AND num in ??", ([f"t{i}" for i in nums], nums[:2]), min(size, 2)),
            ("SELECT count(*) FROM secrets WHERE value IN ??", ([b"%d" % i for i in nums],), size),
            ("SELECT count(*) FROM secrets WHERE name IN ??", ([Name(i) if i % 2 else str(i) for i in nums],), size),
        ]
        for sql, parameters, expected in asked:
            assert loop.run(database.read(partial(ask, sql, *parameters))) == expected, sql

    def test_text_is_ordered_by_its_bytes(self, loop: ThreadLoop, database: Database) -> None:
        words = ["b", "A", "a", "B", "é", "z", "_", "~", "Z"]
        loop.run(database.write(lambda cursor: cursor.many(INSERT, [(word, b"") for word in words])))
        assert loop.run(database.read(names)) == sorted(words)

    def test_several_statements_see_one_snapshot(self, loop: ThreadLoop, database: Database) -> None:
        def question(cursor: Cursor) -> tuple[Any, Any]:
            return cursor.value("SELECT count(*) FROM secrets"), cursor.value("SELECT count(*) FROM secrets")

        for round_ in range(20):
            reads = [Deferred.fromCoroutine(outcome(database.scan(question))) for _ in range(5)]
            writes = [database.write(put(f"{round_}-{i}")) for i in range(3)]
            for first, second in loop.run(gatherResults(reads)):
                assert first == second
            loop.run(gatherResults(writes))

    def test_a_failed_question_fails_alone(self, loop: ThreadLoop, database: Database) -> None:
        for ask in (database.read, database.scan):
            with pytest.raises(ZeroDivisionError):
                loop.run(ask(lambda cursor: 1 // 0))
            with pytest.raises(Exception, match="nowhere"):
                loop.run(ask(lambda cursor: cursor.all("SELECT 1 FROM nowhere")))
            assert loop.run(ask(lambda cursor: cursor.value("SELECT 1"))) == 1


class TestWriting:
    def test_a_write_is_seen_by_the_next_read(self, loop: ThreadLoop, database: Database) -> None:
        async def many_times() -> None:
            for index in range(50):
                assert await database.write(put(str(index))) == 1
                assert await database.read(lambda cursor: cursor.value("SELECT count(*) FROM secrets")) == index + 1

        loop.run(many_times())

    def test_counts_and_returned_rows(self, loop: ThreadLoop, database: Database) -> None:
        def change(cursor: WriteCursor) -> list[Any]:
            cursor.many(INSERT, [("a", b"1"), ("b", b"2"), ("c", b"3")])
            return [
                cursor.run("UPDATE secrets SET value = ? WHERE name IN ??", b"0", ["a", "b"]),
                cursor.run("DELETE FROM secrets WHERE name = 'none'"),
                cursor.one("UPDATE secrets SET value = ? WHERE name = ? RETURNING name, value", b"9", "c"),
                cursor.value("INSERT INTO secrets (name, value) VALUES (?, ?) ON CONFLICT (name) DO NOTHING RETURNING name", "a", b""),
                cursor.all("SELECT name, value FROM secrets ORDER BY name"),
            ]

        assert loop.run(database.write(change)) == [2, 0, ("c", b"9"), None, [("a", b"0"), ("b", b"0"), ("c", b"9")]]

    def test_many_rows_that_meet_in_one_key(self, loop: ThreadLoop, database: Database) -> None:
        loop.run(database.write(lambda cursor: cursor.many(UPSERT, [("a", b"1"), ("b", b"2"), ("a", b"3")])))
        loop.run(database.write(lambda cursor: cursor.many(UPSERT, [("b", b"4"), ("c", b"5")])))
        loop.run(database.write(lambda cursor: cursor.many("DELETE FROM secrets WHERE name = ?", [("c",)])))
        loop.run(database.write(lambda cursor: cursor.many(INSERT, [])))
        assert loop.run(database.read(lambda cursor: cursor.all("SELECT name, value FROM secrets ORDER BY name"))) == [
            ("a", b"3"),
            ("b", b"4"),
        ]

    def test_an_exception_undoes_its_change_alone(self, loop: ThreadLoop, database: Database) -> None:
        def bad(cursor: WriteCursor) -> None:
            cursor.run(INSERT, "bad", b"")
            raise ZeroDivisionError

        def late(cursor: WriteCursor) -> None:
            cursor.many(INSERT, [("late", b""), ("1", b"")])

        tasks = [database.write(put("1")), database.write(bad), database.write(put("1")), database.write(late), database.write(put("2"))]
        found = all_outcomes(loop, tasks)
        assert [type(item) for item in found] == [int, ZeroDivisionError, Conflict, Conflict, int]
        assert loop.run(database.read(names)) == ["1", "2"]

    def test_a_lone_change_that_conflicts(self, loop: ThreadLoop, database: Database) -> None:
        loop.run(database.write(put("1")))
        for change in (put("1"), lambda cursor: cursor.many(INSERT, [("2", b""), ("1", b"")])):
            with pytest.raises(Conflict):
                loop.run(database.write(change))
        loop.run(database.write(put("3")))
        assert loop.run(database.read(names)) == ["1", "3"]

    def test_rollback_carries_a_value(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.run(INSERT, "undone", b"")
            cursor.announce(Change(cursor.position(), "event"))
            raise Rollback("value")

        assert all_outcomes(loop, [database.write(put("1")), database.write(change)]) == [1, "value"]
        assert loop.run(database.write(change)) == "value"
        assert loop.run(database.read(names)) == ["1"]
        assert (streams.position, streams.recent(0)) == (0, [])


class TestGroups:
    def test_items_of_a_writer_are_written_together_in_order(self, loop: ThreadLoop, database: Database) -> None:
        calls = []

        def writer(cursor: WriteCursor, items: Sequence[int]) -> list[int]:
            calls.append(list(items))
            cursor.many(INSERT, [(str(item), b"") for item in items])
            return [item * 10 for item in items]

        tasks = [database.write_grouped(writer, item) for item in range(250)]
        assert all_outcomes(loop, tasks) == [item * 10 for item in range(250)]
        assert [item for call in calls for item in call] == list(range(250))
        assert all(len(call) <= 100 for call in calls)
        assert len(loop.run(database.read(names))) == 250

    def test_a_failed_group_leaves_the_others(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        tasks = [database.write_grouped(write_event, "a"), database.write_grouped(failing, "x"), database.write(put("b"))]
        tasks += [database.write_grouped(failing, "y"), database.write_grouped(write_event, "c")]
        found = all_outcomes(loop, tasks)
        assert [type(item) for item in found] == [int, ZeroDivisionError, int, ZeroDivisionError, int]
        assert loop.run(database.read(names)) == ["a", "b", "c"]
        assert (found[0], found[4]) == (1, 2)
        assert streams.position == 2

    def test_a_writer_must_answer_every_item(self, loop: ThreadLoop, database: Database) -> None:
        with pytest.raises(ValueError, match="answered 0 values for 1 items"):
            loop.run(database.write_grouped(lambda cursor, items: [], 1))


class TestPositions:
    def test_they_are_published_in_order_before_the_writers_go_on(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        published: list[int] = []
        streams.subscribe(lambda changes: published.extend(change.position for change in changes))

        async def send(index: int) -> int:
            position = await database.write_grouped(write_event, str(index))
            assert position in published
            assert streams.position >= position
            return position

        for round_ in range(5):
            positions = loop.run(gatherResults([Deferred.fromCoroutine(send(round_ * 20 + i)) for i in range(20)]))
            assert positions == list(range(round_ * 20 + 1, round_ * 20 + 21))
        assert published == list(range(1, 101))

    def test_undone_positions_leave_no_hole(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        def undone(cursor: WriteCursor) -> None:
            cursor.position()
            raise Rollback

        tasks: list[Deferred[Any]] = [database.write(undone), database.write_grouped(write_event, "a"), database.write(undone)]
        tasks += [database.write(lambda cursor: write_event(cursor, ["b"])[0]), database.write(undone)]
        assert all_outcomes(loop, tasks) == [None, 1, None, 2, None]
        recent = streams.recent(0)
        assert recent is not None
        assert [change.position for change in recent] == [1, 2]

    def test_they_go_on_after_a_restart(self, loop: ThreadLoop, database_factory: DatabaseFactory, database_url: str) -> None:
        if database_url.endswith(":memory:"):
            pytest.skip("memory does not last")
        database = database_factory()
        assert loop.run(database.write_grouped(write_event, "a")) == 1
        loop.run(database.close())
        streams = Streams()
        database = database_factory(streams)
        assert (streams.position, streams.recent(0), streams.recent(1)) == (1, None, [])
        assert loop.run(database.write_grouped(write_event, "b")) == 2
        assert streams.position == 2

    @pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
    def test_two_processes_share_one_sequence(self, loop: ThreadLoop, database_factory: DatabaseFactory) -> None:
        published: list[int] = []
        one, two = Streams(), Streams()
        for streams in (one, two):
            streams.subscribe(lambda changes: published.extend(change.position for change in changes))
        databases = [database_factory(one), database_factory(two)]
        tasks = [databases[index % 2].write_grouped(write_event, str(index)) for index in range(60)]
        for index in range(60, 120):
            tasks.append(databases[index % 2].write(partial(write_one, str(index))))
            loop.turn()
        positions = [position for position in all_outcomes(loop, tasks) if position is not None]
        assert sorted(positions) == sorted(published) == list(range(1, 121))
        assert max(one.position, two.position) == 120
        assert [change.position for change in one.recent(one.position - 1) or ()] == [one.position]

    def test_a_chain_of_writes_in_one_turn_is_no_recursion(self, loop: ThreadLoop, database: Database, streams: Streams) -> None:
        """A reader that writes in answer to what was published, many times over."""
        answers: list[Deferred[int]] = []

        def answer(changes: list[Change]) -> None:
            if changes and len(answers) < 1500:
                answers.append(database.write_grouped(write_event, f"answer {len(answers)}"))

        streams.subscribe(answer)
        loop.run(database.write_grouped(write_event, "first"))
        while len(answers) < 1500:
            loop.run(answers[-1])
        assert loop.run(answers[-1]) == 1501


class Watcher:
    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []

    def committing(self, items: int) -> None:
        self.seen.append(("committing", items))

    def committed(self, items: int, fill_seconds: float, commit_seconds: float, waiting: int) -> None:
        self.seen.append(("committed", items))
        assert fill_seconds >= 0
        assert commit_seconds >= 0
        assert waiting == 0

    def lost(self, items: int, waiting: int) -> None:
        self.seen.append(("lost", items))


def test_commits_are_observed(loop: ThreadLoop, database_factory: DatabaseFactory) -> None:
    watcher = Watcher()
    database = database_factory(observer=watcher)
    loop.run(database.write(put("1")))
    loop.run(database.write_grouped(write_event, "2"))
    assert watcher.seen == [("committing", 1), ("committed", 1)] * 2


class TestClosing:
    def test_accepted_work_is_finished_and_new_work_refused(
        self, loop: ThreadLoop, database_factory: DatabaseFactory, database_url: str
    ) -> None:
        database = database_factory()
        accepted: list[Deferred[Any]] = [database.write(put(str(i))) for i in range(3)]
        closing = Deferred.fromCoroutine(outcome(database.close()))  # type: ignore[arg-type]
        assert isinstance(loop.run(Deferred.fromCoroutine(outcome(database.write(put("late"))))), StorageUnavailable)
        assert all_outcomes(loop, accepted) == [1, 1, 1]
        loop.run(closing)
        for ask in (database.read, database.scan):
            with pytest.raises(StorageUnavailable):
                loop.run(ask(lambda cursor: cursor.value("SELECT 1")))
        if not database_url.endswith(":memory:"):
            assert loop.run(database_factory().read(names)) == ["0", "1", "2"]
