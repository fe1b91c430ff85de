"""Removes what is past, in small steps with pauses between them: nobody waits for it, and no table grows with time alone.

A reader of time instead of a stream. Rounds are set apart by chance, so that many processes over one database do not begin together; two at once do no
harm. A round that fails is made up for by the next.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Chance, Clock
from homeserver.errors import Unavailable
from homeserver.upkeep.store import UpkeepStore

ROUND_S = (3_000.0, 4_200.0)  # between two rounds
FIRST_S = (60.0, 300.0)  # after the start
PAUSE_S = 0.1  # between two steps: everybody else goes first
STEP = 200  # rows

HOUR_MS = 3_600_000
TRANSACTIONS_MS = 25 * HOUR_MS  # a client may repeat a request for a day
# Who comes back with an expired token is told to log in again and keeps the keys of the device; once the token is unknown, those are thrown away.
TOKENS_MS = 180 * 24 * HOUR_MS
NOTIFICATIONS_MS = 30 * 24 * HOUR_MS  # for so long mentions can be listed once they are read
CONNECTIONS_MS = 30 * 24 * HOUR_MS  # a client that comes back later begins anew, and that is all


class Task(NamedTuple):
    """One kind of rows: what removes them, and for how long they are kept."""

    kind: str
    forget: Callable[[int, int], Awaitable[int]]
    kept_ms: int


def tasks(store: UpkeepStore, *, session_seconds: int) -> tuple[Task, ...]:
    return (
        Task("transactions", store.forget_transactions, TRANSACTIONS_MS),
        Task("to_device_transactions", store.forget_to_device_transactions, TRANSACTIONS_MS),
        Task("refresh_tokens", store.forget_refresh_tokens, TOKENS_MS),
        Task("access_tokens", store.forget_access_tokens, TOKENS_MS),  # after the refresh tokens to which they belong
        Task("login_tokens", store.forget_login_tokens, HOUR_MS),
        Task("openid_tokens", store.forget_openid_tokens, 0),
        Task("sliding_connections", store.forget_sliding_connections, CONNECTIONS_MS),
        Task("withheld_events", store.forget_withheld_events, 0),
        Task("verdicts", store.forget_verdicts, NOTIFICATIONS_MS),
        Task("auth_sessions", store.forget_auth_sessions, session_seconds * 1000),
    )


class Upkeep:
    """Works from `start` to `stop`."""

    _log = Logger()

    def __init__(self, tasks: tuple[Task, ...], clock: Clock, chance: Chance) -> None:
        self._tasks = tasks
        self._clock = clock
        self._chance = chance
        self._timer: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._stopping = False
        self.removed = {task.kind: 0 for task in tasks}  # rows, by kind

    def start(self) -> None:
        self._wait(*FIRST_S)

    async def stop(self) -> None:
        """Ends after the step that runs."""
        self._stopping = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._running is not None:
            await self._running

    def _wait(self, least_s: float, most_s: float) -> None:
        self._timer = self._clock.call_later(self._chance.uniform(least_s, most_s), self._begin)

    def _begin(self) -> None:
        running = self._running = Deferred.fromCoroutine(self.round())
        running.addBoth(self._rest)

    def _rest(self, _: object) -> None:
        self._running = None
        if not self._stopping:
            self._wait(*ROUND_S)

    async def round(self) -> None:
        """Everything that is past by now, unless told to stop meanwhile."""
        for task in self._tasks:
            try:
                await self._remove(task)
            except Unavailable:
                return  # the database is away
            except Exception:
                self._log.failure("what is past could not be removed: {kind}", kind=task.kind)

    async def _remove(self, task: Task) -> None:
        before_ms = self._clock.now_ms() - task.kept_ms
        while not self._stopping:
            removed = await task.forget(before_ms, STEP)
            self.removed[task.kind] += removed
            if removed < STEP:
                return
            await self._clock.sleep(PAUSE_S)
