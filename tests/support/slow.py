"""A database that takes its time: reads and commits end later, in an order of chance, as with threads or a database server, yet repeatably."""

from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from storage.database import Cursor, Database
from storage.drivers.threads import Done, Job, Pool
from tests.support.client import run
from tests.support.clock import FakeClock

T = TypeVar("T")
LONGEST_S = 0.05


class SlowThreads:
    """`storage.drivers.threads.Threads` on a fake clock: what is submitted runs, and is answered, after a while; each pool keeps its order."""

    def __init__(self, clock: FakeClock, chance: Random) -> None:
        self._clock = clock
        self._chance = chance

    def pool(self, name: str, size: int) -> Pool:
        return _SlowPool(self._clock, self._chance)

    def soon(self, call: Callable[[], None]) -> None:
        self._clock.call_later(0, call)


class _SlowPool:
    def __init__(self, clock: FakeClock, chance: Random) -> None:
        self._clock = clock
        self._chance = chance
        self._free_at = 0.0
        self._waiting: list[tuple[Job, Done]] = []

    def submit(self, job: Job, done: Done) -> None:
        self._waiting.append((job, done))
        now = self._clock.monotonic()
        self._free_at = max(self._free_at, now) + self._chance.uniform(0, LONGEST_S)
        self._clock.call_later(self._free_at - now, self._run)

    def _run(self) -> None:
        if not self._waiting:
            return
        job, done = self._waiting.pop(0)
        result: Any = None
        failure: BaseException | None = None
        try:
            result = job()
        except Exception as error:
            failure = error
        done(result, failure)

    def stop(self) -> None:
        while self._waiting:
            self._run()


class SlowReads:
    """A database whose reads suspend: asked now or after a while, answered after another while."""

    def __init__(self, database: Database, clock: FakeClock, chance: Random) -> None:
        self._database = database
        self._clock = clock
        self._chance = chance
        self.write = database.write
        self.write_grouped = database.write_grouped
        self.close = database.close

    def now(self, question: Callable[[Cursor], T]) -> T:
        """What is on disk at this moment."""
        return run(self._reading(question))

    def read(self, question: Callable[[Cursor], T]) -> "Deferred[T]":
        answer: Deferred[T] = Deferred()
        self._clock.call_later(self._chance.choice((0.0, self._chance.uniform(0, LONGEST_S))), self._ask, question, answer)
        return answer

    scan = read

    def _ask(self, question: Callable[[Cursor], T], answer: "Deferred[T]") -> None:
        asked: list[Any] = []
        Deferred.fromCoroutine(self._reading(question)).addBoth(asked.append)
        self._clock.call_later(self._chance.uniform(0, LONGEST_S), self._tell, asked, answer)

    async def _reading(self, question: Callable[[Cursor], T]) -> T:
        return await self._database.read(question)

    def _tell(self, asked: list[Any], answer: "Deferred[T]") -> None:
        if not answer.called:
            if isinstance(asked[0], Failure):
                answer.errback(asked[0])
            else:
                answer.callback(asked[0])
