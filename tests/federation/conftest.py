"""What all tests of federation share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.federation.support.network import FakeNetwork
from tests.federation.support.recording import Recording
from tests.federation.support.town import Town, town_of


@pytest.fixture(scope="package", autouse=True)
def recording(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recording]:
    """Of what passes between the towns of this folder."""
    with Recording(tmp_path_factory.mktemp("federation") / "traffic.jsonl") as made:
        FakeNetwork.recording = made
        yield made
        FakeNetwork.recording = None


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """a.test and b.test."""
    with town_of(tmp_path) as town:
        yield town
