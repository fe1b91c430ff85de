"""What sliding sync tells of rooms (MSC4186, "Room results")."""

from pathlib import Path

import pytest

from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer, make_server
from tests.sync.sliding.connection import SlidingClient, a_list


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    return make_server(tmp_path)


def test_the_first_answer_and_the_next(server: TestServer) -> None:
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat", name="Tea")
    join(server, bob, room)
    sent = server.ok(bob.put(path("rooms", room, "send", "m.room.message", "1"), {"msgtype": "m.text", "body": "hi"}))["event_id"]
    client = SlidingClient(server, alice, lists={"all": a_list()})
    first = client.sync()
    told = first["rooms"][room]
    assert first["lists"] == {"all": {"count": 1}}
    assert (told["initial"], told["name"], told["membership"]) == (True, "Tea", "join")
    assert told["timeline"][-1]["event_id"] == sent
    assert {(event["type"], event["state_key"]) for event in told["required_state"]} == {
        ("m.room.create", ""), ("m.room.name", ""), ("m.room.member", "@alice:test"), ("m.room.member", "@bob:test"),
    }  # fmt: skip
    assert (told["joined_count"], told["invited_count"]) == (2, 0)
    assert told["num_live"] == 0
    assert client.sync()["rooms"] == {}
    sent = server.ok(bob.put(path("rooms", room, "send", "m.room.message", "2"), {"msgtype": "m.text", "body": "ho"}))["event_id"]
    told = client.sync()["rooms"][room]
    assert [event["event_id"] for event in told["timeline"]] == [sent]
    assert not {"initial", "required_state"} & told.keys()
    assert told["num_live"] == 1
    assert not told["limited"]
