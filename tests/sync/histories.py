"""Generated histories: people who do what people do in rooms, from a seed."""

from collections.abc import Callable, Coroutine
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, gatherResults

from tests.support.client import Client, start
from tests.support.server import TestServer

NAMES = ("alice", "bob", "carol", "dave")
VISIBILITIES = ("world_readable", "shared", "invited", "joined")
VERSIONS = ("1", "2", "3", "5", "6", "7", "8", "9", "10", "11", "12")
MAX_ROOMS = 5
UNTOLD = "SELECT count(*) FROM profile_changes WHERE told = 0"
V3 = "/_matrix/client/v3"

Answer = tuple[int, Any]


class History:
    """A server with four users; `step` does one thing, which may well be refused."""

    def __init__(self, server: TestServer, seed: int) -> None:
        self.server = server
        self.random = Random(seed)
        self.clients: dict[str, Client] = {f"@{name}:test": server.user(name) for name in NAMES}
        self.rooms: list[str] = []
        self.events: dict[str, list[str]] = {}
        self.roots: dict[str, list[str]] = {}  # events that began a thread
        self.count = 0
        self._actions: list[tuple[int, Callable[[str], None]]] = [
            (6, self.create), (8, self.invite), (14, self.join), (4, self.leave), (3, self.kick), (2, self.ban), (2, self.unban),
            (34, self.message), (10, self.thread), (6, self.edit), (8, self.state), (4, self.visibility), (4, self.rule), (3, self.power),
            (6, self.redact), (12, self.receipt), (4, self.account_data), (3, self.rename), (2, self.forget),
            (3, self.knock), (4, self.react), (1, self.tombstone),
        ]  # fmt: skip

    def move(self, server: TestServer) -> None:
        """The server was started anew."""
        self.server = server
        self.clients = {user: server.client.with_token(client.token) for user, client in self.clients.items()}

    def step(self) -> None:
        actions = [action for _, action in self._actions]
        weights = [weight for weight, _ in self._actions]
        user = self.random.choice(list(self.clients))
        self.server.clock.advance(self.random.choice((0.0, 0.001, 1.0)))
        self.random.choices(actions, weights)[0](user)

    def rest(self) -> None:
        """Wait for what goes on in the background: new names that are told to rooms."""

        async def wait() -> None:
            while await self.server.database.read(lambda cursor: cursor.value(UNTOLD)):
                await self.server.clock.sleep(0.1)

        self.server.run(wait())

    def create(self, user: str) -> None:
        if len(self.rooms) >= MAX_ROOMS:
            return
        body: dict[str, Any] = {"preset": self.random.choice(("public_chat", "public_chat", "private_chat")), "name": f"room {self.count}"}
        body["room_version"] = self.random.choice(VERSIONS)
        self.count += 1
        if self.random.random() < 0.3:
            body["invite"] = [self._other()]
        self._do(self.clients[user].post(f"{V3}/createRoom", body), self._created)

    def _created(self, answer: Answer) -> None:
        if answer[0] == 200:
            room = answer[1]["room_id"]
            self.rooms.append(room)
            self.events[room], self.roots[room] = [], []

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
        self._send(user, "m.room.message", self._content())

    def thread(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            roots = self.roots[room]
            root = self.random.choice(roots if roots and self.random.random() < 0.6 else self.events[room])
            roots.append(root)
            self._send(user, "m.room.message", {**self._content(), "m.relates_to": {"rel_type": "m.thread", "event_id": root}}, room)

    def edit(self, user: str) -> None:
        self._relate(user, "m.room.message", "m.replace", {**self._content(), "m.new_content": {"body": "edited"}})

    def react(self, user: str) -> None:
        self._relate(user, "m.reaction", "m.annotation", {}, key=self.random.choice("abc"))

    def _relate(self, user: str, event_type: str, rel_type: str, content: dict[str, Any], **more: str) -> None:
        room = self._room()
        if room and self.events[room]:
            relation = {"rel_type": rel_type, "event_id": self.random.choice(self.events[room]), **more}
            self._send(user, event_type, {**content, "m.relates_to": relation}, room)

    def state(self, user: str) -> None:
        event_type = self.random.choice(("m.room.topic", "m.room.name", "org.example.free"))
        self._state(user, event_type, {"topic": f"{self.count}", "name": f"{self.count}"}, self.random.choice(("", "", "key")))

    def visibility(self, user: str) -> None:
        self._state(user, "m.room.history_visibility", {"history_visibility": self.random.choice(VISIBILITIES)}, "")

    def rule(self, user: str) -> None:
        self._state(user, "m.room.join_rules", {"join_rule": self.random.choice(("public", "public", "invite", "knock"))}, "")

    def power(self, user: str) -> None:
        levels = {
            "users": {user: 100, self._other(): self.random.choice((0, 50, 100))},
            "notifications": {"room": self.random.choice((0, 50))},
        }
        self._state(user, "m.room.power_levels", {**levels, "events_default": 0, "invite": 0}, "")

    def tombstone(self, user: str) -> None:
        self._state(user, "m.room.tombstone", {"body": f"moved {self.count}"}, "")

    def redact(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            self.count += 1
            path = f"{V3}/rooms/{room}/redact/{self.random.choice(self.events[room])}/{self.count}"
            self._do(self.clients[user].put(path, {}))

    def receipt(self, user: str) -> None:
        room = self._room()
        if room and self.events[room]:
            kind = self.random.choice(("m.read", "m.read.private"))
            event = self.random.choice(self.events[room][-5:])
            threads = [None, None, "main", *self.roots[room][-3:]]
            thread = self.random.choice(threads)
            self._post(user, f"/rooms/{room}/receipt/{kind}/{event}", {} if thread is None else {"thread_id": thread})

    def account_data(self, user: str) -> None:
        self.count += 1
        room = self._room()
        place = f"/rooms/{room}" if room and self.random.random() < 0.5 else ""
        self._do(self.clients[user].put(f"{V3}/user/{user}{place}/account_data/org.example", {"count": self.count}))

    def rename(self, user: str) -> None:
        self.count += 1
        self._do(self.clients[user].put(f"{V3}/profile/{user}/displayname", {"displayname": f"name {self.count}"}))

    def _content(self) -> dict[str, Any]:
        content: dict[str, Any] = {"msgtype": self.random.choice(("m.text", "m.text", "m.notice")), "body": f"message {self.count}"}
        if self.random.random() < 0.3:
            content["m.mentions"] = self.random.choice(({"user_ids": [self._other()]}, {"room": True}, {"user_ids": "nobody"}, {}))
        return content

    def _other(self) -> str:
        return self.random.choice(list(self.clients))

    def _room(self) -> str:
        return self.random.choice(self.rooms) if self.rooms else ""

    def _post(self, user: str, path: str, body: Any) -> None:
        self._do(self.clients[user].post(V3 + path, body))

    def _room_post(self, user: str, verb: str, body: Any) -> None:
        room = self._room()
        if room:
            self._post(user, f"/rooms/{room}/{verb}", body)

    def _send(self, user: str, event_type: str, content: dict[str, Any], room: str = "") -> None:
        room = room or self._room()
        if not room:
            return
        self.count += 1

        def sent(answer: Answer) -> None:
            if answer[0] == 200:
                self.events[room].append(answer[1]["event_id"])

        self._do(self.clients[user].put(f"{V3}/rooms/{room}/send/{event_type}/{self.count}", content), sent)

    def _state(self, user: str, event_type: str, content: dict[str, Any], state_key: str) -> None:
        room = self._room()
        if room:
            self.count += 1
            self._do(self.clients[user].put(f"{V3}/rooms/{room}/state/{event_type}/{state_key}", content))

    def _do(self, request: Coroutine[Deferred[Any], Any, Answer], then: Callable[[Answer], None] | None = None) -> None:
        answer = self.server.run(request)
        assert answer[0] < 500, answer
        if then is not None:
            then(answer)


class ParallelHistory(History):
    """Nobody waits for the others: requests overlap in whatever order the server answers them."""

    def __init__(self, server: TestServer, seed: int) -> None:
        super().__init__(server, seed)
        self._begun: list[Deferred[Answer]] = []

    def _do(self, request: Coroutine[Deferred[Any], Any, Answer], then: Callable[[Answer], None] | None = None) -> None:
        begun = start(request)
        if then is not None:
            begun.addCallback(lambda answer: (then(answer), answer)[1])
        self._begun.append(begun)

    def settle(self, *, refusals: bool = False) -> list[Answer]:
        """The answers of all that was begun. `refusals`: the server may say that it can do nothing just now."""

        async def wait() -> list[Answer]:
            return await gatherResults(self._begun)

        answers = self.server.run(wait())
        self.rest()
        assert [answer for answer in answers if answer[0] >= 500 and not (refusals and answer[0] == 503)] == []
        self._begun.clear()
        return answers
