"""An application service, and the other network to which it leads."""

from tests.clients.bridge import AS_TOKEN, NETWORK, PLACE, PREFIX, PROTOCOL, SOMEBODY
from tests.clients.house import NAME, House
from tests.clients.person import Person, v1, v3


def bridge(house: House) -> Person:
    return Person(house.address, f"@{PREFIX}bot:{NAME}", AS_TOKEN)


def test_what_the_network_is(house: House) -> None:
    alice = house.person("alice")
    described = alice.get(v3("thirdparty", "protocol", NETWORK))
    assert described["instances"] == [{**PROTOCOL["instances"][0], "instance_id": "bridge|libera"}]  # type: ignore[index]
    assert alice.get(v3("thirdparty", "protocols")) == {NETWORK: described}
    alice.refused(404, "M_NOT_FOUND", "GET", v3("thirdparty", "protocol", "xmpp"))


def test_who_and_what_is_there(house: House) -> None:
    alice = house.person("alice")
    assert alice.get(v3("thirdparty", "location", NETWORK, channel="#tea")) == [PLACE]
    assert alice.get(v3("thirdparty", "location", alias=PLACE["alias"])) == [PLACE]
    assert alice.get(v3("thirdparty", "user", NETWORK, nick="bob")) == [SOMEBODY]
    assert alice.get(v3("thirdparty", "user", userid=SOMEBODY["userid"])) == [SOMEBODY]
    alice.refused(404, "M_NOT_FOUND", "GET", v3("thirdparty", "location", "xmpp"))


def test_its_own_list_of_rooms(house: House) -> None:
    service, alice = bridge(house), house.person("alice")
    room = service.post(v3("createRoom"), {"preset": "public_chat"})["room_id"]
    service.put(v3("directory", "list", "appservice", "libera", room), {"visibility": "public"})
    listed = alice.post(v3("publicRooms"), {"third_party_instance_id": "bridge|libera"})["chunk"]
    assert [found["room_id"] for found in listed] == [room]
    service.put(v3("directory", "list", "appservice", "libera", room), {"visibility": "private"})
    alice.refused(403, "M_FORBIDDEN", "PUT", v3("directory", "list", "appservice", "libera", room), {"visibility": "public"})


def test_ping(house: House) -> None:
    service, alice = bridge(house), house.person("alice")
    assert service.post(v1("appservice", "bridge", "ping"), {"transaction_id": "meow"})["duration_ms"] >= 0
    service.refused(403, "M_FORBIDDEN", "POST", v1("appservice", "other", "ping"), {})
    alice.refused(403, "M_FORBIDDEN", "POST", v1("appservice", "bridge", "ping"), {"transaction_id": "t"})


def test_a_ghost(house: House) -> None:
    service, alice = bridge(house), house.person("alice")
    name = f"{PREFIX}{house.new_name('ghost')}"
    ghost = service.post(v3("register", user_id=f"@{name}:{NAME}"), {"type": "m.login.application_service", "username": name})["user_id"]
    room = alice.post(v3("createRoom"), {"preset": "public_chat"})["room_id"]
    service.post(v3("rooms", room, "join", user_id=ghost))
    sent = v3("rooms", room, "send", "m.room.message", "1", user_id=ghost, ts=1_000_000_000_000)
    event_id = service.put(sent, {"msgtype": "m.text", "body": "hello"})["event_id"]
    event = alice.get(v3("rooms", room, "event", event_id))
    assert (event["sender"], event["origin_server_ts"]) == (ghost, 1_000_000_000_000)
    status, _ = service.exchange("PUT", v3("devices", "GHOST", user_id=ghost), {"display_name": "ghost"})
    assert status == 201
    assert service.get(v3("account", "whoami", user_id=ghost, device_id="GHOST"))["device_id"] == "GHOST"
    service.refused(400, "M_UNKNOWN_DEVICE", "GET", v3("account", "whoami", user_id=ghost, device_id="OTHER"))
    service.refused(403, "M_FORBIDDEN", "GET", v3("account", "whoami", user_id=alice.user_id))
    house.stranger().refused(400, "M_EXCLUSIVE", "GET", v3("register", "available", username=f"{PREFIX}new"))
