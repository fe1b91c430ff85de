"""Up to where somebody has read: the receipts of the last while, in memory, for rooms where the assistant is on.

Who asks for a catch-up has just opened the room, and the client has said that all is read. So what counts is the receipt from before that.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from typing import Any, Final

from appservices.assistant.matrix.events import as_object
from appservices.assistant.runtime import Clock

_JUST_NOW_MS: Final = 5 * 60_000
_MOST: Final = 20_000
_KEPT: Final = 8


class Markers:
    def __init__(self, clock: Clock, is_on: Callable[[str], bool]) -> None:
        self._clock = clock
        self._is_on = is_on
        self._read: OrderedDict[tuple[str, str], deque[tuple[int, str]]] = OrderedDict()

    def take(self, edu: Mapping[str, Any]) -> None:
        """An `m.receipt` of a transaction."""
        room = edu.get("room_id")
        if edu.get("type") != "m.receipt" or not isinstance(room, str) or not self._is_on(room):
            return
        for event, kinds in as_object(edu.get("content")).items():
            for user in as_object(as_object(kinds).get("m.read")):
                self._note(room, user, event)

    def _note(self, room: str, user: str, event: str) -> None:
        marks = self._read.setdefault((room, user), deque(maxlen=_KEPT))
        marks.append((self._clock.now_ms(), event))
        self._read.move_to_end((room, user))
        while len(self._read) > _MOST:
            self._read.popitem(last=False)

    def before_now(self, room: str, user: str) -> str | None:
        """The event read last before the present visit; None where nobody told."""
        limit = self._clock.now_ms() - _JUST_NOW_MS
        return next((event for at, event in reversed(self._read.get((room, user), ())) if at <= limit), None)

    def forget(self, room: str, user: str | None = None) -> None:
        """Of everybody, unless said of whom."""
        for key in [key for key in self._read if key[0] == room and user in (None, key[1])]:
            del self._read[key]
