"""Prepared statements of PostgreSQL: planned anew from time to time, since a table does not stay what it was."""

from functools import partial

import pytest

from storage.database import Cursor, Database
from storage.drivers.postgres_prepared import RENEWED, USES, PreparedStatements
from tests.support.loop import ThreadLoop

SQL = "SELECT ?"


class Told:
    def __init__(self) -> None:
        self.statements: list[str] = []

    def execute(self, statement: str) -> None:
        self.statements.append(statement)


def ask(prepared: PreparedStatements, times: int) -> list[str | None]:
    asked = []
    for _ in range(times):
        asked.append(prepared.execution(SQL, [1]))
        if prepared.is_due:
            prepared.prepare_due()
    return asked


def test_planned_anew_after_ever_more_uses() -> None:
    told = Told()
    prepared = PreparedStatements(told, lambda sql: sql.replace("?", "%s"))  # type: ignore[arg-type]  # all that it asks of a cursor
    assert ask(prepared, USES + 1) == [None] * USES + ["EXECUTE chatme_0 (%s)"]
    assert told.statements == ["PREPARE chatme_0 (bigint) AS SELECT $1"]
    told.statements.clear()
    ask(prepared, RENEWED - 1)
    assert told.statements == ["DEALLOCATE ALL"]
    assert ask(prepared, USES + 1)[-2:] == [None, "EXECUTE chatme_0 (%s)"]
    told.statements.clear()
    ask(prepared, 10 * RENEWED)
    assert told.statements.count("DEALLOCATE ALL") == 3  # after 1,000, 2,000 and 4,000
    assert told.statements.count("PREPARE chatme_0 (bigint) AS SELECT $1") == 3


@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_answers_stay_right(loop: ThreadLoop, database: Database) -> None:
    def question(number: int, cursor: Cursor) -> object:
        return cursor.value("SELECT ? + 1", number)

    async def many() -> list[object]:
        return [await database.read(partial(question, number)) for number in range(3 * RENEWED)]

    assert loop.run(many()) == list(range(1, 3 * RENEWED + 1))
