"""Work behind a stream: taken up whenever there is some, one run at a time, and again after a failure."""

from collections.abc import Callable, Coroutine
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock

RETRY_S = 10.0

Run = Callable[[], Coroutine[Deferred[Any], Any, None]]


class Background:
    """Not begun yet. `run` does what there is to do and looks at `stopped` between its steps; it is not called while it runs."""

    _log = Logger()

    def __init__(self, run: Run, subject: str, clock: Clock) -> None:
        """`subject` names in the log what was to be brought up to date."""
        self._run = run
        self._subject = subject
        self._clock = clock
        self._running: Deferred[None] | None = None
        self._retry: IDelayedCall | None = None
        self.is_running = False
        self.stopped = True

    def begin(self) -> None:
        """From now on `wake` has an effect."""
        self.stopped = False

    def wake(self) -> None:
        """There is something to do."""
        if not self.is_running and self._retry is None and not self.stopped:
            self.is_running = True
            self._running = Deferred.fromCoroutine(self._attempt())

    async def stop(self) -> None:
        """Once the present step is done; the rest waits for the next start."""
        self.stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self.is_running and self._running is not None:
            await self._running

    async def _attempt(self) -> None:
        try:
            await self._run()
        except Exception:
            self._log.failure("{subject} could not be brought up to date, it is tried again", subject=self._subject)
            if not self.stopped:
                self._retry = self._clock.call_later(RETRY_S, self._again)
        finally:
            self.is_running = False

    def _again(self) -> None:
        self._retry = None
        self.wake()
