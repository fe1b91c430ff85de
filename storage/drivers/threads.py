"""Threads as an argument: pools whose results come back on the loop, or no threads at all.

The one home of threads in storage. `main` builds `LoopThreads` from the reactor's loop; tests, the simulator and databases in memory use `NoThreads`.
"""

from collections import deque
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread  # noqa: TID251 - this is where threads come from
from typing import Any, Protocol, TypeVar

R = TypeVar("R")
Job = Callable[[], Any]
Done = Callable[[Any, BaseException | None], object]


class Pool(Protocol):
    """A few threads that share one queue."""

    def submit(self, job: Callable[[], R], done: Callable[[R, BaseException | None], object]) -> None:
        """Run `job` in a thread, then `done(result, None)` or `done(None, error)` on the loop."""

    def stop(self) -> None:
        """Let the threads end after what was submitted, and wait for them; results that are still on their way arrive as usual."""


class Threads(Protocol):
    """Where threads and the end of a loop's turn come from."""

    def pool(self, name: str, size: int) -> Pool: ...

    def soon(self, call: Callable[[], None]) -> None:
        """Call at the end of this turn of the loop."""


class LoopThreads:
    """Real threads beside a loop: `soon` and `from_thread` are the loop's `call_soon` and `call_soon_threadsafe`, or what a reactor has for them."""

    def __init__(self, soon: Callable[[Callable[[], None]], Any], from_thread: Callable[[Callable[[], None]], Any]) -> None:
        self._soon = soon
        self._from_thread = from_thread

    def pool(self, name: str, size: int) -> Pool:
        return _ThreadPool(name, size, self._from_thread)

    def soon(self, call: Callable[[], None]) -> None:
        self._soon(call)


class _ThreadPool:
    """Threads start when they are first needed. Results that end together come back in one wake-up of the loop."""

    def __init__(self, name: str, size: int, from_thread: Callable[[Callable[[], None]], Any]) -> None:
        self._name = name
        self._size = size
        self._from_thread = from_thread
        self._jobs: SimpleQueue[tuple[Job, Done] | None] = SimpleQueue()
        self._ended: deque[tuple[Done, Any, BaseException | None]] = deque()
        self._waking = False
        self._unfinished = 0
        self._threads: list[Thread] = []

    def submit(self, job: Callable[[], R], done: Callable[[R, BaseException | None], object]) -> None:
        self._unfinished += 1
        if self._unfinished > len(self._threads) < self._size:
            thread = Thread(target=self._work, name=f"{self._name}-{len(self._threads)}", daemon=True)
            self._threads.append(thread)
            thread.start()
        self._jobs.put((job, done))

    def stop(self) -> None:
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _work(self) -> None:
        while (task := self._jobs.get()) is not None:
            job, done = task
            try:
                self._ended.append((done, job(), None))
            except BaseException as error:  # it belongs to whoever waits on the loop
                self._ended.append((done, None, error))
            del task, job, done
            # Cleared by `_deliver` before it looks: whoever sees it set has appended in time.
            if not self._waking:
                self._waking = True
                self._from_thread(self._deliver)

    def _deliver(self) -> None:
        self._waking = False
        try:
            while self._ended:
                done, result, error = self._ended.popleft()
                self._unfinished -= 1
                done(result, error)
        finally:
            if self._ended:  # one receiver failed: the others still get theirs
                self._from_thread(self._deliver)


class NoThreads:
    """Everything at once, on the spot: deterministic."""

    def pool(self, name: str, size: int) -> Pool:
        return _NoPool()

    def soon(self, call: Callable[[], None]) -> None:
        call()


class _NoPool:
    def submit(self, job: Callable[[], R], done: Callable[[R, BaseException | None], object]) -> None:
        result: Any = None
        failure: BaseException | None = None
        try:
            result = job()
        except Exception as error:
            failure = error
        done(result, failure)

    def stop(self) -> None:
        """Nothing runs."""
