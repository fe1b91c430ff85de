"""Aliases and the lists that rooms are in."""

import pytest

from storage.people.accounts import StoredAccounts
from tests.support.client import Client
from tests.support.rooms import create_room, join, path, refused, state_of
from tests.support.server import TestServer

HERE = path("directory", "room", "#here:test")


def test_an_alias_is_made_found_listed_removed(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice)
    listing = path("rooms", room_id, "aliases")
    assert server.ok(alice.get(listing)) == {"aliases": []}
    assert server.ok(alice.put(HERE, {"room_id": room_id})) == {}
    assert server.ok(server.client.get(HERE)) == {"room_id": room_id, "servers": ["test"]}
    assert server.ok(alice.get(listing)) == {"aliases": ["#here:test"]}
    refused(server.run(bob.get(listing)), 403, "M_FORBIDDEN")
    assert server.ok(alice.delete(HERE)) == {}
    refused(server.run(server.client.get(HERE)), 404, "M_NOT_FOUND")
    refused(server.run(alice.delete(HERE)), 404, "M_NOT_FOUND")


def test_anyone_may_list_the_aliases_of_a_world_readable_room(server: TestServer, alice: Client, bob: Client) -> None:
    visible = [{"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}]
    room_id = create_room(server, alice, initial_state=visible, room_alias_name="here")
    assert server.ok(bob.get(path("rooms", room_id, "aliases"))) == {"aliases": ["#here:test"]}


@pytest.mark.parametrize("name", ["#老虎Â£я🤨👉ඞ:test", "#with/slash:test", "#UPPER:test"])
def test_names_of_all_kinds(server: TestServer, alice: Client, name: str) -> None:
    room_id = create_room(server, alice)
    server.ok(alice.put(path("directory", "room", name), {"room_id": room_id}))
    assert server.ok(alice.get(path("directory", "room", name)))["room_id"] == room_id


def test_aliases_that_are_refused(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, room_alias_name="here")
    status, answer = server.run(alice.put(HERE, {"room_id": room_id}))
    assert (status, answer["errcode"]) == (409, "M_UNKNOWN")
    refused(server.run(alice.put(path("directory", "room", "#a:elsewhere"), {"room_id": room_id})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.put(path("directory", "room", "no-alias"), {"room_id": room_id})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.put(path("directory", "room", "#a b:test"), {"room_id": room_id})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.put(path("directory", "room", "#a:test"), {})), 400, "M_MISSING_PARAM")
    refused(server.run(alice.put(path("directory", "room", "#a:test"), {"room_id": "!none:test"})), 404, "M_NOT_FOUND")
    refused(server.run(bob.put(path("directory", "room", "#a:test"), {"room_id": room_id})), 403, "M_FORBIDDEN")
    refused(server.run(alice.get(path("directory", "room", "#a:elsewhere"))), 404, "M_NOT_FOUND")


def test_members_remove_their_own_aliases_and_the_powerful_all(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    join(server, bob, room_id)
    server.ok(bob.put(HERE, {"room_id": room_id}))
    server.ok(bob.delete(HERE))
    server.ok(alice.put(HERE, {"room_id": room_id}))
    refused(server.run(bob.delete(HERE)), 403, "M_FORBIDDEN")
    server.ok(bob.put(path("directory", "room", "#bobs:test"), {"room_id": room_id}))
    server.ok(alice.delete(path("directory", "room", "#bobs:test")))


def test_a_removed_alias_is_no_longer_canonical(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, room_alias_name="here", preset="public_chat")
    server.ok(alice.delete(HERE))
    assert state_of(server, alice, room_id)["m.room.canonical_alias", ""] == {}
    join(server, bob, room_id)
    server.ok(bob.put(HERE, {"room_id": room_id}))
    server.ok(bob.delete(HERE))


def test_a_member_without_the_power_removes_the_alias_all_the_same(server: TestServer, alice: Client, bob: Client) -> None:
    levels = {"events": {"m.room.canonical_alias": 0}}
    room_id = create_room(server, alice, preset="public_chat", room_version="11", power_level_content_override=levels)
    join(server, bob, room_id)
    server.ok(bob.put(HERE, {"room_id": room_id}))
    server.ok(bob.post(path("rooms", room_id, "leave")))
    server.ok(bob.delete(HERE))


def test_visibility(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    target = path("directory", "list", "room", room_id)
    join(server, bob, room_id)
    refused(server.run(bob.put(target, {"visibility": "public"})), 403, "M_FORBIDDEN")
    server.ok(alice.put(target, b""))
    assert server.ok(server.client.get(target)) == {"visibility": "public"}
    server.ok(alice.put(target, {"visibility": "private"}))
    assert server.ok(server.client.get(target)) == {"visibility": "private"}
    refused(server.run(alice.put(target, {"visibility": "hidden"})), 400, "M_INVALID_PARAM")
    unknown = path("directory", "list", "room", "!none:test")
    refused(server.run(alice.get(unknown)), 404, "M_NOT_FOUND")
    refused(server.run(alice.put(unknown, {})), 404, "M_NOT_FOUND")


def test_only_application_services_list_rooms_in_networks(server: TestServer, alice: Client) -> None:
    target = path("directory", "list", "appservice", "irc", create_room(server, alice))
    refused(server.run(alice.put(target, {"visibility": "public"})), 403, "M_FORBIDDEN")


def test_administrators_remove_any_alias(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, room_alias_name="here")
    refused(server.run(bob.delete(HERE)), 403, "M_FORBIDDEN")
    server.run(StoredAccounts(server.database).set_flags("@bob:test", is_admin=True))
    assert server.ok(bob.get(path("rooms", room_id, "aliases"))) == {"aliases": ["#here:test"]}
    server.ok(bob.delete(HERE))
