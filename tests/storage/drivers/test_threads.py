"""Threads whose results come back on the loop."""

import threading
from typing import Any

from twisted.internet.defer import Deferred

from storage.database import StorageUnavailable
from storage.drivers.reader_threads import ReaderThreads
from storage.drivers.threads import NoThreads
from tests.support.loop import ThreadLoop


class Connection:
    def __init__(self) -> None:
        self.closed = False

    def close(self) -> None:
        self.closed = True


def outcome(loop: ThreadLoop, task: Deferred[Any]) -> Any:
    found: list[Any] = []
    task.addCallbacks(found.append, lambda failure: found.append(failure.type))
    while not found:
        loop.turn()
    return found[0]


def test_results_and_errors_arrive_on_the_loop(loop: ThreadLoop) -> None:
    pool = loop.threads.pool("test", 2)
    seen: list[Any] = []

    def done(result: Any, error: BaseException | None) -> None:
        seen.append((result, type(error), threading.current_thread() is threading.main_thread()))

    for index in range(50):
        pool.submit(lambda index=index: 10 // (index % 2), done)  # type: ignore[misc]  # a default binds it
    while len(seen) < 50:
        loop.turn()
    assert sorted(seen, key=str) == [(10, type(None), True)] * 25 + [(None, ZeroDivisionError, True)] * 25
    pool.stop()


def test_a_receiver_that_fails_keeps_nothing_from_the_others(loop: ThreadLoop) -> None:
    pool = loop.threads.pool("test", 1)
    gate = threading.Event()
    seen: list[int] = []
    pool.submit(gate.wait, lambda result, error: 1 // 0)
    pool.submit(lambda: 1, lambda result, error: seen.append(result))
    gate.set()
    pool.stop()
    failed = 0
    while not seen:
        try:
            loop.turn()
        except ZeroDivisionError:
            failed += 1
    assert (seen, failed) == ([1], 1)


def test_readers_open_when_needed_and_close_in_the_end(loop: ThreadLoop) -> None:
    opened: list[Connection] = []

    def connect() -> Connection:
        opened.append(Connection())
        return opened[-1]

    readers = ReaderThreads(loop.threads.pool("test", 3), connect)
    assert opened == []
    assert [outcome(loop, readers.ask(lambda connection: connection.closed)) for _ in range(5)] == [False] * 5
    barrier = threading.Barrier(3)
    tasks = [readers.ask(lambda connection: barrier.wait(10)) for _ in range(3)]
    assert sorted(outcome(loop, task) for task in tasks) == [0, 1, 2]
    assert len(opened) == 3
    readers.close()
    assert all(connection.closed for connection in opened)
    assert outcome(loop, readers.ask(lambda connection: 1)) is StorageUnavailable


def test_a_question_nobody_waits_for_is_not_asked(loop: ThreadLoop) -> None:
    pool = loop.threads.pool("test", 1)
    readers = ReaderThreads(pool, Connection)
    gate = threading.Event()
    first = readers.ask(lambda connection: gate.wait(10))
    asked: list[int] = []
    second = readers.ask(lambda connection: asked.append(1))
    second.addErrback(lambda failure: None)
    second.cancel()
    gate.set()
    assert outcome(loop, first)
    readers.close()
    assert asked == []


def test_without_threads_all_is_done_on_the_spot() -> None:
    seen: list[Any] = []
    threads = NoThreads()
    pool = threads.pool("test", 1)
    pool.submit(lambda: 1, lambda result, error: seen.append(result))
    pool.submit(lambda: 1 // 0, lambda result, error: seen.append(type(error)))
    threads.soon(lambda: seen.append("soon"))
    pool.stop()
    assert seen == [1, ZeroDivisionError, "soon"]
