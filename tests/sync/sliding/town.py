"""Alice and Bob on a server: what their tests begin with."""

from collections.abc import Sequence
from typing import Any

from tests.support.client import Client
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer
from tests.sync.sliding.connection import SlidingClient

ALICE, BOB = "@alice:test", "@bob:test"


class Town:
    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.alice, self.bob = server.user("alice"), server.user("bob")
        self.count = 0

    def ok(self, request: Any) -> Any:
        self.server.clock.advance(0.01)
        return self.server.ok(request)

    def room(self, name: str = "", **options: Any) -> str:
        """One of Alice's, with Bob in it."""
        room = create_room(self.server, self.alice, preset="public_chat", **({"name": name} if name else {}), **options)
        join(self.server, self.bob, room)
        return room

    def say(self, room: str, client: Client | None = None, *, mentions: Sequence[str] = (), thread: str | None = None) -> str:
        self.count += 1
        body: dict[str, Any] = {"msgtype": "m.text", "body": f"message {self.count}", "m.mentions": {"user_ids": list(mentions)}}
        if thread is not None:
            body["m.relates_to"] = {"rel_type": "m.thread", "event_id": thread}
        return str(self.ok((client or self.bob).put(path("rooms", room, "send", "m.room.message", str(self.count)), body))["event_id"])

    def put_state(self, room: str, type: str, content: dict[str, Any], key: str = "") -> str:
        return str(self.ok(self.alice.put(path("rooms", room, "state", type, key), content))["event_id"])

    def put_data(self, type: str, content: dict[str, Any], room: str | None = None) -> None:
        place = ("user", ALICE, "account_data", type) if room is None else ("user", ALICE, "rooms", room, "account_data", type)
        self.ok(self.alice.put(path(*place), content))

    def client(self, conn_id: str = "main", **body: Any) -> SlidingClient:
        """Of Alice's."""
        return SlidingClient(self.server, self.alice, conn_id, **body)
