"""createRoom: what it makes of the body, and what it refuses."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from config.rooms import Rooms
from homeserver.rooms.directory.aliases import LEASE_MS
from homeserver.rooms.directory.store import AliasRecord
from homeserver.streams import Streams
from storage.finding.directory import Directory
from tests.support.client import run, start
from tests.support.rooms import create_room, join, member, path, refused, state_of
from tests.support.server import TestServer, make_server
from tests.support.storage import open_memory_database

ALICE, BOB, CHARLIE = "@alice:test", "@bob:test", "@charlie:test"


def test_the_state_of_a_plain_room(server: TestServer) -> None:
    alice = server.user("alice")
    state = state_of(server, alice, create_room(server, alice))
    assert state["m.room.create", ""] == {"room_version": "12"}
    assert state["m.room.join_rules", ""] == {"join_rule": "invite"}
    assert state["m.room.history_visibility", ""] == {"history_visibility": "shared"}
    assert state["m.room.guest_access", ""] == {"guest_access": "can_join"}
    assert state["m.room.power_levels", ""]["users"] == {}
    assert state["m.room.power_levels", ""]["events"]["m.room.tombstone"] == 150
    assert state["m.room.member", ALICE]["membership"] == "join"


@pytest.mark.parametrize("version", [str(number) for number in range(1, 13)])
def test_every_version(server: TestServer, version: str) -> None:
    alice, bob = server.user("alice"), server.user("bob")
    room_id = create_room(server, alice, room_version=version, preset="public_chat", name="N", topic="T", invite=[CHARLIE])
    join(server, bob, room_id)
    state = state_of(server, bob, room_id)
    assert state["m.room.create", ""]["room_version"] == version
    assert state["m.room.join_rules", ""] == {"join_rule": "public"}
    assert state["m.room.name", ""] == {"name": "N"}
    assert state["m.room.topic", ""]["m.topic"]["m.text"][0]["body"] == "T"
    assert state["m.room.member", CHARLIE]["membership"] == "invite"
    assert (":" in room_id) == (version != "12")


def test_initial_state_gives_way_to_name_and_topic_and_overrides_the_preset(server: TestServer) -> None:
    alice = server.user("alice")
    initial: list[dict[str, Any]] = [
        {"type": "m.room.topic", "state_key": "", "content": {"topic": "other"}},
        {"type": "m.room.history_visibility", "content": {"history_visibility": "joined"}},
        {"type": "org.example", "state_key": "k", "content": {"a": 1}},
    ]
    state = state_of(server, alice, create_room(server, alice, topic="mine", initial_state=initial, preset="public_chat"))
    assert state["m.room.topic", ""]["topic"] == "mine"
    assert state["m.room.history_visibility", ""] == {"history_visibility": "joined"}
    assert state["org.example", "k"] == {"a": 1}


def test_visibility_chooses_the_preset_and_publishes(server: TestServer) -> None:
    alice = server.user("alice")
    public, private = create_room(server, alice, visibility="public"), create_room(server, alice, visibility="private")
    assert state_of(server, alice, public)["m.room.join_rules", ""] == {"join_rule": "public"}
    assert server.ok(alice.get(path("directory", "list", "room", public))) == {"visibility": "public"}
    assert server.ok(alice.get(path("directory", "list", "room", private))) == {"visibility": "private"}


def test_trusted_private_chat_shares_power(server: TestServer) -> None:
    alice = server.user("alice")
    old = create_room(server, alice, room_version="11", preset="trusted_private_chat", invite=[BOB], is_direct=True)
    state = state_of(server, alice, old)
    assert state["m.room.power_levels", ""]["users"] == {ALICE: 100, BOB: 100}
    assert state["m.room.member", BOB]["is_direct"] is True
    creators = {"additional_creators": [CHARLIE]}
    new = create_room(server, alice, preset="trusted_private_chat", invite=[BOB, BOB], creation_content=creators)
    state = state_of(server, alice, new)
    assert sorted(state["m.room.create", ""]["additional_creators"]) == [BOB, CHARLIE]
    assert state["m.room.power_levels", ""]["users"] == {}


def test_the_server_overwrites_creator_and_version(server: TestServer) -> None:
    alice = server.user("alice")
    content = {"room_version": "77", "creator": BOB, "type": "m.space", "m.federate": False}
    state = state_of(server, alice, create_room(server, alice, creation_content=content, room_version="10"))
    assert state["m.room.create", ""] == {"room_version": "10", "creator": ALICE, "type": "m.space", "m.federate": False}


def test_a_client_that_knows_not_of_version_12_may_name_itself_in_the_power_levels(server: TestServer) -> None:
    alice = server.user("alice")
    override = {"users": {ALICE: 100, BOB: 50}, "events_default": 10}
    levels = state_of(server, alice, create_room(server, alice, power_level_content_override=override))["m.room.power_levels", ""]
    assert (levels["users"], levels["events_default"]) == ({BOB: 50}, 10)
    body = {"room_version": "12", "power_level_content_override": override}
    refused(server.run(alice.post(path("createRoom"), body)), 400, "M_INVALID_ROOM_STATE")


def test_an_alias_is_taken_once(server: TestServer) -> None:
    alice = server.user("alice")
    room_id = create_room(server, alice, room_alias_name="pub")
    assert state_of(server, alice, room_id)["m.room.canonical_alias", ""] == {"alias": "#pub:test"}
    assert server.ok(alice.get(path("directory", "room", "#pub:test"))) == {"room_id": room_id, "servers": ["test"]}
    refused(server.run(alice.post(path("createRoom"), {"room_alias_name": "pub"})), 400, "M_ROOM_IN_USE")
    assert server.ok(alice.get(path("joined_rooms"))) == {"joined_rooms": [room_id]}


def test_a_room_that_cannot_stand_leaves_nothing(server: TestServer) -> None:
    alice = server.user("alice")
    override = {"events": {"m.room.name": 101}, "users": {ALICE: 100}}
    body = {"room_version": "11", "room_alias_name": "gone", "name": "N", "power_level_content_override": override}
    refused(server.run(alice.post(path("createRoom"), body)), 400, "M_INVALID_ROOM_STATE")
    assert server.ok(alice.get(path("joined_rooms"))) == {"joined_rooms": []}
    refused(server.run(alice.get(path("directory", "room", "#gone:test"))), 404, "M_NOT_FOUND")
    create_room(server, alice, room_alias_name="gone")


def test_an_alias_whose_room_was_lost_in_a_crash_names_nothing(server: TestServer) -> None:
    alice = server.user("alice")
    before = server.clock.now_ms() - LEASE_MS - 1

    async def leave() -> None:
        left = ("#left:test", "!left:test", ALICE, before)
        await server.database.write(
            lambda cursor: cursor.run("INSERT INTO aliases (alias, room_id, creator, created_ts) VALUES (?, ?, ?, ?)", *left)
        )

    server.run(leave())
    refused(server.run(alice.get(path("directory", "room", "#left:test"))), 404, "M_NOT_FOUND")
    room_id = create_room(server, alice, room_alias_name="left")
    assert server.ok(alice.get(path("directory", "room", "#left:test")))["room_id"] == room_id


def test_two_houses_on_one_database_do_not_take_an_alias_from_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams()
    database = run(open_memory_database(streams))
    first = make_server(tmp_path, database=database, streams=streams)
    first.clock.set_wall_ms(first.clock.now_ms() - 5_000)  # the second begins after the first took the alias
    alice = first.user("alice")
    claim, slow = Directory.claim, Deferred[None]()

    async def claim_slowly(directory: Directory, record: AliasRecord, stale_before: int) -> bool:
        taken = await claim(directory, record, stale_before)
        await slow
        return taken

    with monkeypatch.context() as patch:
        patch.setattr(Directory, "claim", claim_slowly)
        creating = start(alice.post(path("createRoom"), {"room_alias_name": "pub"}))
    second = make_server(tmp_path, database=database, streams=streams, seed=1)
    bob = second.user("bob")
    refused(second.run(bob.post(path("createRoom"), {"room_alias_name": "pub"})), 400, "M_ROOM_IN_USE")
    slow.callback(None)
    status, answer = first.run(answered(creating))
    assert status == 200
    for house in (first, second):
        assert house.ok(house.client.get(path("directory", "room", "#pub:test")))["room_id"] == answer["room_id"]


async def answered(creating: Deferred[tuple[int, Any]]) -> tuple[int, Any]:
    return await creating


@pytest.mark.parametrize(
    ("body", "errcode"),
    [
        ({"room_version": "99"}, "M_UNSUPPORTED_ROOM_VERSION"),
        ({"room_version": 1}, "M_BAD_JSON"),
        ({"preset": "cosy_chat"}, "M_INVALID_PARAM"),
        ({"visibility": "hidden"}, "M_INVALID_PARAM"),
        ({"invite": ["bob"]}, "M_INVALID_PARAM"),
        ({"invite": "@bob:test"}, "M_BAD_JSON"),
        ({"invite": [ALICE]}, "M_INVALID_ROOM_STATE"),
        ({"invite": [f"@u{number}:test" for number in range(101)]}, "M_INVALID_PARAM"),
        ({"initial_state": [{"type": "m.room.name"}]}, "M_MISSING_PARAM"),
        ({"initial_state": [{"type": "m.room.create", "content": {}}]}, "M_INVALID_ROOM_STATE"),
        ({"initial_state": [{"type": "m.room.member", "state_key": BOB, "content": {"membership": "invite"}}]}, "M_INVALID_ROOM_STATE"),
        ({"initial_state": [{"type": "m.room.canonical_alias", "content": {"alias": "#else:test"}}]}, "M_BAD_ALIAS"),
        ({"room_alias_name": "a:b"}, "M_INVALID_PARAM"),
        ({"room_alias_name": "a b"}, "M_INVALID_PARAM"),
        ({"room_alias_name": ""}, "M_INVALID_PARAM"),
        ({"invite_3pid": [{"medium": "email"}]}, "M_MISSING_PARAM"),
        (
            {"invite_3pid": [{"medium": "email", "address": "a@b.c", "id_server": "id", "id_access_token": "t"}]},
            "M_SERVER_NOT_TRUSTED",
        ),
        ({"creation_content": {"additional_creators": "bob"}}, "M_BAD_JSON"),
        ({"creation_content": {"additional_creators": ["@bob:te$t"]}}, "M_INVALID_PARAM"),
        ({"creation_content": {"m.federate": "no"}}, "M_BAD_JSON"),
    ],
)
def test_refused_bodies(server: TestServer, body: dict[str, Any], errcode: str) -> None:
    refused(server.run(server.user("alice").post(path("createRoom"), body)), 400, errcode)


def test_remote_users_cannot_be_invited_without_federation(server: TestServer) -> None:
    alice = server.user("alice")
    refused(server.run(alice.post(path("createRoom"), {"invite": ["@eve:elsewhere"]})), 403, "M_FORBIDDEN")
    assert server.ok(alice.get(path("joined_rooms"))) == {"joined_rooms": []}


def test_settings_decide_who_creates_and_publishes(tmp_path: Path) -> None:
    server = make_server(tmp_path, rooms=Rooms(who_may_create="admins"))
    refused(server.run(server.user("alice").post(path("createRoom"), {})), 403, "M_FORBIDDEN")
    server = make_server(tmp_path, rooms=Rooms(who_may_publish="admins", default_version="9"))
    alice = server.user("alice")
    refused(server.run(alice.post(path("createRoom"), {"visibility": "public"})), 403, "M_FORBIDDEN")
    room_id = create_room(server, alice)
    assert state_of(server, alice, room_id)["m.room.create", ""]["room_version"] == "9"
    refused(server.run(alice.put(path("directory", "list", "room", room_id), {})), 403, "M_FORBIDDEN")


def test_invited_users_may_come_in(server: TestServer) -> None:
    alice, bob = server.user("alice"), server.user("bob")
    room_id = create_room(server, alice, invite=[BOB])
    join(server, bob, room_id)
    refused(member(server, alice, room_id, "invite", BOB), 403, "M_FORBIDDEN")


def test_equal_rooms_of_one_moment_are_two_rooms(server: TestServer) -> None:
    alice = server.user("alice")
    assert len({create_room(server, alice) for _ in range(3)}) == 3
