"""Two servers in processes of their own, by real TLS: what one acknowledged reaches the other, though both were killed meanwhile."""

import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.federation.support.certificates import Authority
from tests.running.ports import free_port
from tests.running.process import SERVE, Running

V3 = "/_matrix/client/v3"
PATIENCE_S = 60.0


class Place:
    """A server that can be killed and started again, and its one user."""

    def __init__(self, folder: Path, name: str, words: list[str]) -> None:
        folder.mkdir()
        port = name.rpartition(":")[2]
        self._folder = folder
        self._words = [SERVE, "--data", str(folder / "data"), "--name", name, "--client", "127.0.0.1:0", "--cheap-passwords"]
        self._words += ["--federation", f"127.0.0.1:{port}", *words]
        self.token = ""
        self.start()

    def start(self) -> None:
        self.server = Running(self._words, self._folder)

    def kill(self) -> None:
        self.server.process.kill()
        self.server.process.communicate()

    def stop(self) -> None:
        self.server.stop()

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.server.ask(method, V3 + path, body, self.token)
        assert status == 200, (path, answer)
        return answer

    def register(self, name: str) -> str:
        body = {"username": name, "password": "secret secret", "device_id": "PHONE", "auth": {"type": "m.login.dummy"}}
        answer = self.ok("POST", "/register", body)
        self.token = answer["access_token"]
        return str(answer["user_id"])

    def say(self, room_id: str, text: str) -> None:
        self.ok("PUT", f"/rooms/{quote(room_id)}/send/m.room.message/{quote(text)}", {"msgtype": "m.text", "body": text})

    def waits_for(self, room_id: str, texts: set[str]) -> None:
        until = time.monotonic() + PATIENCE_S
        found: set[str] = set()
        while not texts <= found:
            assert time.monotonic() < until, (found, self.server.errors()[-3000:])
            chunk = self.ok("GET", f"/rooms/{quote(room_id)}/messages?dir=b&limit=50")["chunk"]
            found = {event["content"].get("body", "") for event in chunk}
            time.sleep(0.05)


@pytest.mark.slow
def test_nothing_acknowledged_is_lost_between_servers_that_are_killed(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    certificate = authority.certify("localhost", "127.0.0.1")
    words = ["--cert", str(certificate.certificate), "--key", str(certificate.key), "--ca", str(authority.file)]
    with ExitStack() as stack:
        a, b = (Place(tmp_path / host, f"{host}:{free_port()}", words) for host in ("localhost", "127.0.0.1"))
        for place in (a, b):
            stack.callback(place.stop)
        a.register("alice")
        bob = b.register("bob")
        room_id = a.ok("POST", "/createRoom", {"preset": "public_chat"})["room_id"]
        b.ok("POST", f"/join/{quote(room_id)}?via={quote(a.server.name)}", {})
        a.say(room_id, "hello")
        b.say(room_id, "here")
        b.waits_for(room_id, {"hello"})
        a.waits_for(room_id, {"here"})
        b.kill()
        a.say(room_id, "unheard")
        a.ok("PUT", "/sendToDevice/m.test/one", {"messages": {bob: {"PHONE": {"from": "alice"}}}})
        a.kill()
        a.start()
        b.start()
        b.say(room_id, "back")  # a sign of life
        b.waits_for(room_id, {"unheard"})
        a.waits_for(room_id, {"back"})
        events = b.ok("GET", "/sync?timeout=5000")["to_device"]["events"]
        assert [event["content"] for event in events] == [{"from": "alice"}]
