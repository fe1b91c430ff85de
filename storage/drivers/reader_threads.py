"""Reads in threads, each with a connection of its own, opened when it is first needed."""

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from storage.database import StorageUnavailable
from storage.drivers.threads import Pool

T = TypeVar("T")


class Reader(Protocol):
    def close(self) -> None: ...


R = TypeVar("R", bound=Reader)


class ReaderThreads(Generic[R]):
    """As many connections as threads, at most."""

    def __init__(self, pool: Pool, connect: Callable[[], R]) -> None:
        self._pool = pool
        self._connect = connect
        self._idle: deque[R] = deque()
        self._closed = False

    def ask(self, question: Callable[[R], T]) -> "Deferred[T]":
        waiter: Deferred[T] = Deferred()
        if self._closed:
            waiter.errback(StorageUnavailable("The server is shutting down"))
        else:
            self._pool.submit(partial(self._work, question, waiter), partial(_answer, waiter))
        return waiter

    def close(self) -> None:
        self._closed = True
        self._pool.stop()
        while self._idle:
            self._idle.pop().close()

    def _work(self, question: Callable[[R], T], waiter: "Deferred[T]") -> T | None:
        if waiter.called:  # nobody waits any more
            return None
        try:
            reader = self._idle.pop()
        except IndexError:
            reader = self._connect()
        try:
            return question(reader)
        finally:
            self._idle.append(reader)


def _answer(waiter: "Deferred[Any]", result: Any, error: BaseException | None) -> None:
    if error is None:
        waiter.callback(result)
    else:
        waiter.errback(Failure(error))
