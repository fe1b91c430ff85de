"""A server with Alice, Bob and a public room of Alice's, which Bob has joined."""

from pathlib import Path

import pytest

from tests.client_api.rooms.talk import Talk
from tests.support.server import make_server


@pytest.fixture
def talk(tmp_path: Path) -> Talk:
    return Talk(make_server(tmp_path))
