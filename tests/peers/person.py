"""People on two servers, through the client API alone."""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

T = TypeVar("T")
PATIENCE_SECONDS = 60


class Refused(AssertionError):
    def __init__(self, status: int, body: Any, asked: str) -> None:
        super().__init__(f"{status} {body} for {asked}")
        self.status = status
        self.errcode = body.get("errcode") if isinstance(body, dict) else None


@dataclass(frozen=True)
class Side:
    """One of the two servers: its name, and where its clients find it."""

    name: str
    address: str

    def call(self, method: str, path: str, body: Any = None, token: str = "", kind: str = "application/json") -> bytes:
        headers = {"Content-Type": kind, **({"Authorization": f"Bearer {token}"} if token else {})}
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.address + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise Refused(error.code, json.loads(error.read()), f"{method} {path}") from None

    def person(self, name: str) -> "Person":
        words = {"username": name, "password": "a long enough password", "auth": {"type": "m.login.dummy"}}
        made = json.loads(self.call("POST", "/_matrix/client/v3/register", words))
        return Person(self, made["user_id"], made["access_token"], made["device_id"])


@dataclass
class Person:
    side: Side
    user_id: str
    token: str
    device_id: str
    since: str = ""
    sent: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)

    def ask(self, method: str, *segments: str, body: Any = None, query: Mapping[str, str] | None = None, version: str = "v3") -> Any:
        path = "/".join([f"/_matrix/client/{version}", *(quote(one, safe="") for one in segments)])
        if query:
            path += "?" + urlencode(query)
        return json.loads(self.side.call(method, path, {} if body is None and method != "GET" else body, self.token))

    def create(self, **body: Any) -> str:
        return str(self.ask("POST", "createRoom", body=body)["room_id"])

    def join(self, room: str, via: "Person | None" = None) -> str:
        query = {} if via is None else {"via": via.side.name, "server_name": via.side.name}
        return str(self.ask("POST", "join", room, query=query)["room_id"])

    def act(self, action: str, room_id: str, other: "Person | None" = None) -> None:
        """invite, kick, ban, unban; leave."""
        self.ask("POST", "rooms", room_id, action, body={} if other is None else {"user_id": other.user_id})

    def send(self, room_id: str, kind: str, content: Mapping[str, Any]) -> str:
        self.sent += 1
        return str(self.ask("PUT", "rooms", room_id, "send", kind, str(self.sent), body=content)["event_id"])

    def say(self, room_id: str, text: str, **more: Any) -> str:
        return self.send(room_id, "m.room.message", {"msgtype": "m.text", "body": text, **more})

    def tell(self, other: "Person", text: str) -> None:
        """A message to the other's device."""
        self.sent += 1
        messages = {other.user_id: {other.device_id: {"text": text}}}
        self.ask("PUT", "sendToDevice", "m.test", f"device {self.sent}", body={"messages": messages})

    def told(self, count: int) -> list[str]:
        """So many texts that were told to this device since the last sync."""
        found: list[str] = []

        def come(answer: dict[str, Any]) -> bool:
            found.extend(one["content"]["text"] for one in answer.get("to_device", {}).get("events", ()))
            return len(found) >= count

        self.synced(come)
        return found

    def redact(self, room_id: str, event_id: str) -> str:
        self.sent += 1
        return str(self.ask("PUT", "rooms", room_id, "redact", event_id, str(self.sent))["event_id"])

    def set_state(self, room_id: str, kind: str, content: Mapping[str, Any], key: str = "") -> str:
        return str(self.ask("PUT", "rooms", room_id, "state", kind, key, body=content)["event_id"])

    def content(self, room_id: str, kind: str, key: str = "") -> Any:
        """Of a piece of state; None where there is none."""
        return _or_none(lambda: self.ask("GET", "rooms", room_id, "state", kind, key))

    def membership(self, room_id: str, of: "Person | None" = None) -> str | None:
        found = self.content(room_id, "m.room.member", (of or self).user_id)
        return None if found is None else str(found["membership"])

    def state(self, room_id: str) -> dict[tuple[str, str], str]:
        return {(one["type"], one["state_key"]): one["event_id"] for one in self.ask("GET", "rooms", room_id, "state")}

    def state_at(self, room_id: str, event_id: str) -> dict[tuple[str, str], str]:
        """After that event."""
        answer = self.ask("GET", "rooms", room_id, "context", event_id, query={"limit": "0"})
        return {(one["type"], one["state_key"]): one["event_id"] for one in answer["state"]}

    def event(self, room_id: str, event_id: str) -> Any:
        return _or_none(lambda: self.ask("GET", "rooms", room_id, "event", event_id))

    def history(self, room_id: str, by: int = 100) -> list[dict[str, Any]]:
        """All that can be paged back to, oldest first."""
        found: list[dict[str, Any]] = []
        query = {"dir": "b", "limit": str(by)}
        while True:
            page = self.ask("GET", "rooms", room_id, "messages", query=query)
            found += page["chunk"]
            if "end" not in page:
                return found[::-1]
            query["from"] = page["end"]

    def texts(self, room_id: str, by: int = 100) -> list[str]:
        return [one["content"]["body"] for one in self.history(room_id, by) if one["type"] == "m.room.message" and "body" in one["content"]]

    def sync(self) -> dict[str, Any]:
        query = {"timeout": "200", **({"since": self.since} if self.since else {})}
        answer: dict[str, Any] = self.ask("GET", "sync", query=query)
        self.since = answer["next_batch"]
        return answer

    def synced(self, finds: Callable[[dict[str, Any]], T | None]) -> T:
        """What `finds` makes of the first sync in which it finds something."""
        return until(lambda: finds(self.sync()))


def _or_none(ask: Callable[[], Any]) -> Any:
    try:
        return ask()
    except Refused as refused:
        if refused.status not in (403, 404):
            raise
        return None


def until(found: Callable[[], T | None]) -> T:
    """What is found in the end; an empty thing is none."""
    latest = time.monotonic() + PATIENCE_SECONDS
    while not (answer := found()):
        assert time.monotonic() < latest, "it does not come to pass"
        time.sleep(0.05)
    return answer


def agree(one: Callable[[], T], other: Callable[[], T]) -> T:
    """What both come to say."""
    latest = time.monotonic() + PATIENCE_SECONDS
    while (here := one()) != (there := other()):
        assert time.monotonic() < latest, f"{here}\nand\n{there}"
        time.sleep(0.05)
    return here
