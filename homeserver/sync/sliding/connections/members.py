"""Which members a client with lazy loading has been told of, so that they are not repeated with every message (MSC4186, "Lazy loaded memberships").

In memory alone and bounded: what is forgotten is told again. A member counts as told only once the client came back with the token of that answer.
"""

from collections.abc import Collection, Iterable

MAX_MEMBERS = 200  # of one room


class ToldMembers:
    """Of one client, by room."""

    __slots__ = ("_rooms", "count")

    def __init__(self) -> None:
        self._rooms: dict[str, dict[str, None]] = {}
        self.count = 0

    def of(self, room_id: str) -> Collection[str]:
        return self._rooms.get(room_id, ())

    def forget(self, room_id: str) -> None:
        self.count -= len(self._rooms.pop(room_id, ()))

    def add(self, room_id: str, users: Iterable[str]) -> None:
        told = self._rooms.setdefault(room_id, {})
        before = len(told)
        told.update(dict.fromkeys(users))
        while len(told) > MAX_MEMBERS:
            del told[next(iter(told))]
        self.count += len(told) - before


class MemberNotes:
    """What one answer tells of members, until it is known whether it arrived."""

    __slots__ = ("_anew", "_news", "_told")

    def __init__(self, told: ToldMembers) -> None:
        self._told = told
        self._anew: set[str] = set()
        self._news: dict[str, set[str]] = {}

    def of(self, room_id: str) -> Collection[str]:
        """Whom the client knows."""
        return () if room_id in self._anew else self._told.of(room_id)

    def begin_anew(self, room_id: str) -> None:
        """The client forgets what it knows of the room."""
        self._anew.add(room_id)

    def tell(self, room_id: str, users: Iterable[str]) -> None:
        self._news.setdefault(room_id, set()).update(users)

    def arrived(self) -> None:
        for room_id in self._anew:
            self._told.forget(room_id)
        for room_id, users in self._news.items():
            self._told.add(room_id, sorted(users))
