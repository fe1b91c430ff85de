"""A server with one application service, which is played by the test: what it was told, and what it answers."""

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

import orjson
import yaml

from appservices.errors import CannotReach
from appservices.transport import Answer
from config.federation import AppServices
from homeserver.streams import Streams
from storage.database import Database
from tests.support.client import Client
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer, make_server

URL = "http://bridge.example:29300/base"
AS_TOKEN, HS_TOKEN = "as-secret", "hs-secret"
NAMESPACES: dict[str, Any] = {
    "users": [{"exclusive": True, "regex": "@_irc_.*:test"}],
    "aliases": [{"exclusive": True, "regex": "#_irc_.*:test"}],
    "rooms": [],
}


class Asked(NamedTuple):
    method: str
    path: str
    body: Any
    headers: Mapping[str, str]


class FakeAppservice:
    """`down`: it cannot be reached. `answers`: from the beginning of a path to what is answered, or to what makes the answer."""

    def __init__(self) -> None:
        self.down = False
        self.status = 200
        self.asked: list[Asked] = []
        self.answers: dict[str, Any] = {}

    async def request(self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, seconds: float) -> Answer:
        assert url.startswith(URL)
        if self.down:
            raise CannotReach("nobody listens")
        asked = Asked(method, unquote(url.removeprefix(URL)), None if body is None else orjson.loads(body), headers)
        self.asked.append(asked)
        for beginning, answer in self.answers.items():
            if asked.path.startswith(beginning):
                found = answer(asked) if isinstance(answer, Callable) else answer  # type: ignore[arg-type]
                status, content = found if isinstance(found, tuple) else (200, found)
                return Answer(status, orjson.dumps(content))
        if "/transactions/" in asked.path:
            return Answer(self.status, b"{}")
        return Answer(404, b'{"errcode":"M_NOT_FOUND"}')

    def close(self) -> None:
        """There is nothing to close."""

    @property
    def transactions(self) -> list[tuple[str, dict[str, Any]]]:
        """(ID, body) of each that arrived, accepted or not."""
        return [(one.path.rpartition("/")[2], one.body) for one in self.asked if "/transactions/" in one.path]

    @property
    def events(self) -> list[dict[str, Any]]:
        """Of all transactions, each ID once, as a service takes them."""
        seen: dict[str, list[dict[str, Any]]] = {}
        for txn_id, body in self.transactions:
            assert seen.setdefault(txn_id, body["events"]) == body["events"]
        return [event for events in seen.values() for event in events]

    def told(self, name: str) -> list[Any]:
        """What stood under that name of the transactions."""
        return [body[name] for _, body in self.transactions if name in body]


def registration(file: Path, **more: Any) -> str:
    known = {
        "id": "irc",
        "url": URL,
        "as_token": AS_TOKEN,
        "hs_token": HS_TOKEN,
        "sender_localpart": "_irc_bot",
        "namespaces": NAMESPACES,
        "rate_limited": False,
    }
    file.write_text(yaml.safe_dump({**known, **more}))
    return str(file)


class House:
    def __init__(
        self,
        folder: Path,
        database: Database | None = None,
        streams: Streams | None = None,
        *,
        seed: int = 0,
        service: FakeAppservice | None = None,
        keys: Mapping[str, Any] | None = None,
        sections: Mapping[str, Any] | None = None,
    ) -> None:
        """`keys` of the registration."""
        folder.mkdir(exist_ok=True)
        self.service = service or FakeAppservice()
        settings = AppServices(registrations=(registration(folder / "irc.yaml", **(keys or {})),))
        self.server: TestServer = make_server(
            folder, database=database, streams=streams, services=self.service, appservices=settings, seed=seed, **(sections or {})
        )
        self.server.run(self.server.server.take_up())
        self.bridge = self.server.client.with_token(AS_TOKEN)
        self._numbers = count(1 + 1000 * seed)

    @property
    def line(self) -> Any:
        return self.server.server._parts.appservices.outbound.lines[0]

    def ok(self, asking: Any) -> Any:
        return self.server.ok(asking)

    def ghost(self, name: str) -> dict[str, str]:
        """A user of the service; the query that acts as it."""
        body = {"type": "m.login.application_service", "username": f"_irc_{name}", "inhibit_login": True}
        return {"user_id": self.ok(self.bridge.post(path("register"), body))["user_id"]}

    def room(self, client: Client, *ghosts: Mapping[str, str], **body: Any) -> str:
        room_id = create_room(self.server, client, preset="public_chat", **body)
        for ghost in ghosts:
            self.ok(self.bridge.post(path("join", room_id), {}, query=ghost))
        return room_id

    def join(self, client: Client, room_id: str) -> None:
        join(self.server, client, room_id)

    def say(self, client: Client, room_id: str, text: str, **query: Any) -> str:
        where = path("rooms", room_id, "send", "m.room.message", str(next(self._numbers)))
        return str(self.ok(client.put(where, {"msgtype": "m.text", "body": text}, query=query))["event_id"])

    def wait(self, seconds: float = 1.0) -> None:
        for _ in range(20):
            self.server.clock.advance(seconds / 20)

    @property
    def said(self) -> list[str]:
        """The texts that the service was told, in order."""
        self.wait()
        return [event["content"]["body"] for event in self.service.events if event["type"] == "m.room.message"]

    def stop(self) -> None:
        self.server.run(self.server.server.stop())
