"""How often PostgreSQL is asked for an answer: who is in the rooms, and what the client has of their state, for all of them at once."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from homeserver.streams import Streams
from storage import timelines
from storage.drivers.postgres_cursor import PostgresCursor
from tests.storage.conftest import DatabaseFactory
from tests.support.loop import ThreadLoop
from tests.support.places import on_database
from tests.support.rooms import path
from tests.sync.sliding.connection import a_list
from tests.sync.sliding.town import Town

LATER = 15  # messages: more than a client is told at once
ONE_BY_ONE = (timelines.ROOT_AT, timelines.HEROES, timelines.FORMER_HEROES, "SELECT room_id, version FROM rooms WHERE room_num = ?")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements."""
    statements: list[str] = []
    ask = PostgresCursor._ask

    def noting(cursor: PostgresCursor, sql: str, parameters: Sequence[Any]) -> Any:
        statements.append(sql)
        return ask(cursor, sql, parameters)

    monkeypatch.setattr(PostgresCursor, "_ask", noting)
    monkeypatch.setattr(timelines, "FEW_MEMBERS", 1)
    return statements


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_no_room_is_asked_about_alone(tmp_path: Path, database_factory: DatabaseFactory, loop: ThreadLoop, asked: list[str]) -> None:
    streams = Streams()
    town = Town(on_database(tmp_path, database_factory(streams), streams, loop))
    rooms = [town.room() for _ in range(6)]
    client = town.client(lists={"all": a_list()})
    asked.clear()
    assert all("heroes" in room for room in client.sync()["rooms"].values())
    assert [sql for sql in asked if sql in ONE_BY_ONE] == []
    for room in rooms:
        town.put_state(room, "m.room.name", {"name": "A name"})
        for _ in range(LATER):
            town.say(room)
    streams = Streams()
    client.server = on_database(tmp_path, database_factory(streams), streams, loop, seed=1)  # it has nothing in memory
    client.client = client.server.client.with_token(town.alice.token or "")
    asked.clear()
    told = client.sync()["rooms"]
    assert {room: told[room]["name"] for room in rooms} == dict.fromkeys(rooms, "A name")
    assert [sql for sql in asked if sql in ONE_BY_ONE] == []


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_rooms_that_were_left_are_asked_about_at_once(
    tmp_path: Path, database_factory: DatabaseFactory, loop: ThreadLoop, asked: list[str]
) -> None:
    streams = Streams()
    town = Town(on_database(tmp_path, database_factory(streams), streams, loop))
    rooms = [town.room() for _ in range(3)]
    for room in rooms:
        town.ok(town.alice.post(path("rooms", room, "leave")))
    client = town.client(room_subscriptions={room: {"timeline_limit": 1, "required_state": []} for room in [*rooms, "!a:test", "!b:test"]})
    client.sync()  # and learns the rooms' names
    asked.clear()
    assert set(client.again()["rooms"]) == set(rooms)
    about = [sql for sql in asked if "FROM memberships WHERE" in sql and "room_num" in sql.partition("WHERE")[2].partition("ORDER")[0]]
    assert len(about) == 1
