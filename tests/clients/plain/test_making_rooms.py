"""Rooms over plain HTTP: made in every way, entered, left, named, listed, upgraded."""

from typing import Any

import pytest

from tests.clients.house import NAME, House
from tests.clients.person import v1, v3


@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_every_room_version(version: str, house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(room_version=version, preset="public_chat", name="Any", topic="thing")
    bob.join(room)
    sent = bob.send(room, "hello")
    assert alice.get(v3("rooms", room, "event", sent))["content"]["body"] == "hello"
    joined = bob.sync()["rooms"]["join"][room]
    assert sent in [event["event_id"] for event in joined["timeline"]["events"]]
    redaction = bob.put(v3("rooms", room, "redact", sent, "t"), {"reason": "oops"})["event_id"]
    because = alice.get(v3("rooms", room, "event", sent))["unsigned"]["redacted_because"]
    assert because["event_id"] == redaction
    assert alice.get(v3("rooms", room, "state", "m.room.create"))["room_version" if version != "1" else "creator"]


@pytest.mark.parametrize(
    ("preset", "rule", "guests"),
    [("private_chat", "invite", "can_join"), ("trusted_private_chat", "invite", "can_join"), ("public_chat", "public", None)],
)
def test_presets(preset: str, rule: str, guests: str | None, house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(preset=preset, invite=[bob.user_id], is_direct=True)
    assert alice.get(v3("rooms", room, "state", "m.room.join_rules")) == {"join_rule": rule}
    told = {event["type"]: event["content"] for event in alice.get(v3("rooms", room, "state"))}
    assert told.get("m.room.guest_access", {}).get("guest_access") == guests
    assert alice.get(v3("rooms", room, "state", "m.room.history_visibility")) == {"history_visibility": "shared"}
    invite = bob.sync()["rooms"]["invite"][room]["invite_state"]["events"]
    own = next(event for event in invite if event.get("state_key") == bob.user_id)
    assert own["content"]["is_direct"] is True


@pytest.mark.parametrize(
    ("options", "status", "errcode"),
    [
        ({"room_version": "99"}, 400, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"preset": "party"}, 400, "M_INVALID_PARAM"),
        ({"visibility": 3}, 400, "M_INVALID_PARAM"),
        ({"invite": "everybody"}, 400, "M_BAD_JSON"),
        ({"invite": ["nobody"]}, 400, "M_INVALID_PARAM"),
        ({"room_alias_name": "with space"}, 400, "M_INVALID_PARAM"),
        ({"initial_state": [{"type": "m.room.member", "state_key": "@a:b", "content": {}}]}, 400, "M_INVALID_ROOM_STATE"),
        ({"power_level_content_override": {"users": {"x": 1}}}, 400, "M_INVALID_ROOM_STATE"),
    ],
)
def test_rooms_that_cannot_be(options: dict[str, Any], status: int, errcode: str, house: House) -> None:
    house.person("alice").refused(status, errcode, "POST", v3("createRoom"), options)


def test_coming_and_going(house: House) -> None:
    alice, bob, carol = house.people("alice", "bob", "carol")
    room = alice.create_room()
    bob.refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "join"), {})
    alice.post(v3("rooms", room, "invite"), {"user_id": bob.user_id, "reason": "tea"})
    assert bob.post(v3("rooms", room, "join"), {"reason": "gladly"}) == {"room_id": room}
    assert bob.get(v3("joined_rooms"))["joined_rooms"] == [room]
    bob.refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "kick"), {"user_id": alice.user_id})
    bob.refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "ban"), {"user_id": alice.user_id})
    carol.refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "invite"), {"user_id": carol.user_id})
    alice.post(v3("rooms", room, "kick"), {"user_id": bob.user_id, "reason": "out"})
    alice.post(v3("rooms", room, "ban"), {"user_id": bob.user_id, "reason": "stay out"})
    alice.refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "invite"), {"user_id": bob.user_id})
    alice.post(v3("rooms", room, "unban"), {"user_id": bob.user_id})
    alice.refused(403, "M_BAD_STATE", "POST", v3("rooms", room, "unban"), {"user_id": carol.user_id})
    alice.refused(400, "M_UNKNOWN", "POST", v3("rooms", room, "forget"), {})
    bob.post(v3("rooms", room, "forget"))
    alice.post(v3("rooms", room, "leave"), {"reason": "tired"})
    carol.refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "leave"), {})
    carol.refused(404, "M_NOT_FOUND", "POST", v3("join", f"#nowhere:{NAME}"), {})
    alice.refused(400, "M_INVALID_PARAM", "POST", v3("rooms", "nonsense", "join"), {})


