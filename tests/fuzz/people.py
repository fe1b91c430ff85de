"""Who is there while the fuzzer rages: two honest users in one room, whose messages must arrive, and those whose tokens the fuzzer uses."""

from random import Random
from typing import Any
from urllib.parse import quote

import orjson

from storage.people.accounts import StoredAccounts
from tests.fuzz.known import Known
from tests.support.client import Client
from tests.support.server import TestServer

PASSWORD = "secret secret"
FUZZERS = 4
VERSIONS = ("1", "3", "6", "9", "10", "11", "12")
ADMINISTRATION = (
    "/_synapse/admin/v1/media",
    "/_synapse/admin/v1/user",
    "/_synapse/admin/v1/purge",
    "/_synapse/admin/v1/send_server_notice",
    "/_matrix/client/v1/admin/",
)  # what an administrator may do
RACY = ("logout", "deactivate", "delete_devices", "password", "/devices/", "refresh", "upgrade_guest")  # what may end a session


class People:
    def __init__(self, server: TestServer, chance: Random, known: Known) -> None:
        self.server = server
        self._chance = chance
        self._known = known
        self._count = 0
        self.alice, self.bob = server.user("alice"), server.user("bob")
        server.user("admin")
        server.run(StoredAccounts(server.database).set_flags("@admin:test", is_admin=True))
        self._admin = self._logged_in_again("admin")
        known.lasting["version"] = list(VERSIONS)
        known.lasting["server"] = ["test", "elsewhere.test"]
        known.lasting["alias"] = ["#fuzz:test", "#alias:test"]
        known.lasting["backup"] = ["1", "2", "3"]
        known.lasting["token"] = ["s0", "s1", "s1__0", "t1_1"]
        self.room = self._new_room(self.alice, "10")
        self.server.ok(self.bob.post(f"/_matrix/client/v3/rooms/{self.room}/join", {}))
        self._since = self.server.ok(self.bob.get("/_matrix/client/v3/sync"))["next_batch"]
        self._names: dict[str, tuple[str, str]] = {}  # user and device by token
        self.fuzzers: list[Client] = []
        self.throwaways: list[Client] = []
        self.renew()

    # ------------------------------------------------------------ the fuzzer's own

    def name_of(self, client: Client) -> str:
        return self._names.get(client.token or "", ("@nobody:test", ""))[0]

    def device_of(self, client: Client) -> str:
        return self._names.get(client.token or "", ("", "NOTHING"))[1]

    def lost(self, client: Client) -> None:
        """The token is none any more."""
        for group in (self.fuzzers, self.throwaways):
            if client in group:
                group.remove(client)
                new = self._new_user()
                group.append(new)
                for room_id in self._known.lasting["room"]:
                    self.server.run(new.post(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/join", {}))

    def client(self, path: str) -> Client:
        """Who sends the next request."""
        kind = self._chance.random()
        if kind < 0.04:
            return self.server.client.with_token(None)
        if kind < 0.06:
            return self.server.client.with_token(self._chance.choice(("", "x", "syt_x", "é", "\x00", "x" * 5000)))
        if kind < 0.12:
            return self.guest
        if path.startswith(ADMINISTRATION):
            return self._admin
        if any(word in path for word in RACY):
            return self._chance.choice(self.throwaways)
        return self._chance.choice(self.fuzzers)

    def renew(self) -> None:
        """Whoever lost their session gets a successor, who joins the honest room; a few new rooms are made."""
        self._pardon([self.name_of(client) for client in self.fuzzers])
        kept = [client for client in self.fuzzers if self.server.run(client.get("/_matrix/client/v3/account/whoami"))[0] == 200]
        while len(kept) < FUZZERS:
            kept.append(self._new_user())
        self.fuzzers = kept
        self.throwaways = [self._new_user(), self._new_user()]
        status, answer = self.server.run(self.server.client.post("/_matrix/client/v3/register?kind=guest", {}))
        self.guest = self.server.client.with_token(answer["access_token"]) if status == 200 else self.fuzzers[0]
        self._names[self.guest.token or ""] = answer.get("user_id", ""), answer.get("device_id", "")
        rooms = [self.room]
        for client in self.fuzzers:
            self.server.run(client.post(f"/_matrix/client/v3/rooms/{self.room}/join", {}))
            made = self._new_room(client, self._chance.choice(VERSIONS))
            rooms.append(made)
            for other in self.fuzzers:
                self.server.run(other.post(f"/_matrix/client/v3/rooms/{quote(made, safe='')}/join", {}))
        self._known.lasting["room"] = rooms

    def _pardon(self, users: list[str]) -> None:
        """The administrator's generated requests may have shut them out."""
        for user in users:
            for action in ("lock", "suspend"):
                self.server.run(self._admin.put(f"/_matrix/client/v1/admin/{action}/{user}", {"locked": False, "suspended": False}))

    def _new_user(self) -> Client:
        self._count += 1
        name = f"fuzz{self._count}"
        self._known.add("user", f"@{name}:test")
        client = self.server.user(name)
        self._names[client.token or ""] = f"@{name}:test", self.server.ok(client.get("/_matrix/client/v3/account/whoami"))["device_id"]
        return client

    def _logged_in_again(self, name: str) -> Client:
        body = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": PASSWORD}
        return self.server.client.with_token(self.server.ok(self.server.client.post("/_matrix/client/v3/login", body))["access_token"])

    def _new_room(self, client: Client, version: str) -> str:
        body: dict[str, Any] = {"room_version": version, "preset": "public_chat", "name": "x"}
        if version != "12" and client is not self.alice:
            body["power_level_content_override"] = {"users": {self.name_of(fuzzer): 100 for fuzzer in self.fuzzers}}
        made: str = self.server.ok(client.post("/_matrix/client/v3/createRoom", body))["room_id"]
        return made

    # ------------------------------------------------------------ the honest control

    def control(self, number: int) -> None:
        """Alice says something in the room that everybody fuzzes; Bob must hear it. Now and then all is read from the beginning."""
        self._pardon(["@alice:test", "@bob:test"])
        body = {"msgtype": "m.text", "body": f"honest {number}"}
        path = f"/_matrix/client/v3/rooms/{self.room}/send/m.room.message/honest{number}"
        sent = self.server.ok(self.alice.put(path, body))["event_id"]
        told = self.server.ok(
            self.bob.get("/_matrix/client/v3/sync", {"since": self._since, "filter": '{"room":{"timeline":{"limit":5}}}'})
        )
        self._since = told["next_batch"]
        timeline = told["rooms"]["join"][self.room]["timeline"]["events"]
        assert (timeline[-1]["event_id"], timeline[-1]["content"]) == (sent, body), f"the honest message {number} did not arrive"
        readers = [self.bob, *self.fuzzers] if number % 5 == 0 else []
        for reader in readers:
            self.read_all(reader)

    def read_all(self, reader: Client) -> None:
        """An initial sync and each of its rooms, back to the beginning: everything stored can be told."""
        reply = self.server.run(reader.call("GET", "/_matrix/client/v3/sync", query={"full_state": "true"}))
        if reply.status == 401:
            return
        assert reply.status == 200, (reply.status, reply.body)
        answer: Any = orjson.loads(reply.body if isinstance(reply.body, bytes) else b"")
        for room_id in answer.get("rooms", {}).get("join", {}):
            place: str | None = ""
            while place is not None:
                query = {"dir": "b", "limit": 1000, **({"from": place} if place else {})}
                page = self.server.ok(reader.get(f"/_matrix/client/v3/rooms/{quote(room_id, safe='')}/messages", query))
                place = page.get("end")
