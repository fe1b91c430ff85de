"""What tests do in rooms that servers of a town share."""

from typing import Any

from tests.federation.support.town import Town
from tests.support.client import Client
from tests.support.rooms import V3, path


def enter(town: Town, server: str, client: Client, room_id: str, via: str = "a.test") -> None:
    town[server].ok(client.post(path("join", room_id) + f"?via={via}"))


def messages(town: Town, server: str, client: Client, room_id: str, limit: int = 100) -> list[str]:
    """The texts a client can page back to, oldest first."""
    query = {"dir": "b", "limit": str(limit)}
    found: list[str] = []
    token = None
    for _ in range(20):
        answer = town[server].ok(client.get(path("rooms", room_id, "messages"), {**query, **({"from": token} if token else {})}))
        found += [event["content"]["body"] for event in answer["chunk"] if event["type"] == "m.room.message" and "body" in event["content"]]
        token = answer.get("end")
        if token is None:
            break
    return found[::-1]


def state(town: Town, server: str, client: Client, room_id: str) -> dict[tuple[str, str], str]:
    """The event IDs of the current state."""
    events = town[server].ok(client.get(path("rooms", room_id, "state")))
    return {(event["type"], event["state_key"]): event["event_id"] for event in events}


def membership(town: Town, server: str, client: Client, room_id: str, user_id: str) -> Any:
    status, answer = town[server].run(client.get(path("rooms", room_id, "state", "m.room.member", user_id)))
    return answer.get("membership") if status == 200 else None


def synced(town: Town, server: str, client: Client) -> dict[str, Any]:
    rooms = town[server].ok(client.get(V3 + "/sync", {"timeout": "0"})).get("rooms", {})
    assert isinstance(rooms, dict)
    return rooms
