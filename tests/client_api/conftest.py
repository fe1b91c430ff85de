"""A fresh server with two people on it."""

from pathlib import Path

import pytest

from tests.support.client import Client
from tests.support.server import TestServer, make_server


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    return make_server(tmp_path)


@pytest.fixture
def alice(server: TestServer) -> Client:
    return server.user("alice")


@pytest.fixture
def bob(server: TestServer) -> Client:
    return server.user("bob")
