"""A process killed while it commits: what it acknowledged is there, once, and the sequence goes on without a gap or a repeat."""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from homeserver.streams import Streams
from storage.database import Database
from tests.storage.conftest import DatabaseFactory
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop

KILLS = 3
STORED = "SELECT position, user_id, type FROM account_data ORDER BY position"


def run_and_kill(url: str, round_: int, seconds: float) -> list[tuple[int, str, str]]:
    """What the child acknowledged."""
    command = [sys.executable, "-m", "tests.storage.drivers.crash_child", url, str(round_)]
    child = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3], text=True)
    assert child.stdout is not None
    assert child.stderr is not None
    first = child.stdout.readline()
    time.sleep(seconds)
    child.kill()
    lines = [first, *child.stdout]
    child.wait()
    errors = child.stderr.read()
    child.stdout.close()
    child.stderr.close()
    assert errors == ""
    whole = [line.split() for line in lines if line.endswith("\n")]
    return [(int(position), user, kind) for position, user, kind in whole]


@pytest.mark.parametrize("database_url", ["sqlite-file", "postgres"], indirect=True)
def test_kill(database_url: str, database_factory: DatabaseFactory, loop: ThreadLoop) -> None:
    chance = SeededChance(47)
    acknowledged: set[tuple[int, str, str]] = set()
    for round_ in range(KILLS):
        told = run_and_kill(database_url, round_, chance.uniform(0.05, 0.4))
        assert told
        acknowledged |= set(told)
        streams = Streams()
        database = database_factory(streams)
        check(loop, database, streams, acknowledged)
        loop.run(database.close())


def check(loop: ThreadLoop, database: Database, streams: Streams, acknowledged: set[tuple[int, str, str]]) -> None:
    stored: list[Any] = loop.run(database.scan(lambda cursor: cursor.all(STORED)))
    assert [position for position, _, _ in stored] == list(range(1, len(stored) + 1))
    assert streams.position == len(stored)
    assert acknowledged <= set(stored)
    for user in {user for _, user, _ in stored}:
        sent = [kind for _, name, kind in stored if name == user]
        assert sent == sorted(sent, key=lambda kind: tuple(map(int, kind.split("-"))))
        assert len(sent) == len(set(sent))
