"""Rooms are made by handshakes, and those cost more than most lies: cases that leave a room as it was share one, a few at a time."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from resource import RUSAGE_SELF, getrusage

from tests.hostile.support.case import Case
from tests.hostile.support.scene import Scene
from tests.hostile.support.world import World

TENDED = (5, 20, 60, 150, 300, 500)  # cases
MOST_CASES = 12  # what alice is shown of a room must hold all that was said


def peak_mib() -> float:
    return getrusage(RUSAGE_SELF).ru_maxrss / 1024


class Stages:
    def __init__(self, world: World, tend: Callable[[], None]) -> None:
        """`tend` is called now and then: what a database does by itself when it is not a test's."""
        self._world = world
        self._tend = tend
        self._cases = 0
        self._began = peak_mib()
        self._shared: dict[str, tuple[Scene, int]] = {}

    def grown_mib(self) -> float:
        """The most memory there ever was, beyond that at the beginning."""
        return peak_mib() - self._began

    @contextmanager
    def of(self, case: Case, version: str) -> Iterator[Scene]:
        """Whoever spoils a shared one is the last on it."""
        if self._cases in TENDED:
            self._tend()
        self._cases += 1
        if not case.shared:
            yield Scene(self._world, version)
            return
        scene, used = self._shared.pop(version, (None, 0))
        if scene is None or used >= MOST_CASES:
            scene, used = Scene(self._world, version), 0
        scene.begin()
        yield scene
        self._shared[version] = scene, used + 1
