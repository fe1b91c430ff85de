"""Pushers over plain HTTP, with a real push gateway and a real mail server."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from time import monotonic, sleep
from typing import Any
from urllib.parse import urlsplit

from tests.clients.house import House
from tests.clients.person import v3
from tests.clients.plain.reached.test_addresses import SECRET, prove
from tests.mail.mailbox import text_of

PATH = "/_matrix/push/v1/notify"


class Gateway:
    """`failures`: how many requests fail first."""

    def __init__(self) -> None:
        self.told: list[dict[str, Any]] = []
        self.failures = 0
        self.asked = 0
        self.url = ""

    def wait(self, count: int, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The notifications, once there are so many."""
        deadline = monotonic() + seconds
        while len(self.told) < count:
            assert monotonic() < deadline, self.told
            sleep(0.02)
        return self.told


@contextmanager
def open_gateway() -> Iterator[Gateway]:
    gateway = Gateway()

    class Answering(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            gateway.asked += 1
            failing = gateway.failures > 0
            gateway.failures -= failing
            if not failing and self.path == PATH and self.headers["Content-Type"] == "application/json":
                gateway.told.append(body["notification"])
            answer = b'{"rejected":[]}'
            self.send_response(502 if failing else 200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *arguments: Any) -> None:
            """Nobody reads it."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    gateway.url = f"http://127.0.0.1:{server.server_address[1]}{PATH}"
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield gateway
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pusher(url: str, **more: Any) -> dict[str, Any]:
    named = {"app_display_name": "App", "device_display_name": "Telephone", "lang": "en"}
    return {"kind": "http", "app_id": "org.example.app", "pushkey": "key", **named, "data": {"url": url, "format": "event_id_only"}, **more}


def test_a_gateway_is_told_over_a_failure_and_a_restart(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    with open_gateway() as gateway:
        bob.post(v3("pushers", "set"), pusher(gateway.url))
        assert bob.get(v3("pushers"))["pushers"] == [pusher(gateway.url)]
        first = alice.send(room, "hello")
        (told,) = gateway.wait(1)
        assert (told["event_id"], told["room_id"], told["counts"]) == (first, room, {"unread": 1})
        gateway.failures = 1_000
        second = alice.send(room, "hello again")
        house.restart()
        gateway.failures = 0
        third = alice.send(room, "and again")
        assert [each["event_id"] for each in gateway.wait(3)] == [first, second, third]
        bob.post(v3("rooms", room, "receipt", "m.read", third), {})
        assert gateway.wait(4)[3]["counts"] == {"unread": 0}
        bob.post(v3("pushers", "set"), {"kind": None, "app_id": "org.example.app", "pushkey": "key"})
        assert bob.get(v3("pushers")) == {"pushers": []}


def test_a_letter_tells_of_messages(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(name="Tea", invite=[bob.user_id])
    bob.join(room)
    address = f"{house.new_name('bob')}@example.org"
    sid = prove(house, bob, ("account", "3pid"), address)
    bob.confirmed("POST", v3("account", "3pid", "add"), {"sid": sid, "client_secret": SECRET})
    count = len(house.mailbox.letters)
    bob.post(v3("pushers", "set"), pusher("", kind="email", app_id="m.email", pushkey=address, data={}))
    alice.send(room, "the water boils")
    deadline = monotonic() + 60
    while len(house.mailbox.letters) == count:
        assert monotonic() < deadline
        sleep(0.02)
    letter = house.mailbox.to(address)
    assert "the water boils" in text_of(letter)
    assert "Tea" in text_of(letter)
    found = re.search(r"https?://\S+unsubscribe\S+", text_of(letter))
    assert found is not None
    parts = urlsplit(found[0])
    for method in ("GET", "POST"):
        assert house.stranger().exchange(method, f"{parts.path}?{parts.query}")[0] == 200
    assert bob.get(v3("pushers")) == {"pushers": []}
