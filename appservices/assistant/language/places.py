"""Calls of the model at the same time: so many, of one person half of them at most, and those who wait take turns by person."""

from collections import Counter, OrderedDict, deque

from twisted.internet.defer import Deferred


class Places:
    def __init__(self, count: int) -> None:
        self._free = count
        self._most_of_one = max(1, count // 2)
        self._taken: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[Deferred[None]]] = OrderedDict()

    async def take(self, user: str) -> None:
        if self._free > 0 and self._taken[user] < self._most_of_one:
            self._sit(user)
            return
        place: Deferred[None] = Deferred(lambda gone: self._give_up(user, gone))
        self._waiting.setdefault(user, deque()).append(place)
        await place  # it is taken already when this comes back

    def leave(self, user: str) -> None:
        self._free += 1
        self._taken[user] -= 1
        if not self._taken[user]:
            del self._taken[user]
        self._call_next()

    def _sit(self, user: str) -> None:
        self._free -= 1
        self._taken[user] += 1

    def _give_up(self, user: str, place: Deferred[None]) -> None:
        self._waiting[user].remove(place)
        if not self._waiting[user]:
            del self._waiting[user]

    def _call_next(self) -> None:
        for user in list(self._waiting):
            if self._free <= 0:
                return
            if self._taken[user] >= self._most_of_one:
                continue
            place = self._waiting[user].popleft()
            self._waiting.move_to_end(user)
            if not self._waiting[user]:
                del self._waiting[user]
            self._sit(user)
            place.callback(None)
