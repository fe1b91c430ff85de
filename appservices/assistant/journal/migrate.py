"""Bringing a journal to the tables of this program: numbered SQL files (`steps/0001_name.sql` upward), each in one transaction of its own.

How far it has come is `user_version` of the file, which changes with the step or not at all. 0 is a new file, or one of a time without numbers.
"""

import re
from importlib.resources import files
from typing import Final

import apsw

from appservices.assistant.settings import BadSettings

_NAME: Final = re.compile(r"^(\d{4})_\w+\.sql$")
_OF_TURNS: Final = "SELECT name FROM pragma_table_info('turns')"
_EDITS: Final = "ALTER TABLE turns ADD COLUMN edit TEXT NOT NULL DEFAULT ''"


def steps() -> list[str]:
    """All of them, in order."""
    found = sorted((int(match[1]), entry) for entry in files(__package__).joinpath("steps").iterdir() if (match := _NAME.match(entry.name)))
    if [number for number, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError("the numbers of journal/steps have gaps or repeats")
    return [entry.read_text("utf-8") for _, entry in found]


def migrate(connection: apsw.Connection, path: str, known: list[str]) -> None:
    """Raises BadSettings, in one line, for a journal that a newer program wrote."""
    while True:
        found = int(connection.pragma("user_version"))
        if found > len(known):
            raise BadSettings(
                f"assistant.database: {path} is of version {found}, newer than the {len(known)} of this program: start the newer program"
            )
        if found == len(known):
            return
        connection.execute("BEGIN EXCLUSIVE")
        try:
            if int(connection.pragma("user_version")) == found:  # else another process was faster
                if found == 0:
                    _take_up(connection)
                connection.execute(known[found])
                connection.pragma("user_version", found + 1)
            connection.execute("COMMIT")
        except BaseException:
            connection.execute("ROLLBACK")
            raise


def _take_up(connection: apsw.Connection) -> None:
    """The first of the builds without numbers knew no edits; what others lacked were whole tables."""
    columns = [row[0] for row in connection.execute(_OF_TURNS)]
    if columns and "edit" not in columns:
        connection.execute(_EDITS)
