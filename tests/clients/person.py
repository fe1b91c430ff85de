"""Somebody who speaks plain HTTP."""

import json
import time
from collections.abc import Callable
from contextlib import closing
from http.client import HTTPConnection
from itertools import count
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

PATIENCE_SECONDS = 60
DUMMY = {"type": "m.login.dummy"}
_transactions = count(1)


def path(prefix: str, *segments: str, **query: Any) -> str:
    joined = "/".join((prefix, *(quote(segment, safe="") for segment in segments)))
    return f"{joined}?{urlencode(query, doseq=True)}" if query else joined


def v1(*segments: str, **query: Any) -> str:
    return path("/_matrix/client/v1", *segments, **query)


def v3(*segments: str, **query: Any) -> str:
    return path("/_matrix/client/v3", *segments, **query)


class Person:
    """Asks and is answered. `get` and its like must succeed; `refused` must not, and says the errcode."""

    def __init__(self, address: str, user_id: str = "", token: str = "", device_id: str = "") -> None:
        self.address = address
        self.user_id = user_id
        self.token = token
        self.device_id = device_id
        self.password = ""

    def exchange(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status, and the answer: JSON, text, or else bytes."""
        sent = dict(headers)
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent.setdefault("Content-Type", "application/json")
        with closing(HTTPConnection(urlsplit(self.address).netloc, timeout=PATIENCE_SECONDS)) as connection:
            connection.request(method, path, body, sent)
            answer = connection.getresponse()
            received = answer.read()
        kind = answer.headers.get("Content-Type", "")
        return answer.status, json.loads(received) if "json" in kind else received.decode() if kind.startswith("text/html") else received

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        status, answer = self.exchange(method, path, body)
        assert status == 200, f"{method} {path}: {status} {answer}"
        return answer

    def get(self, path: str) -> Any:
        return self.ask("GET", path)

    def put(self, path: str, body: Any) -> Any:
        return self.ask("PUT", path, body)

    def post(self, path: str, body: Any = None) -> Any:
        return self.ask("POST", path, {} if body is None else body)

    def delete(self, path: str, body: Any = None) -> Any:
        return self.ask("DELETE", path, body)

    def eventually(self, is_right: Callable[[Any], bool], method: str, path: str, body: Any = None) -> Any:
        """The answer once it is right: for what the server does in the background, which no sync tells of."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_right(answer := self.ask(method, path, body)):
            assert time.monotonic() < deadline, f"never right: {answer}"
        return answer

    def refused(self, status: int, errcode: str, method: str, path: str, body: Any = None) -> Any:
        found, answer = self.exchange(method, path, body)
        assert (found, answer.get("errcode") if isinstance(answer, dict) else answer) == (status, errcode), f"{method} {path}: {answer}"
        return answer

    # ---------------------------------------------------------------- what many tests begin with

    def register(self, name: str, password: str, **more: Any) -> "Person":
        answer = self.post(v3("register"), {"username": name, "password": password, "auth": DUMMY, **more})
        person = Person(self.address, answer["user_id"], answer["access_token"], answer["device_id"])
        person.password = password
        return person

    def log_in(self, **more: Any) -> "Person":
        """The same person on another device."""
        identifier = {"type": "m.id.user", "user": self.user_id}
        body = {"type": "m.login.password", "identifier": identifier, "password": self.password, **more}
        answer = Person(self.address).post(v3("login"), body)
        person = Person(self.address, self.user_id, answer["access_token"], answer["device_id"])
        person.password = self.password
        return person

    def proves(self, session: str) -> dict[str, Any]:
        """The password stage of user-interactive auth."""
        identifier = {"type": "m.id.user", "user": self.user_id}
        return {"type": "m.login.password", "identifier": identifier, "password": self.password, "session": session}

    def confirmed(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Ask, be asked for the password, give it."""
        status, asked = self.exchange(method, path, body)
        assert status == 401, asked
        assert "m.login.password" in [stage for flow in asked["flows"] for stage in flow["stages"]], asked
        return self.ask(method, path, body | {"auth": self.proves(asked["session"])})

    def create_room(self, **options: Any) -> str:
        room: str = self.post(v3("createRoom"), options)["room_id"]
        return room

    def join(self, room: str) -> None:
        self.post(v3("join", room))

    def send(self, room: str, content: dict[str, Any] | str, kind: str = "m.room.message") -> str:
        """The event's ID; a string stands for a text message."""
        body = {"msgtype": "m.text", "body": content} if isinstance(content, str) else content
        event: str = self.put(v3("rooms", room, "send", kind, f"t{next(_transactions)}"), body)["event_id"]
        return event

    def set_state(self, room: str, kind: str, content: dict[str, Any], key: str = "") -> str:
        event: str = self.put(v3("rooms", room, "state", kind, key), content)["event_id"]
        return event

    def sync(self, since: str = "", *, timeout: int = 0, **query: Any) -> Any:
        if "filter" in query and not isinstance(query["filter"], str):
            query["filter"] = json.dumps(query["filter"])
        return self.get(v3("sync", timeout=timeout, **({"since": since} if since else {}), **query))
