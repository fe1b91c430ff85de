"""What the administrators tell people."""

from homeserver.control.ask import ask
from tests.clients.house import NAME, House
from tests.clients.person import v3


def test_a_notice(house: House) -> None:
    alice = house.person("alice")
    question = {"text": "The server sleeps at night", "to": alice.user_id, "all": False}
    assert ask(str(house.folder / "data"), "send-notice", question) == {"result": [f"{alice.user_id} has been told."]}
    (room,) = alice.sync()["rooms"]["invite"]
    alice.refused(403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", "POST", v3("rooms", room, "leave"), {})
    alice.join(room)
    joined = alice.sync()["rooms"]["join"][room]
    assert joined["timeline"]["events"][-2]["content"] == {"msgtype": "m.text", "body": "The server sleeps at night"}
    assert joined["timeline"]["events"][-2]["sender"] == f"@_server:{NAME}"
    assert alice.get(v3("user", alice.user_id, "rooms", room, "tags")) == {"tags": {"m.server_notice": {}}}
    alice.refused(403, "M_FORBIDDEN", "DELETE", v3("user", alice.user_id, "rooms", room, "tags", "m.server_notice"))
    alice.post(v3("rooms", room, "leave"))


def test_a_notice_by_http(house: House) -> None:
    admin, alice = house.administrator(), house.person("alice")
    body = {"user_id": alice.user_id, "content": {"msgtype": "m.text", "body": "The server sleeps at night"}}
    place = "/_synapse/admin/v1/send_server_notice"
    first = admin.post(place, body)["event_id"]
    second = admin.put(f"{place}/1", body)["event_id"]
    assert admin.put(f"{place}/1", body)["event_id"] == second != first
    alice.refused(403, "M_FORBIDDEN", "POST", place, body)
