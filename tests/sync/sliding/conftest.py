"""A server, and two who meet there."""

from pathlib import Path

import pytest

from tests.support.server import make_server
from tests.sync.sliding.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Town:
    return Town(make_server(tmp_path))
