"""Bytes of an SQLite database as its readers see it: `python -m tests.bench.database_size FILE`. What still stands in the log alone is counted, the
log's own slack is not."""

import sys
from pathlib import Path

import apsw


def database_bytes(file: Path) -> int:
    """Pages, free ones too, times their size."""
    connection = apsw.Connection(str(file), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        connection.set_busy_timeout(5000)
        return int(connection.pragma("page_count")) * int(connection.pragma("page_size"))
    finally:
        connection.close()


if __name__ == "__main__":
    print(database_bytes(Path(sys.argv[1])))
