"""The published room directory."""

from pathlib import Path
from typing import Any

from config.rooms import Rooms
from homeserver.rooms.directory.store import NetworkListing
from storage.finding.directory import Directory
from tests.support.client import Client
from tests.support.rooms import create_room, join, path, refused
from tests.support.server import TestServer, make_server

PUBLIC = path("publicRooms")


def names(answer: dict[str, Any]) -> list[str | None]:
    return [room.get("name") for room in answer["chunk"]]


def test_a_room_made_after_the_directory_was_read_is_in_it(server: TestServer) -> None:
    alice = server.user("alice")
    rooms = []
    for _ in range(3):
        rooms.append(create_room(server, alice, visibility="public", preset="public_chat"))
        listed = server.ok(alice.post("/_matrix/client/v3/publicRooms", {}))["chunk"]
        assert {room["room_id"] for room in listed} == set(rooms)


def test_what_a_room_shows(server: TestServer, alice: Client) -> None:
    initial = [{"type": "m.room.avatar", "content": {"url": "mxc://test/a"}}]
    room_id = create_room(server, alice, visibility="public", name="N", topic="T", room_alias_name="a", initial_state=initial)
    create_room(server, alice, preset="public_chat", name="not published")
    assert server.ok(alice.get(PUBLIC)) == {
        "chunk": [
            {
                "room_id": room_id,
                "num_joined_members": 1,
                "world_readable": False,
                "guest_can_join": False,
                "join_rule": "public",
                "name": "N",
                "topic": "T",
                "canonical_alias": "#a:test",
                "avatar_url": "mxc://test/a",
            }
        ],
        "total_room_count_estimate": 1,
    }


def test_changes_show_at_once(server: TestServer, alice: Client) -> None:
    bob = server.user("bob")
    room_id = create_room(server, alice, visibility="public", name="N")
    other = create_room(server, alice, visibility="public", name="M")
    assert server.ok(alice.get(PUBLIC))["total_room_count_estimate"] == 2
    join(server, bob, room_id)
    assert [room["num_joined_members"] for room in server.ok(alice.get(PUBLIC))["chunk"]] == [2, 1]
    join(server, bob, other)
    server.ok(bob.post(path("rooms", room_id, "leave")))
    assert names(server.ok(alice.get(PUBLIC))) == ["M", "N"]
    server.ok(alice.put(path("directory", "list", "room", other), {"visibility": "private"}))
    assert names(server.ok(alice.get(PUBLIC))) == ["N"]
    server.ok(alice.post(path("rooms", room_id, "leave")))
    assert names(server.ok(alice.get(PUBLIC))) == []


def test_a_room_nobody_could_enter_is_not_shown(server: TestServer, alice: Client) -> None:
    create_room(server, alice, visibility="public", preset="private_chat")
    assert server.ok(alice.get(PUBLIC))["chunk"] == []


def test_search(server: TestServer, alice: Client) -> None:
    create_room(server, alice, visibility="public", name="Kaffee STRASSE")
    create_room(server, alice, visibility="public", name="x", topic="all about Straßen")
    create_room(server, alice, visibility="public", name="aliased", room_alias_name="strasse")
    create_room(server, alice, visibility="public", name="space", creation_content={"type": "m.space"})

    def found(**wanted: Any) -> set[str | None]:
        return set(names(server.ok(alice.post(PUBLIC, {"filter": wanted}))))

    assert found(generic_search_term="straße") == {"Kaffee STRASSE", "x", "aliased"}
    assert found(generic_search_term="nothing") == set()
    assert found(room_types=["m.space"]) == {"space"}
    assert found(room_types=[None]) == {"Kaffee STRASSE", "x", "aliased"}
    assert found(room_types=[None, "m.space"], generic_search_term="SPACE") == {"space"}
    assert found(room_types=[]) == set()


def test_pages_forward_and_back(server: TestServer, alice: Client) -> None:
    bob = server.user("bob")
    for number in range(5):
        room_id = create_room(server, alice, visibility="public", name=str(number))
        if number == 3:
            join(server, bob, room_id)
    whole = names(server.ok(alice.get(PUBLIC)))
    assert whole[0] == "3"
    first = server.ok(alice.get(PUBLIC, {"limit": 2}))
    assert names(first) == whole[:2]
    assert "prev_batch" not in first
    second = server.ok(alice.get(PUBLIC, {"limit": 2, "since": first["next_batch"]}))
    assert names(second) == whole[2:4]
    third = server.ok(alice.post(PUBLIC, {"limit": 2, "since": second["next_batch"]}))
    assert (names(third), third["total_room_count_estimate"]) == (whole[4:], 5)
    assert "next_batch" not in third
    back = server.ok(alice.get(PUBLIC, {"limit": 2, "since": third["prev_batch"]}))
    assert names(back) == whole[2:4]
    refused(server.run(alice.get(PUBLIC, {"since": "what"})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.get(PUBLIC, {"limit": "-1"})), 400, "M_INVALID_PARAM")


def test_who_may_ask(server: TestServer, alice: Client, tmp_path: Path) -> None:
    refused(server.run(server.client.get(PUBLIC)), 401, "M_MISSING_TOKEN")
    refused(server.run(server.client.post(PUBLIC)), 401, "M_MISSING_TOKEN")
    open_server = make_server(tmp_path, rooms=Rooms(directory_needs_account=False))
    assert open_server.ok(open_server.client.get(PUBLIC))["chunk"] == []


def test_other_servers(server: TestServer, alice: Client) -> None:
    create_room(server, alice, visibility="public", name="N")
    assert names(server.ok(alice.get(PUBLIC, {"server": "test"}))) == ["N"]
    refused(server.run(alice.get(PUBLIC, {"server": "elsewhere"})), 404, "M_NOT_FOUND")
    refused(server.run(alice.get(PUBLIC, {"server": "no server"})), 400, "M_INVALID_PARAM")


def test_networks(server: TestServer, alice: Client) -> None:
    body = {"include_all_networks": True, "third_party_instance_id": "irc"}
    refused(server.run(alice.post(PUBLIC, body)), 400, "M_INVALID_PARAM")
    create_room(server, alice, visibility="public", name="plain")
    bridged = create_room(server, alice, preset="public_chat", name="bridged")
    server.run(Directory(server.database).list_in_network(NetworkListing("bridge", "irc", bridged), True))
    assert names(server.ok(alice.post(PUBLIC, {"third_party_instance_id": "bridge|irc"}))) == ["bridged"]
    assert names(server.ok(alice.post(PUBLIC, {"third_party_instance_id": "irc"}))) == ["bridged"]
    assert names(server.ok(alice.post(PUBLIC, {"third_party_instance_id": "xmpp"}))) == []
    assert set(names(server.ok(alice.post(PUBLIC, {"include_all_networks": True})))) == {"plain", "bridged"}
    assert names(server.ok(alice.post(PUBLIC))) == ["plain"]
    server.run(Directory(server.database).list_in_network(NetworkListing("bridge", "irc", bridged), False))
    assert names(server.ok(alice.post(PUBLIC, {"third_party_instance_id": "irc"}))) == []
