"""A circuit breaker: a model that fails is left alone for a while, longer each time.

One room's odd questions may make a model fail again and again. So each room has a breaker of its own, and that of all counts a failure where another room
had one before, or where it is no matter of the question.
"""

from collections import OrderedDict
from typing import Final

from appservices.assistant.language.words import ModelFailed
from appservices.assistant.runtime import Clock

FAILURES: Final = 3
FIRST_SECONDS: Final = 15.0
MOST_SECONDS: Final = 600.0
_MOST_ROOMS: Final = 1000


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


class Breakers:
    """That of all, and one for each room in which the model has failed since it last answered there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._all = Breaker(clock)
        self._rooms: OrderedDict[str, Breaker] = OrderedDict()
        self._last = ""  # room in which it failed

    def is_open(self, room: str) -> bool:
        return self._all.is_open or (room in self._rooms and self._rooms[room].is_open)

    def let_pass(self, room: str) -> bool:
        own = self._rooms.get(room)
        if own is not None and not own.let_pass():
            return False
        if self._all.let_pass():
            return True
        if own is not None:
            own.gave_up()
        return False

    def succeeded(self, room: str) -> None:
        self._all.succeeded()
        self._rooms.pop(room, None)
        self._last = ""

    def failed(self, room: str, error: ModelFailed) -> None:
        self._rooms.setdefault(room, Breaker(self._clock)).failed(error.wait)
        self._rooms.move_to_end(room)
        while len(self._rooms) > _MOST_ROOMS:
            self._rooms.popitem(last=False)
        if room != self._last or error.is_of_all:
            self._all.failed(error.wait)
        else:
            self._all.gave_up()
        self._last = room

    def gave_up(self, room: str) -> None:
        self._all.gave_up()
        if room in self._rooms:
            self._rooms[room].gave_up()
