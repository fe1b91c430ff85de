"""A house for each test, on one reactor."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.house import House
from tests.assistant.loop import Loop


@pytest.fixture(scope="session")
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


@pytest.fixture
def build(loop: Loop, tmp_path: Path) -> Iterator[Callable[..., House]]:
    """Houses with settings of one's own."""
    houses: list[House] = []

    def make(**settings: Any) -> House:
        folder = tmp_path / str(len(houses))
        folder.mkdir()
        houses.append(House(loop, folder, **settings))
        return houses[-1]

    yield make
    for house in houses:
        house.close()


@pytest.fixture
def house(build: Callable[..., House]) -> House:
    return build()
