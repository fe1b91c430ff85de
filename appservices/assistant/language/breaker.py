"""A circuit breaker: a model that fails is left alone for a while, longer each time."""

from typing import Final

from appservices.assistant.runtime import Clock

FAILURES: Final = 3
FIRST_SECONDS: Final = 15.0
MOST_SECONDS: Final = 600.0


class Breaker:
    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failures = 0
        self._pause = FIRST_SECONDS
        self._until = 0.0
        self._is_trying = False

    @property
    def is_open(self) -> bool:
        return self._failures >= FAILURES

    def let_pass(self) -> bool:
        """While it is open, one call after each pause tries whether the model is back."""
        if not self.is_open:
            return True
        if self._is_trying or self._clock.monotonic() < self._until:
            return False
        self._is_trying = True
        return True

    def succeeded(self) -> None:
        self._failures, self._pause, self._is_trying = 0, FIRST_SECONDS, False

    def failed(self, wait: float | None) -> None:
        self._failures += 1
        if self.is_open:
            self._until = self._clock.monotonic() + max(self._pause, wait or 0.0)
            self._pause = min(self._pause * 2, MOST_SECONDS)
        self._is_trying = False

    def gave_up(self) -> None:
        """Ended by us, or the question was a bad one: says nothing about the model."""
        self._is_trying = False
