"""A push gateway at a private address is not reached, however it is spelled (RELIABILITY: server-side request forgery)."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.push.pushers.gateway import URL
from tests.push.pushers.house import pusher
from tests.running.process import SERVE, Running

V3 = "/_matrix/client/v3"
SPELLINGS = ("127.0.0.1", "2130706433", "0x7f000001", "127.1", "[::ffff:127.0.0.1]", "localhost", "localhost.", "0.0.0.0")
FAILED = re.compile(r'chatme_pushes_total\{outcome="failed"\} (\d+)')


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("0.0.0.0", 0)) as listening:
        listening.setblocking(False)
        yield listening


def register(server: Running, name: str) -> str:
    body = {"username": name, "password": "secret secret", "auth": {"type": "m.login.dummy"}}
    status, answer = server.ask("POST", f"{V3}/register", body)
    assert status == 200, answer
    return str(answer["access_token"])


def test_private_addresses_are_not_reached(tmp_path: Path, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    words = [SERVE, "--data", str(tmp_path / "data"), "--name", "test.example", "--client", "127.0.0.1:0", "--cheap-passwords"]
    with Running([*words, "--set", "listeners.client.serves=client,metrics"], tmp_path) as server:
        alice, bob = register(server, "alice"), register(server, "bob")
        for number, host in enumerate(SPELLINGS):
            body = pusher(str(number), data={"url": URL.replace("push.example.org", f"{host}:{port}")})
            assert server.ask("POST", f"{V3}/pushers/set", body, bob)[0] == 200, host
        status, _ = server.ask("POST", f"{V3}/createRoom", {"invite": ["@bob:test.example"]}, alice)
        assert status == 200
        deadline = monotonic() + 60
        while (found := FAILED.search(server.read("/metrics"))) is None or int(found[1]) < len(SPELLINGS):
            assert monotonic() < deadline
            sleep(0.05)
    with pytest.raises(BlockingIOError):
        listener.accept()
