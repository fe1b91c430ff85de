"""What application services are asked beside transactions: users, aliases, networks, pings, keys."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.appservices.house import AS_TOKEN, HS_TOKEN, Asked, House
from tests.support.rooms import path, refused

PING = "/_matrix/client/v1/appservice/irc/ping"
CLAIM = "/_matrix/app/unstable/org.matrix.msc3983/keys/claim"
QUERY = "/_matrix/app/unstable/org.matrix.msc3984/keys/query"
INSTANCE = {"network_id": "libera", "desc": "Libera", "fields": {}}
PROTOCOL = {"user_fields": ["nick"], "location_fields": ["channel"], "icon": "mxc://test/icon", "field_types": {}, "instances": [INSTANCE]}


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path, keys={"protocols": ["irc"]})
    yield house
    house.stop()


class TestAliases:
    def test_a_room_is_made_when_its_alias_is_looked_for(self, house: House) -> None:
        alice, bridge = house.server.user("alice"), house.bridge
        made: list[str] = []

        def make(asked: Asked) -> Any:
            made.append(asked.path)
            house.ok(bridge.post(path("createRoom"), {"preset": "public_chat", "room_alias_name": "_irc_tea"}))
            return {}

        house.service.answers["/_matrix/app/v1/rooms/"] = make
        house.ok(alice.post(path("join", "#_irc_tea:test")))
        house.ok(alice.get(path("directory", "room", "#_irc_tea:test")))
        assert made == ["/_matrix/app/v1/rooms/#_irc_tea:test"]

    def test_others_are_not_asked_for(self, house: House) -> None:
        alice = house.server.user("alice")
        refused(house.server.run(alice.get(path("directory", "room", "#other:test"))), 404, "M_NOT_FOUND")
        refused(house.server.run(alice.get(path("directory", "room", "#_irc_no:test"))), 404, "M_NOT_FOUND")
        house.service.down = True
        refused(house.server.run(alice.get(path("directory", "room", "#_irc_no:test"))), 404, "M_NOT_FOUND")
        assert [asked.path for asked in house.service.asked] == ["/_matrix/app/v1/rooms/#_irc_no:test"]

    def test_the_way_of_former_days(self, house: House) -> None:
        alice = house.server.user("alice")
        house.service.answers["/_matrix/app/v1/"] = (404, {"errcode": "M_UNRECOGNIZED"})
        house.server.run(alice.get(path("directory", "room", "#_irc_no:test")))
        assert [asked.path for asked in house.service.asked][-1] == "/rooms/#_irc_no:test"


class TestNetworks:
    def test_protocols(self, house: House) -> None:
        alice = house.server.user("alice")
        assert house.ok(alice.get(path("thirdparty", "protocols"))) == {}
        house.wait(40)
        house.service.answers["/_matrix/app/v1/thirdparty/protocol/irc"] = PROTOCOL
        described = house.ok(alice.get(path("thirdparty", "protocols")))["irc"]
        assert described == {**PROTOCOL, "instances": [{**INSTANCE, "instance_id": "irc|libera"}]}
        assert house.ok(alice.get(path("thirdparty", "protocol", "irc"))) == described
        refused(house.server.run(alice.get(path("thirdparty", "protocol", "xmpp"))), 404, "M_NOT_FOUND")

    def test_locations_and_users(self, house: House) -> None:
        alice = house.server.user("alice")
        place = {"alias": "#_irc_tea:test", "protocol": "irc", "fields": {"channel": "#tea"}}
        person = {"userid": "@_irc_bob:test", "protocol": "irc", "fields": {"nick": "bob"}}
        house.service.answers["/_matrix/app/v1/thirdparty/location"] = [place]
        house.service.answers["/_matrix/app/v1/thirdparty/user"] = [person]
        assert house.ok(alice.get(path("thirdparty", "location", "irc"), {"channel": "#tea"})) == [place]
        assert house.service.asked[-1].path == "/_matrix/app/v1/thirdparty/location/irc?channel=#tea"
        assert house.ok(alice.get(path("thirdparty", "location"), {"alias": "#_irc_tea:test"})) == [place]
        assert house.ok(alice.get(path("thirdparty", "user", "irc"), {"nick": "bob"})) == [person]
        assert house.ok(alice.get(path("thirdparty", "user"), {"userid": "@_irc_bob:test"})) == [person]

    def test_a_network_s_own_list_of_rooms(self, house: House) -> None:
        room = house.room(house.bridge)
        house.ok(house.bridge.put(path("directory", "list", "appservice", "libera", room), {"visibility": "public"}))
        alice = house.server.user("alice")
        for instance in ("irc|libera", "libera"):
            listed = house.ok(alice.post(path("publicRooms"), {"third_party_instance_id": instance}))
            assert [chunk["room_id"] for chunk in listed["chunk"]] == [room]
        assert house.ok(alice.post(path("publicRooms"), {}))["chunk"] == []


class TestPings:
    def test_it_is_reached(self, house: House) -> None:
        house.service.answers["/_matrix/app/v1/ping"] = {}
        assert isinstance(house.ok(house.bridge.post(PING, {"transaction_id": "meow"}))["duration_ms"], int)
        asked = house.service.asked[-1]
        assert (asked.method, asked.path, asked.body) == ("POST", "/_matrix/app/v1/ping", {"transaction_id": "meow"})
        assert asked.headers["Authorization"] == f"Bearer {HS_TOKEN}"

    def test_it_is_not(self, house: House) -> None:
        house.service.answers["/_matrix/app/v1/ping"] = (403, {"errcode": "M_FORBIDDEN"})
        status, answer = house.server.run(house.bridge.post(PING))
        assert (status, answer["errcode"], answer["status"]) == (502, "M_BAD_STATUS", 403)
        assert answer["body"] == '{"errcode":"M_FORBIDDEN"}'
        house.service.down = True
        refused(house.server.run(house.bridge.post(PING)), 502, "M_CONNECTION_FAILED")

    def test_who_may_ask(self, house: House, tmp_path: Path) -> None:
        refused(house.server.run(house.server.user("alice").post(PING)), 403, "M_FORBIDDEN")
        refused(house.server.run(house.bridge.post(PING.replace("irc", "xmpp"))), 403, "M_FORBIDDEN")
        silent = House(tmp_path / "silent", keys={"url": None})
        refused(silent.server.run(silent.bridge.post(PING)), 400, "M_URL_NOT_SET")
        silent.stop()


class TestKeys:
    def test_queries_are_handed_on(self, house: House) -> None:
        alice, ghost = house.server.user("alice"), house.ghost("bob")["user_id"]
        device = {"user_id": ghost, "device_id": "D", "algorithms": [], "keys": {}, "signatures": {}}
        stranger = {**device, "user_id": "@alice:test"}
        master = {"user_id": ghost, "usage": ["master"], "keys": {"ed25519:k": "k"}}
        house.service.answers[QUERY] = {
            "device_keys": {ghost: {"D": device, "E": device}, "@alice:test": {"D": stranger}},
            "master_keys": {ghost: master},
            "user_signing_keys": {ghost: master},
        }
        answer = house.ok(alice.post(path("keys", "query"), {"device_keys": {ghost: [], "@alice:test": []}}))
        assert answer["device_keys"] == {ghost: {"D": device}, "@alice:test": {}}
        assert answer["master_keys"] == {ghost: master}
        assert answer["user_signing_keys"] == {}
        assert house.service.asked[-1].body == {ghost: []}

    def test_claims_are_handed_on_where_nothing_is_left_here(self, house: House) -> None:
        alice, ghost = house.server.user("alice"), house.ghost("bob")["user_id"]
        key = {"signed_curve25519:AAAA": {"key": "k", "signatures": {}}}
        house.service.answers[CLAIM] = {ghost: {"D": key}}
        wanted = {"one_time_keys": {ghost: {"D": "signed_curve25519"}}}
        assert house.ok(alice.post(path("keys", "claim"), wanted))["one_time_keys"] == {ghost: {"D": key}}
        assert house.service.asked[-1].body == {ghost: {"D": ["signed_curve25519"]}}

    def test_who_does_not_know_the_question_is_left_alone(self, house: House) -> None:
        alice, ghost = house.server.user("alice"), house.ghost("bob")["user_id"]
        house.service.answers[QUERY] = (404, {"errcode": "M_UNRECOGNIZED"})
        for _ in range(3):
            assert house.ok(alice.post(path("keys", "query"), {"device_keys": {ghost: []}}))["device_keys"] == {ghost: {}}
        assert len(house.service.asked) == 1


def test_tokens_do_not_appear_in_errors(house: House) -> None:
    assert AS_TOKEN not in repr(house.server.server._parts.appservices.enlisted.services.get("irc").registration)  # type: ignore[union-attr]
