"""Short words for a conversation, and for reading it."""

from collections.abc import Iterable
from typing import Any

from tests.support.client import Client
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer

V1 = "/_matrix/client/v1"


class Talk:
    """Alice's public room, Bob in it; Eve has an account."""

    def __init__(self, server: TestServer) -> None:
        self.server = server
        self.alice, self.bob, self.eve = server.user("alice"), server.user("bob"), server.user("eve")
        self.room = create_room(server, self.alice, preset="public_chat")
        join(server, self.bob, self.room)
        self._count = 0

    def path(self, *segments: str) -> str:
        return path("rooms", self.room, *segments)

    def v1(self, *segments: str) -> str:
        return self.path(*segments).replace("/_matrix/client/v3", V1)

    def say(self, text: str, by: Client | None = None, *, room: str | None = None, **content: Any) -> str:
        """The event ID of a message; `content` is added to it."""
        return self.send("m.room.message", {"msgtype": "m.text", "body": text, **content}, by, room=room)

    def send(self, type: str, content: dict[str, Any], by: Client | None = None, *, room: str | None = None) -> str:
        self._count += 1
        self.server.clock.advance(0.01)
        url = path("rooms", room or self.room, "send", type, f"t{self._count}")
        event_id = self.server.ok((by or self.alice).put(url, content))["event_id"]
        assert isinstance(event_id, str)
        return event_id

    def relate(self, parent: str, rel_type: str, text: str = "", by: Client | None = None, **relation: Any) -> str:
        content: dict[str, Any] = {"m.relates_to": {"rel_type": rel_type, "event_id": parent, **relation}}
        if rel_type == "m.replace":
            content["m.new_content"] = {"msgtype": "m.text", "body": text}
        return self.say(text, by, **content)

    def react(self, parent: str, key: str, by: Client | None = None) -> str:
        return self.send("m.reaction", {"m.relates_to": {"rel_type": "m.annotation", "event_id": parent, "key": key}}, by)

    def redact(self, event_id: str, by: Client | None = None) -> str:
        self._count += 1
        answer = self.server.ok((by or self.alice).put(self.path("redact", event_id, f"t{self._count}"), {}))
        assert isinstance(answer["event_id"], str)
        return answer["event_id"]

    def state(self, type: str, content: dict[str, Any], key: str = "", by: Client | None = None) -> str:
        segments = ("state", type, key) if key else ("state", type)
        event_id = self.server.ok((by or self.alice).put(self.path(*segments), content))["event_id"]
        assert isinstance(event_id, str)
        return event_id

    def ignore(self, by: Client, by_id: str, user_id: str) -> None:
        url = path("user", by_id, "account_data", "m.ignored_user_list")
        self.server.ok(by.put(url, {"ignored_users": {user_id: {}}}))

    def get(self, url: str, by: Client | None = None, **query: Any) -> Any:
        """The JSON of an answer that must be 200."""
        return self.server.ok((by or self.alice).get(url, {name.rstrip("_"): value for name, value in query.items()}))

    def refusal(self, url: str, by: Client | None = None, **query: Any) -> tuple[int, str]:
        status, answer = self.server.run((by or self.alice).get(url, {name.rstrip("_"): value for name, value in query.items()}))
        return status, answer.get("errcode", "")

    def messages(self, by: Client | None = None, **query: Any) -> Any:
        return self.get(self.path("messages"), by, **query)

    def all_messages(self, by: Client | None = None, limit: int = 10, **query: Any) -> list[dict[str, Any]]:
        """Every page, until there is no `end`."""
        found: list[dict[str, Any]] = []
        start = query.pop("from_", None)
        for _ in range(1000):
            page = self.messages(by, limit=limit, from_=start, **query)
            assert len(page["chunk"]) <= limit
            found.extend(page["chunk"])
            if "end" not in page:
                return found
            assert page["end"] != start, "no progress"
            start = page["end"]
        raise AssertionError("paging does not end")

    def event(self, event_id: str, by: Client | None = None) -> Any:
        return self.get(self.path("event", event_id), by)


def bodies(events: Iterable[dict[str, Any]]) -> list[str]:
    return [event["content"]["body"] for event in events if event["type"] == "m.room.message" and "body" in event["content"]]


def ids(events: Iterable[dict[str, Any]]) -> list[str]:
    return [event["event_id"] for event in events]
