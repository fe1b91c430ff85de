"""Waiting for something that goes on without us."""

from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

T = TypeVar("T")


def shielded(work: Deferred[T]) -> Deferred[T]:
    """Fires as `work` does; cancelling it (the client went away) leaves the work alone. A failure of the work counts as seen."""
    waiter: Deferred[T] = Deferred()

    def succeed(value: T) -> T:
        if not waiter.called:
            waiter.callback(value)
        return value

    def fail(failure: Failure) -> None:
        if not waiter.called:
            waiter.errback(failure)

    work.addCallbacks(succeed, fail)
    return waiter
