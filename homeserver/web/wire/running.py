"""Coroutines begun without a Deferred, which get one only when they have to wait: most requests never do."""

import types
from collections.abc import Callable, Coroutine, Generator
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from homeserver.logs import current_request

T = TypeVar("T")
Awaiting = Coroutine[Deferred[Any], Any, T]


def begin(coroutine: Awaiting[T], done: Callable[[T], None]) -> Deferred[Any] | None:
    """Run a coroutine that handles its own errors. None: it is done already; else what can be cancelled, and `done` will be told."""
    try:
        waiting = coroutine.send(None)
    except StopIteration as stop:
        done(stop.value)
        return None
    rest: Deferred[Any] = Deferred.fromCoroutine(_go_on(coroutine, waiting))
    current_request.set("")  # the coroutine keeps its own context; what runs next on this stack is another matter
    rest.addCallback(done)
    return rest


@types.coroutine
def _go_on(coroutine: Awaiting[T], waiting: Deferred[Any]) -> Generator[Deferred[Any], Any, T]:
    try:
        while True:
            try:
                result = yield waiting
            except Exception as error:
                waiting = coroutine.throw(error)
            else:
                waiting = coroutine.send(result)
    except StopIteration as stop:
        value: T = stop.value
        return value
    finally:
        coroutine.close()
