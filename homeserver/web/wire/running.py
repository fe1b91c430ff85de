"""Coroutines begun without a Deferred of their own: most requests never wait, and those that do wait for one thing at a time."""

from collections.abc import Callable, Coroutine
from contextvars import Context, copy_context
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from homeserver.logs import current_request

T = TypeVar("T")
Awaiting = Coroutine[Deferred[Any], Any, T]


class Rest(Generic[T]):
    """What is left of a coroutine that waits; it goes on in the context in which it began."""

    __slots__ = ("_context", "_coroutine", "_done", "_waiting")

    def __init__(self, coroutine: Awaiting[T], waiting: Deferred[Any], done: Callable[[T], None], context: Context) -> None:
        self._coroutine = coroutine
        self._done = done
        self._context = context
        self._wait(waiting)

    def cancel(self) -> None:
        """What it waits for fails with CancelledError; without effect when it is done."""
        self._waiting.cancel()

    def _wait(self, waiting: Deferred[Any]) -> None:
        self._waiting = waiting
        waiting.addCallbacks(self._succeeded, self._failed)

    def _succeeded(self, _result: object) -> None:
        self._step(self._coroutine.send, None)  # the coroutine takes the result from the Deferred

    def _failed(self, failure: Failure) -> None:
        error = failure.value or RuntimeError("a failure without an exception")
        self._step(self._coroutine.throw, error.with_traceback(failure.getTracebackObject()))

    def _step(self, resume: Callable[[Any], Deferred[Any]], value: object) -> None:
        try:
            waiting = self._context.run(resume, value)
        except StopIteration as stop:
            self._done(stop.value)
        else:
            self._wait(waiting)


def begin(coroutine: Awaiting[T], done: Callable[[T], None]) -> Rest[T] | None:
    """Run a coroutine that handles its own errors. None: it is done already; else what can be cancelled, and `done` will be told."""
    try:
        waiting = coroutine.send(None)
    except StopIteration as stop:
        done(stop.value)
        return None
    context = copy_context()
    current_request.set("")  # what runs next on this stack is another matter
    return Rest(coroutine, waiting, done, context)
