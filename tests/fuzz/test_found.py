"""What the fuzzer has found once, by name."""

from typing import Any

import pytest

from tests.fuzz.watch import Watch
from tests.support.client import Client
from tests.support.server import TestServer


def new_room(server: TestServer, client: Client, **body: Any) -> str:
    made: str = server.ok(client.post("/_matrix/client/v3/createRoom", {"room_version": "10", **body}))["room_id"]
    return made


def test_power_levels_of_a_trusted_room_can_be_shown_as_what_was_before(server: TestServer) -> None:
    alice = server.user("alice")
    server.user("bob")
    room = new_room(server, alice, preset="trusted_private_chat", invite=["@bob:test"])
    path = f"/_matrix/client/v3/rooms/{room}/state/m.room.power_levels"
    levels = server.ok(alice.get(path))
    assert levels["users"] == {"@alice:test": 100, "@bob:test": 100}
    server.ok(alice.put(path, {**levels, "kick": 49}))
    timeline = server.ok(alice.get("/_matrix/client/v3/sync"))["rooms"]["join"][room]["timeline"]["events"]
    assert timeline[-1]["unsigned"]["prev_content"] == levels


def test_a_room_whose_rules_refuse_a_new_profile_is_passed_over(server: TestServer) -> None:
    alice = server.user("alice")
    room = new_room(server, alice, preset="public_chat")
    server.ok(alice.put(f"/_matrix/client/v3/rooms/{room}/state/m.room.join_rules", {"join_rule": "nobody"}))
    open_room = new_room(server, alice)
    with Watch() as watch:
        server.ok(alice.put("/_matrix/client/v3/profile/@alice:test/displayname", {"displayname": "New"}))
        server.clock.advance(60)
        assert watch.take(collect=True) == []
    member = server.ok(alice.get(f"/_matrix/client/v3/rooms/{open_room}/state/m.room.member/@alice:test"))
    assert member["displayname"] == "New"


def test_an_upgraded_room_shows_its_power_levels(server: TestServer) -> None:
    alice = server.user("alice")
    server.user("bob")
    room = new_room(server, alice, preset="trusted_private_chat", invite=["@bob:test"])
    upgraded = server.ok(alice.post(f"/_matrix/client/v3/rooms/{room}/upgrade", {"new_version": "11"}))["replacement_room"]
    path = f"/_matrix/client/v3/rooms/{upgraded}/state/m.room.power_levels"
    server.ok(alice.put(path, {**server.ok(alice.get(path)), "kick": 49}))
    assert upgraded in server.ok(alice.get("/_matrix/client/v3/sync"))["rooms"]["join"]


@pytest.mark.parametrize("auth", [{"type": {}}, {"type": ["m.login.password"], "session": "x"}])
def test_a_proof_whose_type_is_no_text(server: TestServer, auth: dict[str, Any]) -> None:
    status, answer = server.run(server.user("alice").post("/_matrix/client/v3/keys/device_signing/upload", {"auth": auth}))
    assert (status, answer["errcode"]) == (400, "M_BAD_JSON")
