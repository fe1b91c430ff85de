"""A commit that was taken for lost and comes to light later: the transaction keeps its first event."""

from pathlib import Path

from twisted.internet.defer import Deferred

from storage.database import WriteCursor
from tests.support.rooms import create_room, path
from tests.support.server import make_server

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
