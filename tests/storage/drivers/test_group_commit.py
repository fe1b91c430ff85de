"""The queue in front of a driver, with a driver that commits when the test says so."""

from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from homeserver.streams import Change, Streams
from storage.database import StorageUnavailable, WriteCursor
from storage.drivers import group_commit
from storage.drivers.batch import Batch
from storage.drivers.group_commit import GroupCommit
from tests.support.clock import FakeClock


class ScriptedTransaction:
    """Writes into a list; takes a second for each entry."""

    def __init__(self, clock: FakeClock) -> None:
        self.changes: list[Change] = []
        self.first: int | None = None
        self.last = 0
        self.rows: list[Any] = []
        self._clock = clock
        self._marked = 0

    def many(self, sql: str, rows: Sequence[Sequence[Any]]) -> None:
        self.rows.extend(rows)

    def position(self) -> int:
        if self.first is None:
            self.first = self.last
        self.last += 1
        return self.last

    def announce(self, change: Change) -> None:
        self.changes.append(change)

    def mark(self) -> None:
        self._marked = len(self.rows)

    def keep(self) -> None:
        self._clock.advance(1)

    def undo(self) -> None:
        del self.rows[self._marked :]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} is not scripted")


class ScriptedCarrier:
    def __init__(self, clock: FakeClock, seconds: float) -> None:
        self.written: Any = ScriptedTransaction(clock)
        self.batches: list[list[Any]] = []
        self._clock = clock
        self._seconds = seconds
        self._running: list[Callable[[Exception | None], None]] = []

    def carry(self, batch: Batch, done: Callable[[Exception | None], None]) -> None:
        self.written.rows = []
        self.written.first, self.written.changes = None, []
        batch.fill(self.written, self._clock, self._seconds)
        self.batches.append(self.written.rows)
        self._running.append(done)

    def end(self, error: Exception | None = None) -> None:
        self._running.pop()(error)


class Recorder:
    def __init__(self) -> None:
        self.seen: list[tuple[Any, ...]] = []

    def committing(self, items: int) -> None:
        raise AssertionError("this is for the driver to tell")

    def committed(self, items: int, fill_seconds: float, commit_seconds: float, waiting: int) -> None:
        self.seen.append((items, waiting))

    def lost(self, items: int, waiting: int) -> None:
        self.seen.append(("lost", items, waiting))


class Bench:
    """A queue, its carrier, and the end of the turn in the test's hand."""

    def __init__(self, seconds: float = 1000) -> None:
        clock = FakeClock()
        self.turns: list[Callable[[], None]] = []
        self.streams = Streams()
        self.observer = Recorder()
        self.carrier = ScriptedCarrier(clock, seconds)
        self.queue = GroupCommit(self.carrier, self.streams, soon=self.turns.append, monotonic=clock.monotonic, observer=self.observer)

    def turn(self) -> None:
        while self.turns:
            self.turns.pop(0)()


def append(cursor: WriteCursor, items: Sequence[Any]) -> Sequence[Any]:
    cursor.many("", items)
    return items


def other(cursor: WriteCursor, items: Sequence[Any]) -> Sequence[Any]:
    return append(cursor, items)


def failing(cursor: WriteCursor, items: Sequence[Any]) -> Sequence[Any]:
    append(cursor, items)
    raise ZeroDivisionError


def single(row: Any) -> Callable[[WriteCursor], Any]:
    return lambda cursor: cursor.many("", [row])


def results(tasks: list[Deferred[Any]]) -> list[Any]:
    """What has come so far; an exception's class, "waiting" for nothing."""
    found: list[Any] = ["waiting"] * len(tasks)
    for index, task in enumerate(tasks):

        def note(value: Any, index: int = index) -> None:
            found[index] = value

        task.addCallbacks(note, lambda failure, note=note: note(failure.type))
    return found


def test_a_turn_is_a_batch_and_what_comes_meanwhile_is_the_next() -> None:
    bench = Bench()
    found = results([bench.queue.write_grouped(append, 1), bench.queue.write_grouped(append, 2)])
    assert bench.carrier.batches == []
    bench.turn()
    late = results([bench.queue.write_grouped(append, 3), bench.queue.write_grouped(append, 4)])
    assert (found, bench.carrier.batches) == (["waiting"] * 2, [[1, 2]])
    bench.carrier.end()
    assert (found, late, bench.carrier.batches) == ([1, 2], ["waiting"] * 2, [[1, 2], [3, 4]])
    bench.carrier.end()
    assert (late, bench.queue.waiting, bench.observer.seen) == ([3, 4], 0, [(2, 2), (2, 0)])
    results([bench.queue.write_grouped(append, 5)])
    bench.turn()
    assert bench.carrier.batches[2:] == [[5]]


