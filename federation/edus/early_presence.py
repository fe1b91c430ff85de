"""Presence of users who may be in a room that is known in part: kept, within a bound, until it is known whether they are."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from typing import Any, Final, NamedTuple

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.streams import Change, Streams

MAX_KEPT: Final = 2_000  # users
LASTS_S: Final = 1_800.0

Sharing = Callable[[Collection[str]], Awaitable[set[str]]]  # those of the users who share a room with somebody here
Apply = Callable[[str, dict[str, Any]], None]


class _Kept(NamedTuple):
    origin: str
    update: dict[str, Any]
    came_at: float


class EarlyPresence:
    """`apply` is given what proves to be of a member."""

    _log = Logger()

    def __init__(self, partial: PartialRooms, sharing: Sharing, streams: Streams, clock: Clock, apply: Apply) -> None:
        self._partial = partial
        self._sharing = sharing
        self._clock = clock
        self._apply = apply
        self._kept: OrderedDict[str, _Kept] = OrderedDict()  # the oldest first
        streams.subscribe(self._follow)

    def keep(self, origin: str, user_id: str, update: dict[str, Any]) -> None:
        """The user's newest, if a room is known in part that the server is said to be in."""
        if not self._partial.rooms_of(origin):
            return
        self.forget(user_id)
        self._kept[user_id] = _Kept(origin, update, self._clock.monotonic())
        while len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def forget(self, user_id: str) -> None:
        """Something newer is known."""
        self._kept.pop(user_id, None)

    def __len__(self) -> int:
        return len(self._kept)

    def _follow(self, changes: list[Change]) -> None:
        if self._kept and any(change.kind == WHOLE_ROOM for change in changes):
            settling = Deferred.fromCoroutine(self._settle())
            settling.addErrback(lambda failure: self._log.failure("presence that came early was not taken", failure))

    async def _settle(self) -> None:
        await self._clock.sleep(0)  # when every reader of the stream has seen it
        sharing = await self._sharing(list(self._kept))
        now = self._clock.monotonic()
        for user_id, kept in list(self._kept.items()):
            is_past = kept.came_at < now - LASTS_S
            if user_id in sharing and not is_past:
                ago_ms = kept.update.get("last_active_ago", 0) + round((now - kept.came_at) * 1000)
                self._apply(user_id, {**kept.update, "last_active_ago": ago_ms})
            if user_id in sharing or is_past or not self._partial.rooms_of(kept.origin):
                self.forget(user_id)
