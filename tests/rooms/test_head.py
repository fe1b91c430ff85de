"""The head of a room: what it remembers, forgets and judges by, and that it is bounded."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.rooms import head as heads
from tests.support.client import Client
from tests.support.places import on_file, restarted, verified
from tests.support.rooms import create_room, join, member, path, refused
from tests.support.server import TestServer


def put_state(server: TestServer, client: Client, room: str, type: str, content: Any, key: str = "") -> tuple[int, Any]:
    return server.run(client.put(path("rooms", room, "state", type, key), content))


def say(server: TestServer, client: Client, room: str, txn_id: str, **content: Any) -> tuple[int, Any]:
    return server.run(client.put(path("rooms", room, "send", "m.room.message", txn_id), {"body": "x", **content}))


def test_many_mentions_do_not_push_out_who_speaks(server: TestServer, alice: Client, tmp_path: Path) -> None:
    room = create_room(server, alice)
    for number in range(6):
        users = [f"@nobody{number}_{index}:test" for index in range(200)]
        assert say(server, alice, room, str(number), **{"m.mentions": {"user_ids": users}})[0] == 200
    verified(server, tmp_path)


def test_what_is_forgotten_is_looked_up_again(server: TestServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_KNOWN", 6)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)
    for number in range(20):
        assert put_state(server, alice, room, "org.example", {"n": number}, str(number % 7))[0] == 200
        assert say(server, bob, room, str(number))[0] == 200
    levels = server.ok(alice.get(path("rooms", room, "state", "m.room.power_levels")))
    assert put_state(server, alice, room, "m.room.power_levels", {**levels, "events_default": 50})[0] == 200
    refused(say(server, bob, room, "late"), 403, "M_FORBIDDEN")
    verified(server, tmp_path)


def test_heads_are_bounded(server: TestServer, alice: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "MAX_HEADS", 3)
    rooms = [create_room(server, alice) for _ in range(8)]
    for turn in range(3):
        for room in rooms:
            assert say(server, alice, room, str(turn))[0] == 200
        assert server.server._parts.rooms.writing.heads.figures.entries <= 3
    verified(server, tmp_path)


def test_a_new_head_judges_like_the_old_one(tmp_path: Path) -> None:
    server = on_file(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)
    assert member(server, alice, room, "ban", "@bob:test")[0] == 200
    server = restarted(server, tmp_path, seed=1)
    alice, bob = server.client.with_token(alice.token), server.client.with_token(bob.token)
    refused(server.run(bob.post(path("join", room))), 403, "M_FORBIDDEN")
    refused(say(server, bob, room, "1"), 403, "M_FORBIDDEN")
    assert say(server, alice, room, "1")[0] == 200
    assert verified(server, tmp_path) == 8


@pytest.mark.parametrize("other", [{"n": True}, {"n": 1, "m": None}, {}, {"n": [1]}, {"n": "1"}])
def test_the_same_state_again_is_no_new_event(server: TestServer, alice: Client, other: dict[str, Any]) -> None:
    room = create_room(server, alice)
    first = put_state(server, alice, room, "org.example", {"n": 1})
    assert put_state(server, alice, room, "org.example", {"n": 1}) == first
    assert put_state(server, alice, room, "org.example", other) != first


def test_the_same_state_of_another_sender_is_a_new_event(server: TestServer, alice: Client) -> None:
    bob = server.user("bob")
    room = create_room(server, alice, preset="trusted_private_chat", invite=["@bob:test"])
    join(server, bob, room)
    first = put_state(server, alice, room, "org.example", {"n": 1})
    assert put_state(server, bob, room, "org.example", {"n": 1}) != first


def test_who_has_left_cannot_repeat_what_he_wrote(server: TestServer, alice: Client) -> None:
    bob = server.user("bob")
    room = create_room(server, alice, preset="trusted_private_chat", invite=["@bob:test"])
    join(server, bob, room)
    put_state(server, bob, room, "org.example", {"n": 1})
    server.ok(bob.post(path("rooms", room, "leave")))
    refused(server.run(bob.put(path("rooms", room, "state", "org.example"), {"n": 1})), 403, "M_FORBIDDEN")


def test_numbers_of_old_room_versions(server: TestServer, alice: Client) -> None:
    """1 and 1.0 are different texts, and there they may stand."""
    room = create_room(server, alice, room_version="5")
    first = put_state(server, alice, room, "org.example", {"n": 1})
    second = put_state(server, alice, room, "org.example", {"n": 1.0})
    assert second != first
    assert put_state(server, alice, room, "org.example", {"n": 1.0}) == second
