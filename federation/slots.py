"""So many at a time for each name; the rest wait in a queue, first come, first served."""

from collections import deque
from types import TracebackType

from twisted.internet.defer import Deferred


class Slots:
    """`async with slots.of(name):`"""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: dict[str, int] = {}
        self._waiting: dict[str, deque[Deferred[None]]] = {}

    def of(self, name: str) -> "Slot":
        return Slot(self, name)

    @property
    def taken(self) -> int:
        return sum(self._taken.values())

    async def take(self, name: str) -> None:
        taken = self._taken.get(name, 0)
        if taken < self._most:
            self._taken[name] = taken + 1
            return
        queue = self._waiting.setdefault(name, deque())
        turn: Deferred[None] = Deferred(queue.remove)
        queue.append(turn)
        await turn  # whoever leaves hands the place on

    def leave(self, name: str) -> None:
        queue = self._waiting.get(name)
        if queue:
            queue.popleft().callback(None)
            return
        self._waiting.pop(name, None)
        self._taken[name] -= 1
        if not self._taken[name]:
            del self._taken[name]


class Slot:
    __slots__ = ("_name", "_slots")

    def __init__(self, slots: Slots, name: str) -> None:
        self._slots = slots
        self._name = name

    async def __aenter__(self) -> None:
        await self._slots.take(self._name)

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._slots.leave(self._name)
