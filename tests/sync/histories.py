"""Generated histories: people who do what people do in rooms, from a seed."""

from collections.abc import Callable
from random import Random
from typing import Any

from tests.support.client import Client
from tests.support.server import TestServer

NAMES = ("alice", "bob", "carol", "dave")
VISIBILITIES = ("world_readable", "shared", "invited", "joined")
V3 = "/_matrix/client/v3"


class History:
    """A server with four users; `step` does one thing, which may well be refused."""

    def __init__(self, server: TestServer, seed: int) -> None:
        self.server = server
        self.random = Random(seed)
        self.clients: dict[str, Client] = {f"@{name}:test": server.user(name) for name in NAMES}
        self.rooms: list[str] = []
        self.events: dict[str, list[str]] = {}
        self.count = 0
        self._actions: list[tuple[int, Callable[[str], None]]] = [
            (3, self.create), (8, self.invite), (12, self.join), (5, self.leave), (3, self.kick), (2, self.ban), (2, self.unban),
            (40, self.message), (8, self.thread), (8, self.state), (4, self.visibility), (6, self.redact), (10, self.receipt),
            (4, self.account_data), (3, self.rename), (2, self.forget), (3, self.knock), (3, self.react),
        ]  # fmt: skip

    def step(self) -> None:
        actions = [action for _, action in self._actions]
        weights = [weight for weight, _ in self._actions]
        user = self.random.choice(list(self.clients))
        self.server.clock.advance(self.random.choice((0.0, 0.001, 1.0)))
        self.random.choices(actions, weights)[0](user)

    def create(self, user: str) -> None:
        if len(self.rooms) >= 5:
            return
        preset = self.random.choice(("public_chat", "private_chat"))
        body = {"preset": preset, "room_version": self.random.choice(("6", "10", "11", "12")), "name": f"room {len(self.rooms)}"}
        status, answer = self._post(user, "/createRoom", body)
        if status == 200:
            self.rooms.append(answer["room_id"])
            self.events[answer["room_id"]] = []

    def invite(self, user: str) -> None:
        self._room_post(user, "invite", {"user_id": self._other()})

    def join(self, user: str) -> None:
        self._room_post(user, "join", {})

    def leave(self, user: str) -> None:
        self._room_post(user, "leave", {})

    def kick(self, user: str) -> None:
        self._room_post(user, "kick", {"user_id": self._other()})

    def ban(self, user: str) -> None:
        self._room_post(user, "ban", {"user_id": self._other()})

    def unban(self, user: str) -> None:
        self._room_post(user, "unban", {"user_id": self._other()})

    def forget(self, user: str) -> None:
        self._room_post(user, "forget", {})

    def knock(self, user: str) -> None:
        if self.rooms:
            self._post(user, f"/knock/{self._room()}", {})

    def message(self, user: str) -> None:
        content: dict[str, Any] = {"msgtype": self.random.choice(("m.text", "m.notice")), "body": f"message {self.count}"}
        if self.random.random() < 0.3:
            content["m.mentions"] = {"user_ids": [self._other()]}
        self._send(user, "m.room.message", content)

    def thread(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            relation = {"rel_type": "m.thread", "event_id": self.random.choice(self.events[room])}
            self._send(user, "m.room.message", {"msgtype": "m.text", "body": "in thread", "m.relates_to": relation}, room)

    def react(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            relation = {"rel_type": "m.annotation", "event_id": self.random.choice(self.events[room]), "key": self.random.choice("abc")}
            self._send(user, "m.reaction", {"m.relates_to": relation}, room)

    def state(self, user: str) -> None:
        event_type = self.random.choice(("m.room.topic", "m.room.name", "org.example.free"))
        self._state(user, event_type, {"topic": f"{self.count}", "name": f"{self.count}"}, self.random.choice(("", "", "key")))

    def visibility(self, user: str) -> None:
        self._state(user, "m.room.history_visibility", {"history_visibility": self.random.choice(VISIBILITIES)}, "")

    def redact(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            self.count += 1
            path = f"{V3}/rooms/{room}/redact/{self.random.choice(self.events[room])}/{self.count}"
            self.server.run(self.clients[user].put(path, {}))

    def receipt(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            kind = self.random.choice(("m.read", "m.read.private"))
            event = self.random.choice(self.events[room][-5:])
            body = {"thread_id": "main"} if self.random.random() < 0.3 else {}
            self._post(user, f"/rooms/{room}/receipt/{kind}/{event}", body)

    def account_data(self, user: str) -> None:
        self.count += 1
        room = self._room()
        place = f"/rooms/{room}" if room and self.random.random() < 0.5 else ""
        self.server.run(self.clients[user].put(f"{V3}/user/{user}{place}/account_data/org.example", {"count": self.count}))

    def rename(self, user: str) -> None:
        self.count += 1
        self.server.run(self.clients[user].put(f"{V3}/profile/{user}/displayname", {"displayname": f"name {self.count}"}))

    def _other(self) -> str:
        return self.random.choice(list(self.clients))

    def _room(self) -> str:
        return self.random.choice(self.rooms) if self.rooms else ""

    def _post(self, user: str, path: str, body: Any) -> tuple[int, Any]:
        return self.server.run(self.clients[user].post(V3 + path, body))

    def _room_post(self, user: str, verb: str, body: Any) -> None:
        room = self._room()
        if room:
            self._post(user, f"/rooms/{room}/{verb}", body)

    def _send(self, user: str, event_type: str, content: dict[str, Any], room: str = "") -> None:
        room = room or self._room()
        if not room:
            return
        self.count += 1
        status, answer = self.server.run(self.clients[user].put(f"{V3}/rooms/{room}/send/{event_type}/{self.count}", content))
        if status == 200:
            self.events[room].append(answer["event_id"])

    def _state(self, user: str, event_type: str, content: dict[str, Any], state_key: str) -> None:
        room = self._room()
        if room:
            self.count += 1
            self.server.run(self.clients[user].put(f"{V3}/rooms/{room}/state/{event_type}/{state_key}", content))
