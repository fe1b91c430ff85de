"""A server with a user."""

from pathlib import Path

import pytest

from config.media import Media
from tests.support.client import Client
from tests.support.server import TestServer, make_server


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    return make_server(tmp_path, media=Media(unauthenticated_downloads=True))


@pytest.fixture
def alice(server: TestServer) -> Client:
    return server.user("alice")
