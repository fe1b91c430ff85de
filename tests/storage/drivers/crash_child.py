"""A server's storage that commits without end and reports what was acknowledged; `test_crash` kills it.

python -m tests.storage.drivers.crash_child URL ROUND
"""

import sys
from collections.abc import Sequence

from twisted.internet.defer import Deferred

from homeserver.streams import Change, Streams
from storage.database import Database, WriteCursor
from tests.storage.conftest import open_for_test
from tests.support.loop import ThreadLoop

INSERT = "INSERT INTO account_data (user_id, room_id, type, content, position) VALUES (?, '', ?, ?, ?)"
WRITERS = 8


def write_event(cursor: WriteCursor, items: Sequence[tuple[str, str]]) -> list[int]:
    rows = [(user, kind, b"x" * 300, cursor.position()) for user, kind in items]
    cursor.many(INSERT, rows)
    for row in rows:
        cursor.announce(Change(row[3], "event", subject=row[:2]))
    return [row[3] for row in rows]


async def send(database: Database, user: str, round_: str) -> None:
    count = 0
    while True:
        item = (user, f"{round_}-{count}")
        if count % 3:
            position = await database.write_grouped(write_event, item)
        else:
            [position] = await database.write(lambda cursor, item=item: write_event(cursor, [item]))  # type: ignore[misc]  # a default binds it
        sys.stdout.write(f"{position} {user} {item[1]}\n")
        sys.stdout.flush()
        count += 1


def main(url: str, round_: str) -> None:
    loop = ThreadLoop()
    database = open_for_test(url, loop, Streams())
    for index in range(WRITERS):
        Deferred.fromCoroutine(send(database, f"@{index}", round_))
    while True:
        loop.turn()


if __name__ == "__main__":
    main(*sys.argv[1:])
