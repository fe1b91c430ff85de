"""Room upgrades: the successor, the old room, what moves along."""

from typing import Any

import pytest

from homeserver.protocol.room_versions import room_version
from homeserver.rooms.upgrade.carried import carried_join_rules
from tests.support.client import Client
from tests.support.rooms import create_room, join, member, path, refused, state_of
from tests.support.server import TestServer

ALICE, BOB, CHARLIE = "@alice:test", "@bob:test", "@charlie:test"


def upgrade(server: TestServer, client: Client, room_id: str, version: str, **body: Any) -> str:
    answer = server.ok(client.post(path("rooms", room_id, "upgrade"), {"new_version": version, **body}))
    assert list(answer) == ["replacement_room"]
    return str(answer["replacement_room"])


def set_levels(server: TestServer, client: Client, room_id: str, **levels: Any) -> None:
    server.ok(client.put(path("rooms", room_id, "state", "m.room.power_levels"), levels))


@pytest.mark.parametrize("old", ["1", "5", "9", "10", "11", "12"])
@pytest.mark.parametrize("new", ["1", "6", "10", "11", "12"])
def test_from_every_kind_to_every_kind(server: TestServer, alice: Client, old: str, new: str) -> None:
    initial = [
        {"type": "m.room.avatar", "content": {"url": "mxc://test/a"}},
        {"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}},
        {"type": "m.room.server_acl", "content": {"allow": ["*"], "deny": ["evil"]}},
        {"type": "m.room.history_visibility", "content": {"history_visibility": "invited"}},
        {"type": "org.example.custom", "content": {"a": 1}},
    ]
    room_id = create_room(
        server, alice, room_version=old, preset="public_chat", name="N", topic="T", initial_state=initial,
        creation_content={"m.federate": False, "org.example": 1},
    )  # fmt: skip
    assert member(server, alice, room_id, "ban", BOB, reason="spam")[0] == 200
    new_room = upgrade(server, alice, room_id, new)
    before, after = state_of(server, alice, room_id), state_of(server, alice, new_room)
    assert before["m.room.tombstone", ""]["replacement_room"] == new_room
    create = after["m.room.create", ""]
    assert (create["room_version"], create["m.federate"], create["predecessor"]["room_id"]) == (new, False, room_id)
    assert ("event_id" in create["predecessor"]) == (new != "12")
    assert "org.example" not in create
    for type in ("m.room.avatar", "m.room.encryption", "m.room.server_acl", "m.room.history_visibility", "m.room.name", "m.room.topic"):
        assert after[type, ""] == before[type, ""]
    assert after["m.room.join_rules", ""] == {"join_rule": "public"}
    assert after["m.room.guest_access", ""] == {"guest_access": "forbidden"}
    assert ("org.example.custom", "") not in after
    assert after["m.room.member", BOB] == {"membership": "ban", "reason": "spam"}
    assert after["m.room.power_levels", ""]["users"] == ({} if new == "12" else {ALICE: 100})
    quiet = before["m.room.power_levels", ""]
    assert (quiet["events_default"], quiet["invite"]) == (50, 50)


def test_the_tombstone_is_named_where_it_comes_first(server: TestServer, alice: Client) -> None:
    room_id = create_room(server, alice, room_version="10")
    new_room = upgrade(server, alice, room_id, "11")
    named = state_of(server, alice, new_room)["m.room.create", ""]["predecessor"]["event_id"]
    assert server.ok(alice.get(path("rooms", room_id, "event", named)))["type"] == "m.room.tombstone"


@pytest.mark.parametrize(
    ("version", "users", "upgrader", "additional", "expected"),
    [
        ("11", {BOB: 100}, "bob", None, {}),
        ("11", {BOB: 100, CHARLIE: 100}, "bob", None, {CHARLIE: 100}),
        ("12", {BOB: 150}, "bob", [CHARLIE], {}),
        ("12", {BOB: 150, CHARLIE: 50}, "bob", [CHARLIE], {}),
        ("11", {ALICE: 100, BOB: 100}, "alice", [BOB], {}),
        ("11", {ALICE: 100, BOB: 100, CHARLIE: 50}, "alice", [BOB, BOB], {CHARLIE: 50}),
    ],
)
def test_creators_are_not_in_the_power_levels(
    server: TestServer, version: str, users: dict[str, int], upgrader: str, additional: list[str] | None, expected: dict[str, int]
) -> None:
    clients = {name: server.user(name) for name in ("alice", "bob", "charlie")}
    room_id = create_room(server, clients["alice"], room_version=version, preset="public_chat")
    join(server, clients["bob"], room_id)
    join(server, clients["charlie"], room_id)
    set_levels(server, clients["alice"], room_id, users=users)
    body = {} if additional is None else {"additional_creators": additional}
    new_room = upgrade(server, clients[upgrader], room_id, "12", **body)
    state = state_of(server, clients[upgrader], new_room)
    assert state["m.room.power_levels", ""]["users"] == expected
    assert state["m.room.power_levels", ""]["events"]["m.room.tombstone"] == 150
    assert state["m.room.create", ""].get("additional_creators") == (None if additional is None else list(dict.fromkeys(additional)))


def test_creators_keep_power_in_a_version_without_them(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat", power_level_content_override={"users": {BOB: 50}})
    state = state_of(server, alice, upgrade(server, alice, room_id, "11", additional_creators=[CHARLIE]))
    assert state["m.room.power_levels", ""]["users"] == {ALICE: 100, BOB: 50}
    assert "additional_creators" not in state["m.room.create", ""]


def test_somebody_with_little_power_upgrades_where_that_is_enough(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, room_version="10", preset="public_chat", name="N", room_alias_name="here")
    join(server, bob, room_id)
    assert member(server, alice, room_id, "ban", CHARLIE)[0] == 200
    levels = {"users": {ALICE: 100, BOB: 20}, "events": {"m.room.tombstone": 20, "m.room.name": 75}, "ban": 60}
    set_levels(server, alice, room_id, **levels)
    new_room = upgrade(server, bob, room_id, "11")
    before, after = state_of(server, alice, room_id), state_of(server, bob, new_room)
    assert after["m.room.name", ""] == {"name": "N"}
    assert after["m.room.power_levels", ""] == levels
    assert after["m.room.member", CHARLIE]["membership"] == "ban"
    assert before["m.room.power_levels", ""] == levels  # no power to change them
    assert before["m.room.canonical_alias", ""] == {"alias": "#here:test"}
    assert server.ok(alice.get(path("directory", "room", "#here:test")))["room_id"] == new_room


def test_aliases_and_listing_move(server: TestServer, alice: Client) -> None:
    room_id = create_room(server, alice, visibility="public", room_alias_name="here", name="N")
    server.ok(alice.put(path("directory", "room", "#alt:test"), {"room_id": room_id}))
    server.ok(alice.put(path("rooms", room_id, "state", "m.room.canonical_alias"), {"alias": "#here:test", "alt_aliases": ["#alt:test"]}))
    new_room = upgrade(server, alice, room_id, "11")
    assert set(server.ok(alice.get(path("rooms", new_room, "aliases")))["aliases"]) == {"#here:test", "#alt:test"}
    assert server.ok(alice.get(path("rooms", room_id, "aliases"))) == {"aliases": []}
    moved = state_of(server, alice, new_room)["m.room.canonical_alias", ""]
    assert moved == {"alias": "#here:test", "alt_aliases": ["#alt:test"]}
    assert state_of(server, alice, room_id)["m.room.canonical_alias", ""] == {}
    assert [room["room_id"] for room in server.ok(alice.get(path("publicRooms")))["chunk"]] == [new_room]


def test_spaces_keep_what_they_hold(server: TestServer, alice: Client) -> None:
    room_id = create_room(server, alice)
    links = [
        {"type": "m.space.child", "state_key": room_id, "content": {"via": ["test"], "order": "a"}},
        {"type": "m.space.child", "state_key": "!gone:test", "content": {}},
        {"type": "m.space.parent", "state_key": "!parent:test", "content": {"via": ["test"], "canonical": True}},
    ]
    space = create_room(server, alice, creation_content={"type": "m.space"}, initial_state=links)
    state = state_of(server, alice, upgrade(server, alice, space, "11"))
    assert state["m.room.create", ""]["type"] == "m.space"
    assert state["m.space.child", room_id] == links[0]["content"]
    assert state["m.space.parent", "!parent:test"] == links[2]["content"]
    assert ("m.space.child", "!gone:test") not in state


def test_who_may_not(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    target = path("rooms", room_id, "upgrade")
    refused(server.run(bob.post(target, {"new_version": "12"})), 403, "M_FORBIDDEN")
    join(server, bob, room_id)
    refused(server.run(bob.post(target, {"new_version": "12"})), 403, "M_FORBIDDEN")
    refused(server.run(alice.post(target, {"new_version": "99"})), 400, "M_UNSUPPORTED_ROOM_VERSION")
    refused(server.run(alice.post(target, {})), 400, "M_MISSING_PARAM")
    refused(server.run(alice.post(target, {"new_version": "12", "additional_creators": ["x"]})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.post(path("rooms", "!none:test", "upgrade"), {"new_version": "12"})), 404, "M_NOT_FOUND")
    assert ("m.room.tombstone", "") not in state_of(server, alice, room_id)
    assert len(server.ok(alice.get(path("joined_rooms")))["joined_rooms"]) == 1


def personal(server: TestServer, client: Client, user: str, room_id: str) -> tuple[Any, Any]:
    tags = server.ok(client.get(path("user", user, "rooms", room_id, "tags")))["tags"]
    return tags, server.ok(client.get(path("user", user, "account_data", "m.direct")))


@pytest.mark.parametrize("manual", [False, True])
def test_settings_go_along(server: TestServer, alice: Client, bob: Client, manual: bool) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    join(server, bob, room_id)
    for client, user in ((alice, ALICE), (bob, BOB)):
        server.ok(client.put(path("user", user, "rooms", room_id, "tags", "m.favourite"), {"order": 0.5}))
        server.ok(client.put(path("user", user, "account_data", "m.direct"), {CHARLIE: [room_id], BOB: ["!else:test"]}))
    if manual:
        new_room = create_room(server, alice, preset="public_chat", creation_content={"predecessor": {"room_id": room_id}})
    else:
        new_room = upgrade(server, alice, room_id, "11")
    join(server, bob, new_room)
    expected = ({"m.favourite": {"order": 0.5}}, {CHARLIE: [room_id, new_room], BOB: ["!else:test"]})
    assert personal(server, alice, ALICE, new_room) == expected
    assert personal(server, bob, BOB, new_room) == expected
    server.ok(bob.delete(path("user", BOB, "rooms", new_room, "tags", "m.favourite")))
    server.ok(bob.post(path("rooms", new_room, "leave")))
    assert BOB not in server.ok(alice.get(path("rooms", new_room, "joined_members")))["joined"]


@pytest.mark.parametrize(
    ("rule", "version", "expected"),
    [
        ("public", "1", "public"),
        ("knock", "6", "invite"),
        ("knock", "7", "knock"),
        ("restricted", "7", "invite"),
        ("knock_restricted", "9", "restricted"),
        ("knock_restricted", "7", "knock"),
        ("knock_restricted", "10", "knock_restricted"),
        (5, "10", "invite"),
    ],
)
def test_join_rules_the_version_does_not_know(rule: Any, version: str, expected: str) -> None:
    assert carried_join_rules({"join_rule": rule}, room_version(version))["join_rule"] == expected
