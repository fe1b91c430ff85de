"""A commit that was taken for lost and comes to light later: the transaction keeps its first event, and who follows is told of it."""

from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from homeserver.streams import Streams
from storage.database import WriteCursor
from tests.support.client import run
from tests.support.rooms import create_room, path
from tests.support.server import make_server
from tests.support.storage import open_memory_database

INSERT = "INSERT INTO transactions (user_id, device_id, scope, txn_id, event_id, ts) VALUES (?, ?, ?, ?, ?, ?)"


async def wait_for(done: Deferred[None]) -> None:
    await done


def test_a_transaction_that_was_stored_unknown_to_memory_gives_no_second_event(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    server.ok(bob.post(path("rooms", room, "join"), {}))
    server.ok(alice.put(path("rooms", room, "send", "m.room.message", "t1"), {"body": "first"}))

    def come_to_light(cursor: WriteCursor) -> None:
        row = cursor.one("SELECT device_id, scope FROM transactions WHERE user_id = '@alice:test'")
        assert row is not None
        cursor.run(INSERT, "@alice:test", *row, "t2", "$stored", 1)

    server.run(wait_for(server.database.write(come_to_light)))
    again = path("rooms", room, "send", "m.room.message", "t2")
    status, _ = server.run(alice.put(again, {"body": "second"}))
    assert status == 503
    assert server.ok(alice.put(again, {"body": "second"})) == {"event_id": "$stored"}
    server.ok(bob.put(path("rooms", room, "send", "m.room.message", "t1"), {"body": "third"}))
    query = {"dir": "f", "filter": '{"types":["m.room.message"]}'}
    chunk = server.ok(bob.get(path("rooms", room, "messages"), query))["chunk"]
    assert [event["content"]["body"] for event in chunk] == ["first", "third"]


def test_events_that_came_to_light_late_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    streams = Streams()
    server = make_server(tmp_path, database=run(open_memory_database(streams)), streams=streams)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    server.ok(bob.post(path("rooms", room, "join"), {}))

    def send(number: int) -> None:
        server.ok(alice.put(path("rooms", room, "send", "m.room.message", f"t{number}"), {"body": str(number)}))

    send(1)
    since = server.ok(bob.get("/_matrix/client/v3/sync"))["next_batch"]
    with monkeypatch.context() as patch:
        patch.setattr(streams, "publish", lambda changes, position: None)
        send(2)  # stored, and nobody here hears of it
    send(3)
    told = server.ok(bob.get("/_matrix/client/v3/sync", {"since": since}))
    timeline = told["rooms"]["join"][room]["timeline"]["events"]
    assert [event["content"]["body"] for event in timeline] == ["2", "3"]
    assert told["rooms"]["join"][room]["unread_notifications"]["notification_count"] == 3
