"""All rows of one database into another that is empty.

Both have the schema of this program, and no table refers to another by a constraint; so each is read page by page in the order of its key and written
as it was read, and memory does not grow with the data. Accounts come last: what broke off has none, and is refused the next time since it is not empty.
"""

from collections.abc import Callable, Sequence

from storage.copying.tables import Table, tables
from storage.database import Cursor, Database, Row, WriteCursor

PAGE = 200
COUNTERS = "counters"  # which a new database has, too
LAST = "users"


class NotEmpty(Exception):
    """The message is one clear line."""


async def copy(source: Database, target: Database) -> int:
    """How many rows there are now. Raises NotEmpty, and then nothing was changed."""
    found = sorted(tables(), key=lambda table: table.name == LAST)
    for table in found:
        if table.name != COUNTERS and await target.read(_any(table)):
            raise NotEmpty(f"the other database is not empty, there is something in {table.name}: make a new one")
    await target.write(_clear_counters)
    return sum([await _copy_table(source, target, table) for table in found])


async def _copy_table(source: Database, target: Database, table: Table) -> int:
    count, page = 0, await source.scan(_page(table, None))
    while page:
        await target.write(_add(table, page))
        count += len(page)
        page = await source.scan(_page(table, page[-1]))
    return count


def _any(table: Table) -> Callable[[Cursor], bool]:
    return lambda cursor: cursor.one(f"SELECT 1 FROM {table.name} LIMIT 1") is not None  # noqa: S608 - names of the schema


def _clear_counters(cursor: WriteCursor) -> None:
    cursor.run("DELETE FROM counters")


def _page(table: Table, last: Row | None) -> Callable[[Cursor], list[Row]]:
    """What follows the row in the order of the key; None: from the beginning."""
    columns, key = ", ".join(table.columns), ", ".join(table.key)
    begin = "" if last is None else f" WHERE ({key}) > ({_places(table.key)})"
    sql = f"SELECT {columns} FROM {table.name}{begin} ORDER BY {key} LIMIT ?"  # noqa: S608 - names of the schema
    after = () if last is None else tuple(last[table.columns.index(column)] for column in table.key)
    return lambda cursor: cursor.all(sql, *after, PAGE)


def _add(table: Table, rows: Sequence[Row]) -> Callable[[WriteCursor], None]:
    sql = f"INSERT INTO {table.name} ({', '.join(table.columns)}) VALUES ({_places(table.columns)})"  # noqa: S608 - names of the schema
    return lambda cursor: cursor.many(sql, rows)


def _places(columns: Sequence[str]) -> str:
    return ", ".join("?" for _ in columns)
