"""A bounded cache whose values are kept current by the stream: what is answered from memory equals what the store would say.

The owner's stream reader gives each change to `follow`; a change that cannot be applied (it came from another process, without its subject)
drops the value, which is then loaded anew. A load that is under way is given the changes it may have missed. Applying a change twice must do no
harm: compare positions. An empty batch of changes may stand for positions that were stepped over (`Streams.skip_to`): the owner then calls `clear`.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from homeserver.figures import CacheFigures
from homeserver.streams import Change

V = TypeVar("V")


class StreamCache(Generic[V]):
    """Values by key, the longest unused dropped first once their weights exceed `capacity`."""

    def __init__(
        self, load: Callable[[str], Awaitable[V]], apply: Callable[[V, Change], bool], weigh: Callable[[V], int], capacity: int
    ) -> None:
        """`apply` returns False when the change does not say enough; `weigh` is cheap and at least 1."""
        self._load = load
        self._apply = apply
        self._weigh = weigh
        self._capacity = capacity
        self._weight = 0
        self._values: OrderedDict[str, tuple[V, int]] = OrderedDict()
        self._loading: dict[str, list[list[Change]]] = {}
        self._clearings = 0
        self._loads = 0

    def peek(self, key: str) -> V | None:
        """The value if it is in memory."""
        held = self._values.get(key)
        if held is None:
            return None
        self._values.move_to_end(key)
        return held[0]

    async def get(self, key: str) -> V:
        """The value, loaded if need be."""
        while True:
            held = self.peek(key)
            if held is not None:
                return held
            value = await self._load_current(key)
            if value is not None:
                return value

    async def _load_current(self, key: str) -> V | None:
        """None: a change came meanwhile that only a new load can show."""
        missed: list[Change] = []
        self._loading.setdefault(key, []).append(missed)
        clearings = self._clearings
        self._loads += 1
        try:
            value = await self._load(key)
        finally:
            others = [load for load in self._loading.pop(key) if load is not missed]
            if others:
                self._loading[key] = others
        if key in self._values:
            return self._values[key][0]
        if clearings != self._clearings or not all(self._apply(value, change) for change in missed):
            return None
        self.hold(key, value)
        return value

    def hold(self, key: str, value: V) -> None:
        """Keep a value that is current; what is older than it falls out."""
        self.drop(key)
        weight = self._weigh(value)
        self._values[key] = (value, weight)
        self._weight += weight
        while self._weight > self._capacity and len(self._values) > 1:
            _, (_, lost) = self._values.popitem(last=False)
            self._weight -= lost

    def follow(self, key: str, change: Change) -> None:
        """The change concerns `key`; called in the order of the stream."""
        for missed in self._loading.get(key, ()):
            missed.append(change)
        held = self._values.get(key)
        if held is None:
            return
        value, weight = held
        if not self._apply(value, change):
            self.drop(key)
            return
        heavier = self._weigh(value)
        if heavier != weight:
            self._values[key] = (value, heavier)
            self._weight += heavier - weight

    def drop(self, key: str) -> None:
        held = self._values.pop(key, None)
        if held is not None:
            self._weight -= held[1]

    def clear(self) -> None:
        """Nothing in memory, and nothing being loaded, is known to be current."""
        self._values.clear()
        self._weight = 0
        self._clearings += 1

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._values), self._weight, self._capacity, self._loads)

    def __len__(self) -> int:
        return len(self._values)