def test_knocking(house: House) -> None:
    alice, bob, carol = house.people("alice", "bob", "carol")
    room = alice.create_room(initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    assert bob.post(v3("knock", room), {"reason": "please"}) == {"room_id": room}
    assert room in bob.sync()["rooms"]["knock"]
    bob.post(v3("rooms", room, "leave"))  # takes it back
    closed = alice.create_room()
    carol.refused(403, "M_FORBIDDEN", "POST", v3("knock", closed), {})
    carol.refused(404, "M_NOT_FOUND", "POST", v3("knock", f"#nowhere:{NAME}"), {})


def test_restricted_rooms(house: House) -> None:
    alice, bob, carol = house.people("alice", "bob", "carol")
    club = alice.create_room(preset="public_chat")
    allow = [{"type": "m.room_membership", "room_id": club}]
    rules = {"type": "m.room.join_rules", "content": {"join_rule": "restricted", "allow": allow}}
    room = alice.create_room(initial_state=[rules])
    bob.join(club)
    bob.join(room)
    carol.refused(403, "M_FORBIDDEN", "POST", v3("join", room), {})
    summary = carol.exchange("GET", v1("room_summary", room))
    assert summary[0] == 404


def test_names(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(preset="public_chat", room_alias_name=house.new_name("first"))
    alias = f"#{house.new_name('second')}:{NAME}"
    alice.put(v3("directory", "room", alias), {"room_id": room})
    assert house.stranger().get(v3("directory", "room", alias)) == {"room_id": room, "servers": [NAME]}
    alice.refused(409, "M_UNKNOWN", "PUT", v3("directory", "room", alias), {"room_id": room})
    assert alias in alice.get(v3("rooms", room, "aliases"))["aliases"]
    bob.refused(403, "M_FORBIDDEN", "GET", v3("rooms", room, "aliases"))
    bob.refused(403, "M_FORBIDDEN", "DELETE", v3("directory", "room", alias))
    bob.refused(400, "M_INVALID_PARAM", "PUT", v3("directory", "room", "nonsense"), {"room_id": room})
    assert bob.post(v3("join", alias))["room_id"] == room
    alice.refused(400, "M_BAD_ALIAS", "PUT", v3("rooms", room, "state", "m.room.canonical_alias"), {"alias": f"#nowhere:{NAME}"})
    alice.set_state(room, "m.room.canonical_alias", {"alias": alias})
    alice.delete(v3("directory", "room", alias))
    alice.refused(404, "M_NOT_FOUND", "GET", v3("directory", "room", alias))
    alice.refused(404, "M_NOT_FOUND", "DELETE", v3("directory", "room", alias))


def test_the_directory(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    word = house.new_name("haystack")
    rooms = [alice.create_room(visibility="public", preset="public_chat", name=f"{word} {number}") for number in range(3)]
    space = alice.create_room(visibility="public", preset="public_chat", name=word, creation_content={"type": "m.space"})
    search = {"filter": {"generic_search_term": word}, "limit": 2}
    first = bob.post(v3("publicRooms"), search)
    rest = bob.post(v3("publicRooms"), search | {"since": first["next_batch"]})
    assert {room["room_id"] for room in first["chunk"] + rest["chunk"]} == {*rooms, space}
    back = bob.post(v3("publicRooms"), search | {"since": rest["prev_batch"]})
    assert back["chunk"] == first["chunk"]
    spaces = bob.post(v3("publicRooms"), {"filter": {"generic_search_term": word, "room_types": ["m.space"]}})
    assert [room["room_id"] for room in spaces["chunk"]] == [space]
    assert len(bob.get(v3("publicRooms", limit=1))["chunk"]) == 1
    house.stranger().refused(401, "M_MISSING_TOKEN", "GET", v3("publicRooms"))
    assert bob.get(v3("directory", "list", "room", rooms[0])) == {"visibility": "public"}
    bob.refused(403, "M_FORBIDDEN", "PUT", v3("directory", "list", "room", rooms[0]), {"visibility": "private"})
    alice.put(v3("directory", "list", "room", rooms[0]), {"visibility": "private"})
    assert bob.get(v3("directory", "list", "room", rooms[0])) == {"visibility": "private"}
    bob.refused(404, "M_NOT_FOUND", "GET", v3("directory", "list", "room", f"!unknown:{NAME}"))
    status, _ = alice.exchange("PUT", v3("directory", "list", "appservice", "net", rooms[0]), {"visibility": "public"})
    assert status in (401, 403)


def test_upgrading(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    alias = house.new_name("town")
    old = alice.create_room(preset="public_chat", room_version="10", room_alias_name=alias, name="Town")
    bob.join(old)
    bob.refused(403, "M_FORBIDDEN", "POST", v3("rooms", old, "upgrade"), {"new_version": "12"})
    alice.refused(400, "M_UNSUPPORTED_ROOM_VERSION", "POST", v3("rooms", old, "upgrade"), {"new_version": "99"})
    new = alice.post(v3("rooms", old, "upgrade"), {"new_version": "12"})["replacement_room"]
    assert bob.get(v3("directory", "room", f"#{alias}:{NAME}"))["room_id"] == new
    assert alice.get(v3("rooms", old, "state", "m.room.tombstone"))["replacement_room"] == new
    assert alice.get(v3("rooms", new, "state", "m.room.create"))["predecessor"]["room_id"] == old
    assert alice.get(v3("rooms", new, "state", "m.room.name")) == {"name": "Town"}


def test_looking_before_entering(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    space = alice.create_room(preset="public_chat", name="House", creation_content={"type": "m.space"})
    rooms = [alice.create_room(preset="public_chat", name=f"Room {number}") for number in range(3)]
    for room in rooms:
        alice.set_state(space, "m.space.child", {"via": [NAME], "suggested": room == rooms[1]}, room)
    pages = [bob.get(v1("rooms", space, "hierarchy", limit=2))]
    while "next_batch" in pages[-1]:
        pages.append(bob.get(v1("rooms", space, "hierarchy", limit=2, **{"from": pages[-1]["next_batch"]})))
    assert [room["room_id"] for page in pages for room in page["rooms"]] == [space, *rooms]
    suggested = bob.get(v1("rooms", space, "hierarchy", suggested_only="true", max_depth=1))
    assert [room["room_id"] for room in suggested["rooms"]] == [space, rooms[1]]
    summary = house.stranger().get(v1("room_summary", rooms[0]))
    assert (summary["name"], summary["join_rule"], summary["num_joined_members"]) == ("Room 0", "public", 1)
    assert alice.get(v1("room_summary", rooms[0]))["membership"] == "join"
    bob.refused(403, "M_FORBIDDEN", "GET", v1("rooms", f"!unknown:{NAME}", "hierarchy"))
    bob.refused(404, "M_NOT_FOUND", "GET", v1("room_summary", f"!unknown:{NAME}"))
    bob.refused(400, "M_INVALID_PARAM", "GET", v1("rooms", space, "hierarchy", limit="many"))
