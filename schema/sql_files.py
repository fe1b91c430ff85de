"""The numbered SQL files: `schema/sql/0001_name.sql` upward, without gaps."""

import re
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parent / "sql"
_NAME = re.compile(r"^(\d{4})_(\w+)\.sql$")


class SqlFile(NamedTuple):
    version: int
    name: str
    sql: str


def sql_files() -> list[SqlFile]:
    """All migrations in order."""
    named = [(entry, match) for entry in _ROOT.iterdir() if (match := _NAME.match(entry.name))]
    found = sorted(SqlFile(int(match[1]), match[2], entry.read_text("utf-8")) for entry, match in named)
    if [file.version for file in found] != list(range(1, len(found) + 1)):
        raise ValueError("the numbers of schema/sql have gaps or repeats")
    return found
