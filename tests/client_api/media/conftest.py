"""A server that gives its files to everybody."""

from pathlib import Path

import pytest

from config.media import Media
from tests.support.server import TestServer, make_server


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    return make_server(tmp_path, media=Media(unauthenticated_downloads=True))
