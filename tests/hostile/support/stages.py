"""Rooms are made by handshakes, and those cost more than most lies: cases that leave a room as it was share one, a few at a time."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.hostile.support.case import Case
from tests.hostile.support.scene import Scene
from tests.hostile.support.world import World

MOST_CASES = 12  # what alice is shown of a room must hold all that was said


class Stages:
    def __init__(self, world: World) -> None:
        self._world = world
        self._shared: dict[str, tuple[Scene, int]] = {}

    @contextmanager
    def of(self, case: Case, version: str) -> Iterator[Scene]:
        """Whoever spoils a shared one is the last on it."""
        if not case.shared:
            yield Scene(self._world, version)
            return
        scene, used = self._shared.pop(version, (None, 0))
        if scene is None or used >= MOST_CASES:
            scene, used = Scene(self._world, version), 0
        scene.begin()
        yield scene
        self._shared[version] = scene, used + 1
