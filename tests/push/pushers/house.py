"""A server with a push gateway, and people who talk."""

from itertools import count
from pathlib import Path
from typing import Any

from homeserver.streams import Streams
from storage.database import Database
from tests.push.pushers.gateway import URL, Gateway
from tests.support.client import Client
from tests.support.server import TestServer, make_server

V3 = "/_matrix/client/v3"


class House:
    def __init__(
        self, folder: Path, database: Database | None = None, streams: Streams | None = None, *, start: bool = True, **more: Any
    ) -> None:
        self.folder = folder
        self.gateway = Gateway()
        self.server: TestServer = make_server(folder, database=database, streams=streams, outside=self.gateway, **more)
        if start:
            self.server.run(self.server.server.take_up())
        self._numbers = count(1 + 1000 * int(more.get("seed", 0)))  # transaction IDs

    def friends(self) -> tuple[Client, Client, str]:
        """Alice and Bob, in a room that Alice named."""
        alice, bob = self.server.user("alice"), self.server.user("bob")
        room = self.room(alice, name="Tea")
        self.ok(bob.post(f"{V3}/join/{room}"))
        return alice, bob, room

    def room(self, client: Client, **body: Any) -> str:
        return str(self.ok(client.post(f"{V3}/createRoom", {"preset": "public_chat", **body}))["room_id"])

    def say(self, client: Client, room: str, body: str = "hello", **content: Any) -> str:
        path = f"{V3}/rooms/{room}/send/m.room.message/{next(self._numbers)}"
        return str(self.ok(client.put(path, {"msgtype": "m.text", "body": body, **content}))["event_id"])

    def read(self, client: Client, room: str, event_id: str) -> None:
        self.ok(client.post(f"{V3}/rooms/{room}/receipt/m.read/{event_id}"))

    def push(self, client: Client, pushkey: str = "key", **more: Any) -> None:
        self.ok(client.post(f"{V3}/pushers/set", pusher(pushkey, **more)))

    def pushers(self, client: Client) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ok(client.get(f"{V3}/pushers"))["pushers"]
        return found

    def ok(self, asking: Any) -> Any:
        return self.server.ok(asking)

    def wait(self, seconds: float) -> None:
        for _ in range(20):
            self.server.clock.advance(seconds / 20)


def pusher(pushkey: str = "key", **more: Any) -> dict[str, Any]:
    return {
        "kind": "http",
        "app_id": "org.example.app",
        "pushkey": pushkey,
        "app_display_name": "App",
        "device_display_name": "Telephone",
        "lang": "en",
        "data": {"url": URL, "custom": {"a": 1}},
        **more,
    }