def test_items_join_their_writer_but_never_past_a_write() -> None:
    bench = Bench()
    results([bench.queue.write_grouped(append, "a1"), bench.queue.write_grouped(other, "b1"), bench.queue.write_grouped(append, "a2")])
    results([bench.queue.write(single("w")), bench.queue.write_grouped(append, "a3"), bench.queue.write_grouped(other, "b2")])
    bench.turn()
    assert bench.carrier.batches == [["a1", "a2", "b1", "w", "a3", "b2"]]


def test_a_long_batch_is_cut_and_the_rest_keeps_its_place() -> None:
    bench = Bench(seconds=2.5)
    found = results([bench.queue.write(single(index)) for index in range(5)])
    bench.turn()
    late = results([bench.queue.write(single("late"))])
    bench.carrier.end()
    assert (bench.carrier.batches, found) == ([[0, 1, 2], [3, 4, "late"]], [None] * 3 + ["waiting"] * 2)
    bench.carrier.end()
    assert (found, late) == ([None] * 5, [None])


def test_a_lost_transaction_fails_all_that_waits_and_the_next_goes_well() -> None:
    bench = Bench()
    found = results([bench.queue.write(single(1)), bench.queue.write_grouped(append, 2)])
    bench.turn()
    found_late = results([bench.queue.write_grouped(append, 3)])
    bench.carrier.end(OSError("disk"))
    assert found + found_late == [StorageUnavailable] * 3
    assert (bench.queue.waiting, bench.observer.seen) == (0, [("lost", 3, 0)])
    after = results([bench.queue.write_grouped(append, 4)])
    bench.turn()
    bench.carrier.end()
    assert after == [4]


def test_a_failed_group_takes_along_what_was_built_on_it() -> None:
    bench = Bench()
    found = results([bench.queue.write_grouped(failing, 1), bench.queue.write_grouped(append, 2)])
    bench.turn()
    late = results([bench.queue.write_grouped(failing, 3), bench.queue.write_grouped(append, 4)])
    bench.carrier.end()
    bench.carrier.end()
    assert (found, late, bench.carrier.batches) == ([ZeroDivisionError, 2], [StorageUnavailable, 4], [[2], [4]])
    assert bench.queue.waiting == 0


def test_a_jump_in_the_sequence_sends_readers_to_the_store() -> None:
    bench = Bench()

    def event(cursor: WriteCursor) -> int:
        position = cursor.position()
        cursor.announce(Change(position, "event"))
        return position

    results([bench.queue.write(event)])
    bench.turn()
    bench.carrier.end()
    bench.carrier.written.last = 7  # another process has been there
    results([bench.queue.write(event)])
    bench.turn()
    bench.carrier.end()
    assert (bench.streams.position, bench.streams.recent(6), bench.streams.recent(1)) == (8, None, None)
    assert [change.position for change in bench.streams.recent(7) or ()] == [8]


def test_giving_up_the_wait_takes_nothing_back() -> None:
    bench = Bench()
    task = bench.queue.write(single(1))
    found = results([task])
    task.cancel()
    bench.turn()
    bench.carrier.end()
    assert (bench.carrier.batches, bench.queue.waiting, len(found)) == ([[1]], 0, 1)


def test_too_much_waits() -> None:
    bench = Bench()
    found = results([bench.queue.write_grouped(append, index) for index in range(group_commit.WAITING_ITEMS + 1)])
    assert (found[0], found[-1]) == ("waiting", StorageUnavailable)
    bench.turn()
    bench.carrier.end()
    assert found[: group_commit.BATCH_ITEMS] == list(range(group_commit.BATCH_ITEMS))


def test_close_waits_for_what_was_accepted() -> None:
    bench = Bench()
    found = results([bench.queue.write(single(1)), bench.queue.close(), bench.queue.write(single(2))])
    bench.turn()
    assert found == ["waiting", "waiting", StorageUnavailable]
    bench.carrier.end()
    assert found == [None, None, StorageUnavailable]


def test_a_failed_observer_stops_nobody() -> None:
    bench = Bench()
    bench.observer.seen = None  # type: ignore[assignment]
    found = results([bench.queue.write(single(1))])
    bench.turn()
    bench.carrier.end()
    assert found == [None]
