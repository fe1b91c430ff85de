"""Walks through a space that go on with the next page: their state, kept for a while, bounded."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from homeserver.clock import Chance, Clock
from homeserver.errors import InvalidParam
from homeserver.rooms.spaces.remote_spaces import RemoteRoom

KEPT_SECONDS = 600.0
MAX_WEIGHT = 500_000  # rooms remembered over all walks, or as many times 100 bytes of what was told of them
TOKEN_LENGTH = 24


class Step(NamedTuple):
    """A room to be visited."""

    room_id: str
    depth: int
    via: tuple[str, ...] = ()
    told: RemoteRoom | None = None  # what the server of its parent said of it


@dataclass(eq=False, slots=True)
class Walk:
    """Where a walk stands."""

    user_id: str
    room_id: str
    suggested_only: bool
    max_depth: int
    todo: list[Step]
    seen: set[str] = field(default_factory=set)

    def copy(self) -> "Walk":
        return Walk(self.user_id, self.room_id, self.suggested_only, self.max_depth, list(self.todo), set(self.seen))

    @property
    def weight(self) -> int:
        told = sum(step.told.size // 100 for step in self.todo if step.told is not None)
        return len(self.todo) + len(self.seen) + told + 1


class Walks:
    """The walks that have a next page, by its token."""

    def __init__(self, clock: Clock, chance: Chance) -> None:
        self._clock = clock
        self._chance = chance
        self._kept: OrderedDict[str, tuple[float, Walk]] = OrderedDict()
        self._weight = 0

    def keep(self, walk: Walk) -> str:
        """The token under which the walk goes on."""
        token = self._chance.token(TOKEN_LENGTH)
        self._kept[token] = (self._clock.monotonic() + KEPT_SECONDS, walk)
        self._weight += walk.weight
        now = self._clock.monotonic()
        while self._kept and (self._weight > MAX_WEIGHT or next(iter(self._kept.values()))[0] <= now):
            _, (_, old) = self._kept.popitem(last=False)
            self._weight -= old.weight
        return token

    def resume(self, token: str, user_id: str, room_id: str, given: Mapping[str, object]) -> Walk:
        """The walk, free to be changed; M_INVALID_PARAM when there is none, or when `given` differs from how it began."""
        kept = self._kept.get(token)
        if kept is None or kept[0] <= self._clock.monotonic() or (kept[1].user_id, kept[1].room_id) != (user_id, room_id):
            raise InvalidParam("from is no token of this server, or too old")
        walk = kept[1]
        if (
            given.get("suggested_only", walk.suggested_only) != walk.suggested_only
            or given.get("max_depth", walk.max_depth) != walk.max_depth
        ):
            raise InvalidParam("suggested_only and max_depth cannot change on paginated requests")
        return walk.copy()
