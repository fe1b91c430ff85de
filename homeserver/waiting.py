"""Waiting for something that goes on without us, and for two things at the same time."""

from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, DeferredList, FirstError
from twisted.python.failure import Failure

T = TypeVar("T")
U = TypeVar("U")


async def both(first: Coroutine[Deferred[Any], Any, T], second: Coroutine[Deferred[Any], Any, U]) -> tuple[T, U]:
    """What each of them returns; when one fails, the other is cancelled."""
    started: list[Deferred[Any]] = [Deferred.fromCoroutine(first), Deferred.fromCoroutine(second)]
    try:
        (_, one), (_, other) = await DeferredList(started, fireOnOneErrback=True, consumeErrors=True)
    except FirstError as error:
        for work in started:
            work.cancel()
        error.subFailure.raiseException()
    return one, other


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
