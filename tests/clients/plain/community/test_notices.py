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
    assert joined["timeline"]["events"][-2]["sender"] == f"@notices:{NAME}"
    assert alice.get(v3("user", alice.user_id, "rooms", room, "tags")) == {"tags": {"m.server_notice": {}}}
    alice.refused(403, "M_FORBIDDEN", "DELETE", v3("user", alice.user_id, "rooms", room, "tags", "m.server_notice"))
    alice.post(v3("rooms", room, "leave"))
