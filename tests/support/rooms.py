"""Short words for what tests do in rooms, through the client API."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tests.support.client import Client
from tests.support.server import TestServer

V3 = "/_matrix/client/v3"


def path(*segments: str) -> str:
    """A path below v3, each segment percent-encoded."""
    return "/".join([V3, *(quote(segment, safe="") for segment in segments)])


def create_room(server: TestServer, client: Client, **body: Any) -> str:
    room_id = server.ok(client.post(path("createRoom"), body))["room_id"]
    assert isinstance(room_id, str)
    return room_id


def join(server: TestServer, client: Client, room: str) -> None:
    server.ok(client.post(path("join", room)))


def member(server: TestServer, client: Client, room_id: str, action: str, user_id: str, **body: Any) -> tuple[int, Any]:
    """invite, kick, ban, unban."""
    return server.run(client.post(path("rooms", room_id, action), {"user_id": user_id, **body}))


def state_of(server: TestServer, client: Client, room_id: str) -> dict[tuple[str, str], dict[str, Any]]:
    """The contents of the state of a room the user is in or has left."""
    query = {"filter": '{"room":{"include_leave":true,"timeline":{"limit":500}}}'}
    rooms = server.ok(client.get(path("sync"), query))["rooms"]
    room = rooms.get("join", {}).get(room_id) or rooms.get("leave", {})[room_id]
    events = [*room.get("state", {}).get("events", ()), *(event for event in room["timeline"]["events"] if "state_key" in event)]
    return {(event["type"], event["state_key"]): event["content"] for event in events}


def refused(answer: tuple[int, Mapping[str, Any]], status: int, errcode: str) -> None:
    assert (answer[0], answer[1].get("errcode")) == (status, errcode), answer
