"""SQLite answers the stores' questions by an index, without statistics: its plans do not depend on what the tables hold."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import apsw
import pytest

import storage
from schema.sql_files import sql_files
from storage.drivers.sqlite_text import SqliteStatements
from storage.relations import REPLACEMENTS

QUESTION = re.compile(r"\s*(SELECT|UPDATE|DELETE|WITH)\s")
LIST_SIZES = (1, 8, 100)  # bound in three ways
WHOLE_TABLE = re.compile(r"^SCAN (\w+)")
WHOLE_ROOM = re.compile(r"^SEARCH (\w+) USING (COVERING )?INDEX events_room_(topo|position) \(room_num=\?\)$")
LISTS = ("SCAN carray", "SCAN CONSTANT ROW")  # what was given with the question

MEANT = {
    "appservices.progress._FORGET": "as many rows as application services, once at the start",
    "appservices.progress._OTHERS": "the same",
    "federation.left_states._ROOMS": "rooms that were ever entered in part, once an hour, in a reader thread",
    "federation.letters._PAST": "the servers that do not answer, once an hour",
    "media.records._FORGET_RESERVATIONS": "an index of the places that wait for a file, and of those alone",
    "people.accounts._PEOPLE": "as many accounts as there may be, in a reader thread, when somebody registers",
    "personal.presence._WORTH_KNOWING": "an index of those alone, read once at the start, as many as there is room for",
    "personal.user_directory._MEMBERS_CHANGED": "once at the start, for what happened while nobody read",
    "personal.user_directory._SEARCH": "words within names are found by looking at them all, in a reader thread",
    "push.past._READ": "an index, the oldest first, once an hour in a reader thread: few stay long",
    "relations.DESCENDANTS": "what its own steps found",
    "relations.REFERENCES": "what its own steps found",
    "relations.REPLACEMENTS": "what its own steps found",
    "timelines.FORMER_HEROES_OF_FEW": "what its own step found, in rooms of few",
    "timelines.HEROES_OF_FEW": "what its own step found, in rooms of few",
    "timelines.LAST_CHANGES": "the greatest position of a room is one step in its index",
}


def questions() -> Iterator[tuple[str, str]]:
    for module in pkgutil.walk_packages(storage.__path__, "storage."):
        if module.name.startswith("storage.drivers"):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, str) and QUESTION.match(value) and "?" in value:
                yield f"{module.name.removeprefix('storage.')}.{name}", value


@pytest.fixture(scope="module")
def connection() -> apsw.Connection:
    connection = apsw.Connection(":memory:")
    for file in sql_files():
        connection.execute(file.sql)
    return connection


def plan(connection: apsw.Connection, sql: str, size: int) -> list[str]:
    places = re.findall(r"\?\??", re.sub(r"'[^']*'", "", sql))
    parameters = [[1] * size if place == "??" else 1 for place in places]
    text, flat = SqliteStatements().bind(sql, parameters)
    return [row[3] for row in connection.execute("EXPLAIN QUERY PLAN " + text, tuple(flat))]


def steps_over_everything(connection: apsw.Connection, sql: str) -> set[str]:
    steps = {step for size in LIST_SIZES for step in plan(connection, sql, size) if not step.startswith(LISTS)}
    return {step for step in steps if WHOLE_TABLE.match(step) or WHOLE_ROOM.match(step)}


def test_questions_are_answered_by_an_index(connection: apsw.Connection) -> None:
    found = {name for name, sql in questions() if steps_over_everything(connection, sql)}
    assert found == set(MEANT)


def test_edits_are_found_by_their_parents_in_rooms_of_any_size(connection: apsw.Connection) -> None:
    """Not by going through the events of the room, which looks cheaper to SQLite from eight parents on."""
    for size in (1, 8, 64, 100):
        assert "SEARCH p USING INDEX events_id (event_id=?)" in plan(connection, REPLACEMENTS, size)
