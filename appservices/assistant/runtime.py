"""Time and threads as arguments; the only module here that asks the machine for them.

The ports are those of the homeserver's own clock, so embedded in ChatMe the assistant runs on that one.
"""

import queue
import secrets
import string
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

T = TypeVar("T")
_LETTERS: Final = string.ascii_letters + string.digits


class Clock(Protocol):
    def now_ms(self) -> int: ...

    def monotonic(self) -> float: ...

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall: ...

    def sleep(self, seconds: float) -> Deferred[None]: ...


class Workers(Protocol):
    """Threads for what blocks: the model's client."""

    def start(self, work: Callable[[], None]) -> None:
        """Run it in a thread, some time."""

    def tell(self, call: Callable[..., Any], *args: Any) -> Any:
        """From such a thread: call that on the loop."""

    def pause(self, seconds: float) -> None:
        """In such a thread: do nothing for a while."""


class Chance(Protocol):
    def token_bytes(self, count: int) -> bytes: ...

    def token(self, length: int) -> str:
        """That many characters of [A-Za-z0-9]."""


class MachineChance:
    def token_bytes(self, count: int) -> bytes:
        return secrets.token_bytes(count)

    def token(self, length: int) -> str:
        return "".join(secrets.choice(_LETTERS) for _ in range(length))


class MachineClock:
    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        timer: IDelayedCall = self._reactor.callLater(seconds, call, *args)
        return timer

    def sleep(self, seconds: float) -> Deferred[None]:
        def cancel(_: Deferred[None]) -> None:
            timer.cancel()

        done: Deferred[None] = Deferred(cancel)
        timer = self.call_later(seconds, done.callback, None)
        return done


class MachineWorkers:
    """A few threads of its own, begun when they are needed, so that a model that hangs takes none from anybody else, nor keeps the process from ending."""

    def __init__(self, tell: Callable[..., Any], count: int) -> None:
        """`tell` calls something on the loop, from any thread."""
        self._tell = tell
        self._is_over = False
        self._count = count
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._idle = threading.Semaphore(0)

    def start(self, work: Callable[[], None]) -> None:
        self._work.put(work)
        if not self._idle.acquire(blocking=False) and len(self._threads) < self._count:
            thread = threading.Thread(target=self._run, name=f"assistant {len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
            self._idle.release()

    def tell(self, call: Callable[..., Any], *args: Any) -> None:
        if not self._is_over:
            self._tell(call, *args)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)

    def stop(self) -> None:
        """Those that wait end, those that work are not waited for."""
        self._is_over = True
        for _ in self._threads:
            self._work.put(None)


def elsewhere(workers: Workers, job: Callable[[], T]) -> Deferred[T]:
    """What the job comes to, in a thread."""
    done: Deferred[T] = Deferred()

    def finish(result: T | None, error: BaseException | None) -> None:
        if not done.called:
            if error is not None:
                done.errback(error)
            else:
                done.callback(result)  # type: ignore[arg-type]  # there is one where there is no error

    def work() -> None:
        try:
            result = job()
        except Exception as error:  # for whoever waits
            workers.tell(finish, None, error)
        else:
            workers.tell(finish, result, None)

    workers.start(work)
    return done


def new_token(length: int) -> str:
    """So many characters of chance, for the machine's own start."""
    return secrets.token_hex(length)[:length]
