"""A database copied into another: all rows come over, between any two kinds, and nothing is written to one that is in use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from homeserver.streams import Streams
from storage.copying.copy import PAGE, NotEmpty, copy
from storage.copying.tables import tables
from storage.database import Cursor, Database, Row, WriteCursor
from tests.storage.conftest import open_for_test
from tests.support.loop import ThreadLoop


@pytest.fixture
def other(loop: ThreadLoop, tmp_path: Path) -> Iterator[Database]:
    database = open_for_test(f"sqlite:///{tmp_path}/other.db", loop, Streams())
    yield database
    loop.run(database.close())


def fill(cursor: WriteCursor) -> None:
    for number in range(2 * PAGE + 1):
        cursor.run("INSERT INTO secrets (name, value) VALUES (?, ?)", f"n{number}", bytes([number % 256, 0]))
        key = (f"@u{number % 7}:test", f"!r{number % 11}", f"t{number}")
        cursor.run("INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, ?, ?, ?, ?)", *key, b"{}", number)
    cursor.run("INSERT INTO presence (user_id, state, status_msg, last_active_ts) VALUES (?, ?, ?, ?)", "@a:test", "x", "\0 \x01 ä", 1)
    cursor.run("INSERT INTO users (user_id, created_ts) VALUES (?, ?)", "@a:test", 2**53)
    cursor.position()


def contents(cursor: Cursor) -> dict[str, list[Row]]:
    wanted = [(table.name, ", ".join(table.columns), ", ".join(table.key)) for table in tables()]
    return {name: cursor.all(f"SELECT {columns} FROM {name} ORDER BY {key}") for name, columns, key in wanted}


@pytest.mark.parametrize("back", [False, True])
def test_everything_comes_over(loop: ThreadLoop, database: Database, other: Database, back: bool) -> None:
    source, target = (database, other) if back else (other, database)
    loop.run(source.write(fill))
    before = loop.run(source.read(contents))
    count = loop.run(copy(source, target))
    assert loop.run(target.read(contents)) == before
    assert count == sum(map(len, before.values()))
    assert ("position", 1) in before["counters"]


def test_what_is_in_use_is_left_alone(loop: ThreadLoop, database: Database, other: Database) -> None:
    loop.run(other.write(fill))
    loop.run(database.write(lambda cursor: cursor.run("INSERT INTO secrets (name, value) VALUES ('key', ?)", b"1")))
    before = loop.run(database.read(contents))
    with pytest.raises(NotEmpty, match="there is something in secrets"):
        loop.run(copy(other, database))
    assert loop.run(database.read(contents)) == before


def test_every_table_has_a_key() -> None:
    assert [table.name for table in tables() if not table.key] == []
