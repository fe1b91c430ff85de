"""Which members a client with lazy loading has been told of, so that they are not repeated with every message (spec, "Lazy-loading room members").

In memory alone and bounded: what is forgotten is told again. A member counts as told only to a client that came back with the token of that answer.
"""

from collections import OrderedDict

MAX_ROOMS = 20_000
MAX_MEMBERS = 200  # per device and room

Key = tuple[str, str, str]  # user, device, room


class LazyMembers:
    def __init__(self) -> None:
        self._told: OrderedDict[Key, OrderedDict[str, tuple[int, int]]] = OrderedDict()

    def is_told(self, key: Key, user_id: str, num: int, since: int) -> bool:
        """Whether the client that stands at `since` has that member event."""
        told = self._told.get(key)
        entry = told.get(user_id) if told is not None else None
        return entry is not None and entry[0] == num and entry[1] <= since

    def knows(self, key: Key, user_id: str) -> bool:
        """Whether the client was ever told of the user, so that it must hear of changes."""
        return user_id in self._told.get(key, ())

    def forget(self, key: Key) -> None:
        """The client begins anew with the room."""
        self._told.pop(key, None)

    def tell(self, key: Key, user_id: str, num: int, until: int) -> None:
        """The event is part of the answer whose token stands at `until`."""
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = OrderedDict()
            while len(self._told) > MAX_ROOMS:
                self._told.popitem(last=False)
        told[user_id] = (num, until)
        while len(told) > MAX_MEMBERS:
            told.popitem(last=False)
