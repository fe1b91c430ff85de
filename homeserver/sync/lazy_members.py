"""Which members a client with lazy loading has been told of, so that they are not repeated with every message (spec, "Lazy-loading room members").

In memory alone and bounded: what is forgotten is told again. A member counts as told only to a client that came back with the token of that answer.
"""

from collections import OrderedDict
from collections.abc import Collection

MAX_TOLD = 200_000  # over all rooms and devices
MAX_MEMBERS = 200  # per device and room

Key = tuple[str, str, str]  # user, device, room


class LazyMembers:
    def __init__(self) -> None:
        self._told: OrderedDict[Key, OrderedDict[str, tuple[int, int]]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def is_told(self, key: Key, user_id: str, num: int, since: int) -> bool:
        """Whether the client that stands at `since` has that member event."""
        told = self._told.get(key)
        entry = told.get(user_id) if told is not None else None
        return entry is not None and entry[0] == num and entry[1] <= since

    def told_of(self, key: Key) -> Collection[str]:
        """Of whom the client was ever told."""
        return self._told.get(key, ())

    def forget(self, key: Key) -> None:
        """The client begins anew with the room."""
        self._count -= len(self._told.pop(key, ()))

    def tell(self, key: Key, user_id: str, num: int, until: int) -> None:
        """The event is part of the answer whose token stands at `until`."""
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = OrderedDict()
        else:
            self._told.move_to_end(key)
        self._count += user_id not in told
        told[user_id] = (num, until)
        told.move_to_end(user_id)
        if len(told) > MAX_MEMBERS:
            told.popitem(last=False)
            self._count -= 1
        while self._count > MAX_TOLD:
            _, oldest = self._told.popitem(last=False)
            self._count -= len(oldest)
