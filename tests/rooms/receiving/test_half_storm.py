"""Two of three servers enter without the room's members, and learn them some time in the storm: afterwards all know the same room (MSC3902)."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.errors import Unavailable
from tests.rooms.receiving.storm import NAMES, Archipelago, Storm

VERSIONS = ("12", "11", "10", "6", "1")
CHUNK = 10


class HalfStorm(Storm):
    partly = True

    def step(self) -> None:
        super().step()
        if self.random.random() < 0.04:
            self.complete(self.random.choice(NAMES[1:]))

    def is_partial(self, name: str) -> bool:
        return self.islands[name].parts.rooms.partial.is_partial(self.room)

    def complete(self, name: str) -> None:
        """Nothing, where nobody who is within reach knows the room."""
        others = [other for other in NAMES if other != name and not self.is_partial(other)]
        island = self.islands[name]
        try:
            island.server.run(island.arrivals.completing.complete(self.room, others))
        except Unavailable:
            assert self.cut or not others
        else:
            assert not self.is_partial(name)
        self._collect(name)

    def kick(self, user: str) -> Any:
        """Who kicks waits until the room is whole."""
        return None if self.is_partial(user.partition(":")[2]) else super().kick(user)

    def unban(self, user: str) -> Any:
        return None if self.is_partial(user.partition(":")[2]) else super().unban(user)

    def heal(self, *, newest_only: bool = False) -> None:
        self.cut.clear()
        self._tell_reach()
        for name in NAMES[1:]:
            self.complete(name)
        super().heal(newest_only=newest_only)


@pytest.mark.parametrize("first", range(500, 540, CHUNK))
def test_half_storms(tmp_path: Path, first: int) -> None:
    archipelago = Archipelago(tmp_path)
    for seed in range(first, first + CHUNK):
        storm = HalfStorm(archipelago, seed, VERSIONS[seed % len(VERSIONS)])
        for _ in range(50):
            storm.step()
        storm.heal()
        storm.fetch_history()
        storm.check()
        storm.verify()
