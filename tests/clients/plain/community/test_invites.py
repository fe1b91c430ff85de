"""Whose invites one takes."""

from tests.clients.house import NAME, House
from tests.clients.person import Person, v3

LISTS = "org.matrix.msc4155.invite_permission_config"


def take(person: Person, config: dict[str, object], kind: str = LISTS) -> None:
    person.put(v3("user", person.user_id, "account_data", kind), config)


def invited(person: Person) -> set[str]:
    return set(person.sync().get("rooms", {}).get("invite", {}))


def test_users_and_servers_blocked_and_ignored(house: House) -> None:
    alice, bob, carol = house.people("alice", "bob", "carol")
    room = bob.create_room()
    invite = v3("rooms", room, "invite")
    take(alice, {"blocked_users": [bob.user_id]})
    bob.refused(403, "M_INVITE_BLOCKED", "POST", invite, {"user_id": alice.user_id})
    bob.refused(403, "M_INVITE_BLOCKED", "PUT", v3("rooms", room, "state", "m.room.member", alice.user_id), {"membership": "invite"})
    bob.refused(403, "M_INVITE_BLOCKED", "POST", v3("createRoom"), {"invite": [alice.user_id]})
    take(alice, {"ignored_servers": [f"{NAME[:3]}*"], "allowed_users": [carol.user_id]})
    bob.post(invite, {"user_id": alice.user_id})  # who is ignored is told nothing
    assert invited(alice) == set()
    other = carol.create_room(invite=[alice.user_id])
    assert invited(alice) == {other}
    take(alice, {})
    assert invited(alice) == {other, room}


def test_no_invites_at_all(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = bob.create_room()
    take(alice, {"default_action": "block"}, "m.invite_permission_config")
    bob.refused(403, "M_INVITE_BLOCKED", "POST", v3("rooms", room, "invite"), {"user_id": alice.user_id})


def test_by_an_address(house: House) -> None:
    """It would take an identity server."""
    alice = house.person("alice")
    invite = v3("rooms", alice.create_room(), "invite")
    address = {"id_server": "id.test", "id_access_token": "x", "medium": "email", "address": "bob@mail.test"}
    alice.refused(400, "M_SERVER_NOT_TRUSTED", "POST", invite, address)
    alice.refused(400, "M_MISSING_PARAM", "POST", invite, {"medium": "email"})
