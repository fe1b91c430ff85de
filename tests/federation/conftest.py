"""What all tests of federation share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.federation.support.town import Town, town_of


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    """a.test and b.test."""
    with town_of(tmp_path) as town:
        yield town
