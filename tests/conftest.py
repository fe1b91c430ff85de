"""How the tests are shared out between the processes of `make test`: by file, but whole folders where what one test leaves serves another. And what
many tests begin with: a fresh server with two people on it; a folder or file may have a `server` of its own.
"""

from pathlib import Path

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.client import Client
from tests.support.server import TestServer, make_server

TOGETHER = ("tests/clients/", "tests/federation/", "tests/peers/")  # recorded traffic is held against the specification; one other server


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in TOGETHER if file.startswith(folder)), file)


def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    return _ByFile(config, log)


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    return make_server(tmp_path)


@pytest.fixture
def alice(server: TestServer) -> Client:
    return server.user("alice")


@pytest.fixture
def bob(server: TestServer) -> Client:
    return server.user("bob")
