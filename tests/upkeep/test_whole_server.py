"""The upkeep of a whole server: a day-old transaction ID still gives its event, and two days later nothing is kept of it."""

from pathlib import Path

from homeserver.streams import Streams
from storage.database import Cursor
from tests.support.client import run
from tests.support.server import TestServer, make_server
from tests.support.storage import open_memory_database

HOUR_S = 3600
ROUND_S = 600  # time goes on in steps, so that timers of timers run too


def pass_hours(server: TestServer, hours: int) -> None:
    for _ in range(hours * HOUR_S // ROUND_S):
        server.clock.advance(ROUND_S)


def known(server: TestServer) -> int:
    async def ask() -> int:
        def question(cursor: Cursor) -> int:
            return int(cursor.value("SELECT count(*) FROM transactions"))

        return await server.database.read(question)

    return server.run(ask())


def test_transactions_are_kept_for_a_day(tmp_path: Path) -> None:
    streams = Streams()
    database = run(open_memory_database(streams))
    server = make_server(tmp_path, database=database, streams=streams)
    server.run(server.server.take_up())
    alice = server.user("alice")
    room = server.ok(alice.post("/_matrix/client/v3/createRoom", {}))["room_id"]
    path = f"/_matrix/client/v3/rooms/{room}/send/m.room.message/once"
    message = {"msgtype": "m.text", "body": "hello"}
    event_id = server.ok(alice.put(path, message))["event_id"]
    pass_hours(server, 24)
    assert known(server) == 1
    restarted = make_server(tmp_path, database=database, streams=streams)
    again = restarted.client.with_token(alice.token)
    assert restarted.ok(again.put(path, message))["event_id"] == event_id
    pass_hours(server, 24)
    assert known(server) == 0
    assert server.server.registry.get_sample_value("chatme_upkeep_removed_rows_total", {"kind": "transactions"}) == 1
    server.run(server.server.stop())
