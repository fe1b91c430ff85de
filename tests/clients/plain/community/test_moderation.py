"""Administrators lock and suspend accounts, and see who uses them."""

from tests.clients.house import House
from tests.clients.person import v1, v3


def test_a_locked_account(house: House) -> None:
    admin, alice = house.administrator(), house.person("alice")
    lock = v1("admin", "lock", alice.user_id)
    assert admin.get(lock) == {"locked": False}
    assert admin.put(lock, {"locked": True}) == {"locked": True}
    assert alice.refused(401, "M_USER_LOCKED", "GET", v3("sync"))["soft_logout"] is True
    alice.refused(401, "M_USER_LOCKED", "GET", v3("account", "whoami"))
    assert admin.put(lock, {"locked": False}) == {"locked": False}
    assert alice.sync()["next_batch"]
    alice.refused(403, "M_FORBIDDEN", "PUT", lock, {"locked": False})


def test_a_suspended_account_reads_and_says_nothing(house: House) -> None:
    admin, alice, bob = house.administrator(), *house.people("alice", "bob")
    room = bob.create_room(preset="public_chat")
    alice.join(room)
    mine, his = alice.send(room, "mine"), bob.send(room, "his")
    suspend = v1("admin", "suspend", alice.user_id)
    assert admin.get(suspend) == {"suspended": False}
    assert admin.put(suspend, {"suspended": True}) == {"suspended": True}
    for method, path, body in (
        ("PUT", v3("rooms", room, "send", "m.room.message", "s1"), {"msgtype": "m.text", "body": "no"}),
        ("PUT", v3("rooms", room, "redact", his, "s2"), {}),
        ("PUT", v3("rooms", room, "typing", alice.user_id), {"typing": True}),
        ("PUT", v3("profile", alice.user_id, "displayname"), {"displayname": "no"}),
        ("POST", v3("createRoom"), {}),
        ("POST", v3("join", room), {}),
        ("POST", v3("rooms", room, "invite"), {"user_id": admin.user_id}),
        ("POST", "/_matrix/media/v3/upload", b"no"),
    ):
        alice.refused(403, "M_USER_SUSPENDED", method, path, body)
    bob.send(room, "she reads this")
    assert alice.sync()["rooms"]["join"][room]["timeline"]["events"][-1]["content"]["body"] == "she reads this"
    alice.put(v3("rooms", room, "redact", mine, "s3"), {})
    alice.post(v3("rooms", room, "leave"))
    assert alice.log_in().get(v3("account", "whoami"))["user_id"] == alice.user_id
    assert admin.put(suspend, {"suspended": False}) == {"suspended": False}
    alice.join(room)


def test_who_is_it(house: House) -> None:
    admin, alice = house.administrator(), house.person("alice")
    alice.get(v3("account", "whoami"))
    answer = admin.get(v3("admin", "whois", alice.user_id))
    assert answer["user_id"] == alice.user_id
    assert answer["devices"][alice.device_id]["sessions"][0]["connections"][0]["ip"]
    alice.refused(403, "M_FORBIDDEN", "GET", v3("admin", "whois", admin.user_id))
    assert admin.get(v3("capabilities"))["capabilities"]["m.account_moderation"] == {"suspend": True, "lock": True}
