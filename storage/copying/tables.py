"""The tables of the schema, as they stand when all of its files have been run."""

from typing import NamedTuple

import apsw

from schema.sql_files import sql_files


class Table(NamedTuple):
    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


def tables() -> list[Table]:
    connection = apsw.Connection(":memory:")
    for file in sql_files():
        connection.execute(file.sql)
    names = [str(name) for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    found = [_table(connection, name) for name in names]
    connection.close()
    return found


def _table(connection: apsw.Connection, name: str) -> Table:
    columns = list(connection.execute("SELECT name, pk FROM pragma_table_info(?) ORDER BY cid", (name,)))
    key = sorted((place, column) for column, place in columns if place)
    return Table(name, tuple(str(column) for column, _ in columns), tuple(str(column) for _, column in key))
