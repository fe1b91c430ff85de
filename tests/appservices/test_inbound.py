"""What application services may do at the client-server API: act as their users and devices, keep their names to themselves, say when it was."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.appservices.house import House
from tests.encryption.crypto import Identity
from tests.support.rooms import path, refused


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.stop()


class TestIdentity:
    def test_the_sender_has_an_account_and_acts_where_nobody_is_named(self, house: House) -> None:
        assert house.ok(house.bridge.get(path("account", "whoami"))) == {"user_id": "@_irc_bot:test", "is_guest": False}
        assert house.ok(house.bridge.get(path("profile", "@_irc_bot:test")))["displayname"] == "_irc_bot"

    def test_its_users(self, house: House) -> None:
        ghost = house.ghost("bob")
        assert house.ok(house.bridge.get(path("account", "whoami"), ghost))["user_id"] == "@_irc_bob:test"
        house.ok(house.bridge.put(path("profile", "@_irc_bob:test", "displayname"), {"displayname": "Bob"}, query=ghost))
        house.ok(house.bridge.get(path("sync"), ghost))

    def test_nobody_else(self, house: House) -> None:
        house.server.user("alice")
        for user_id in ("@alice:test", "@_irc_unknown:test", "@_irc_bob:elsewhere", "nonsense"):
            refused(house.server.run(house.bridge.get(path("account", "whoami"), {"user_id": user_id})), 403, "M_FORBIDDEN")
        refused(house.server.run(house.server.client.with_token("as-secret2").get(path("account", "whoami"))), 401, "M_UNKNOWN_TOKEN")

    def test_devices(self, house: House) -> None:
        ghost = house.ghost("bob")
        as_device = {**ghost, "device_id": "D"}
        refused(house.server.run(house.bridge.get(path("account", "whoami"), as_device)), 400, "M_UNKNOWN_DEVICE")
        assert house.server.run(house.bridge.put(path("devices", "D"), {"display_name": "bridge"}, query=ghost))[0] == 201
        assert house.ok(house.bridge.get(path("account", "whoami"), as_device))["device_id"] == "D"
        refused(house.server.run(house.bridge.post(path("keys", "upload"), {}, query=ghost)), 400, "M_INVALID_PARAM")
        assert house.ok(house.bridge.post(path("keys", "upload"), {}, query=as_device)) == {"one_time_key_counts": {}}
        house.ok(house.bridge.delete(path("devices", "D"), {}, query=ghost))
        refused(house.server.run(house.bridge.get(path("account", "whoami"), as_device)), 400, "M_UNKNOWN_DEVICE")

    def test_a_device_by_the_name_of_a_key(self, house: House) -> None:
        ghost = house.ghost("bob")
        identity = Identity(ghost["user_id"])
        house.ok(house.bridge.post(path("keys", "device_signing", "upload"), identity.upload(), query=ghost))
        device = path("devices", identity.master.public_base64)
        refused(house.server.run(house.bridge.put(device, {}, query=ghost)), 403, "M_FORBIDDEN")

    def test_a_closed_account(self, house: House) -> None:
        ghost = house.ghost("bob")
        house.ok(house.bridge.get(path("account", "whoami"), ghost))
        house.ok(house.bridge.post(path("account", "deactivate"), {}, query=ghost))
        refused(house.server.run(house.bridge.get(path("account", "whoami"), ghost)), 403, "M_USER_DEACTIVATED")


class TestNames:
    def test_people_do_not_get_them(self, house: House) -> None:
        body = {"username": "_irc_eve", "password": "secret", "auth": {"type": "m.login.dummy"}}
        refused(house.server.run(house.server.client.post(path("register"), body)), 400, "M_EXCLUSIVE")
        alice = house.server.user("alice")
        room = house.room(alice)
        refused(house.server.run(alice.put(path("directory", "room", "#_irc_x:test"), {"room_id": room})), 400, "M_EXCLUSIVE")

    def test_the_bridge_gets_no_others(self, house: House) -> None:
        body = {"type": "m.login.application_service", "username": "eve"}
        refused(house.server.run(house.bridge.post(path("register"), body)), 400, "M_EXCLUSIVE")
        room = house.room(house.bridge)
        refused(house.server.run(house.bridge.put(path("directory", "room", "#x:test"), {"room_id": room})), 400, "M_EXCLUSIVE")
        house.ok(house.bridge.put(path("directory", "room", "#_irc_x:test"), {"room_id": room}))
        house.ok(house.bridge.delete(path("directory", "room", "#_irc_x:test")))

    def test_a_ghost_is_named_while_it_is_registered(self, house: House) -> None:
        body = {"type": "m.login.application_service", "username": "_irc_bob"}
        query = {"user_id": "@_irc_bob:test"}
        assert house.ok(house.bridge.post(path("register"), body, query=query))["user_id"] == "@_irc_bob:test"

    def test_log_in(self, house: House) -> None:
        house.ghost("bob")
        body = {"type": "m.login.application_service", "identifier": {"type": "m.id.user", "user": "_irc_bob"}}
        token = house.ok(house.bridge.post(path("login"), body))["access_token"]
        assert house.ok(house.server.client.with_token(token).get(path("account", "whoami")))["user_id"] == "@_irc_bob:test"
        refused(house.server.run(house.server.client.post(path("login"), body)), 401, "M_MISSING_TOKEN")
        refused(house.server.run(house.server.user("alice").post(path("login"), body)), 401, "M_UNKNOWN_TOKEN")


class TestTimes:
    TS = 1_000_000_000_000

    def test_messages_and_state(self, house: House) -> None:
        room = house.room(house.bridge)
        where = path("rooms", room, "send", "m.room.message", "1")
        sent = [
            house.ok(house.bridge.put(where, {"msgtype": "m.text", "body": "x"}, query={"ts": self.TS})),
            house.ok(house.bridge.put(path("rooms", room, "state", "m.room.topic"), {"topic": "x"}, query={"ts": self.TS})),
        ]
        for answer in sent:
            event = house.ok(house.bridge.get(path("rooms", room, "event", answer["event_id"])))
            assert event["origin_server_ts"] == self.TS

    def test_memberships(self, house: House) -> None:
        room, ghost = house.room(house.bridge), house.ghost("bob")
        where = path("rooms", room, "state", "m.room.member", ghost["user_id"])
        for content, query in (({"membership": "invite"}, {}), ({"membership": "join"}, ghost), ({"membership": "leave"}, ghost)):
            event_id = house.ok(house.bridge.put(where, content, query={**query, "ts": self.TS}))["event_id"]
            event = house.ok(house.bridge.get(path("rooms", room, "event", event_id)))
            assert (event["origin_server_ts"], event["content"]["membership"]) == (self.TS, content["membership"])

    def test_people_cannot(self, house: House) -> None:
        alice = house.server.user("alice")
        room = house.room(alice)
        event_id = house.say(alice, room, "x", ts=self.TS)
        assert house.ok(alice.get(path("rooms", room, "event", event_id)))["origin_server_ts"] > self.TS
        refused(
            house.server.run(house.bridge.put(path("rooms", room, "send", "m.room.message", "1"), {}, query={"ts": -1})),
            400,
            "M_INVALID_PARAM",
        )
