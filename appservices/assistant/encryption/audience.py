"""Who is in an encrypted room, and whether newcomers may be given its keys: asked for when it is needed, kept until a transaction tells of a change."""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Any, Final, Protocol

from appservices.assistant.matrix.events import Event
from appservices.assistant.runtime import Clock

_KEPT_SECONDS: Final = 300.0
_MOST_ROOMS: Final = 500
_CHANGES: Final = ("m.room.member", "m.room.history_visibility", "m.room.encryption")


class Rooms(Protocol):
    async def joined_members(self, room: str) -> dict[str, str]: ...

    async def state(self, room: str, kind: str, key: str = "") -> dict[str, Any] | None: ...


@dataclass(frozen=True)
class Audience:
    members: frozenset[str]
    is_shareable: bool  # "Shareable encryption sessions"
    until: float


class Audiences:
    def __init__(self, rooms: Rooms, clock: Clock) -> None:
        self._rooms = rooms
        self._clock = clock
        self._known: OrderedDict[str, Audience] = OrderedDict()
        self._news = 0

    async def of(self, room: str) -> Audience:
        """Raises Refused, Unreachable."""
        known = self._known.get(room)
        if known is not None and known.until > self._clock.monotonic():
            return known
        news = self._news
        members = await self._rooms.joined_members(room)
        visibility = (await self._rooms.state(room, "m.room.history_visibility") or {}).get("history_visibility", "shared")
        known = Audience(frozenset(members), visibility in ("shared", "world_readable"), self._clock.monotonic() + _KEPT_SECONDS)
        if news == self._news:
            self._known[room] = known
            while len(self._known) > _MOST_ROOMS:
                self._known.popitem(last=False)
        return known

    def note(self, event: Event) -> None:
        if event.type in _CHANGES and event.state_key is not None:
            self._news += 1
            self._known.pop(event.room, None)

    def forget(self, room: str) -> None:
        self._known.pop(room, None)
