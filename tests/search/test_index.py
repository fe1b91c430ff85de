"""The index's reader: late, in large steps, at rest; over restarts; without what was redacted or encrypted."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.search import index as module
from homeserver.search.index import BUSY, DELAY_S, MAX_DELAYS
from homeserver.search.store import EACH
from homeserver.streams import Streams
from storage.database import StorageUnavailable
from tests.client_api.rooms.talk import Talk
from tests.support.client import run
from tests.support.server import make_server
from tests.support.storage import open_memory_database

BLOCK = 4  # events


@pytest.fixture
def talk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Talk:
    for name in ("storage.finding.search", "homeserver.search.index"):
        monkeypatch.setattr(f"{name}.WHOLE", BLOCK * EACH)
    server = make_server(tmp_path)
    server.run(server.server.take_up())
    return Talk(server)


def rest(talk: Talk, seconds: float = DELAY_S) -> None:
    for _ in range(int(seconds / 0.1) + 60):
        talk.server.clock.advance(0.1)


def value(talk: Talk, sql: str = "SELECT count(*) FROM search_blocks") -> Any:
    async def ask() -> Any:
        return await talk.server.database.read(lambda cursor: cursor.value(sql))

    return talk.server.run(ask())


def say(talk: Talk, count: int) -> list[str]:
    return [talk.say(f"word {number}") for number in range(count)]


def test_late_and_together(talk: Talk) -> None:
    rest(talk)
    before = value(talk)
    say(talk, 3 * BLOCK)
    assert value(talk) == before
    rest(talk)
    assert value(talk) >= before + 3


def test_not_while_there_is_much_to_do(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BUSY", 5)
    assert BUSY > 100
    say(talk, BLOCK)
    for _ in range(MAX_DELAYS):
        talk.server.clock.advance(DELAY_S - 0.5)
        say(talk, 7)
        talk.server.clock.advance(0.5)
    assert value(talk) == 0
    rest(talk)
    assert value(talk) > 10


def test_encrypted_rooms_have_none(talk: Talk) -> None:
    say(talk, 3 * BLOCK)
    rest(talk)
    assert value(talk) > 0
    talk.state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    rest(talk)
    assert value(talk) == 0
    say(talk, 3 * BLOCK)
    rest(talk)
    assert value(talk) == 0


def test_what_was_redacted_goes_soon(talk: Talk) -> None:
    sent = say(talk, 3 * BLOCK)
    rest(talk)
    talk.redact(sent[0])
    assert value(talk, "SELECT count(*) FROM search_stale") == 1
    rest(talk)
    assert value(talk, "SELECT count(*) FROM search_stale") == 0


def test_a_restart_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("storage.finding.search", "homeserver.search.index"):
        monkeypatch.setattr(f"{name}.WHOLE", BLOCK * EACH)
    streams = Streams()
    database = run(open_memory_database(streams))
    talk = Talk(make_server(tmp_path, database=database, streams=streams))  # whose index never began
    say(talk, 3 * BLOCK)
    index = talk.server.server._parts.community.search_index
    talk.server.run(index.start())
    rest(talk)
    assert value(talk) >= 3
    assert value(talk, "SELECT value FROM counters WHERE name = 'search'") == streams.position
    talk.server.run(index.stop())
    say(talk, BLOCK)
    rest(talk)
    blocks = value(talk)
    talk.server.run(index.start())
    rest(talk)
    assert value(talk) > blocks


def test_a_database_that_was_away(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    say(talk, 3 * BLOCK)
    with monkeypatch.context() as away:

        async def missing(*_: object) -> None:
            raise StorageUnavailable

        away.setattr("storage.finding.search.StoredSearch.missing", missing)
        rest(talk)
        assert value(talk) == 0
    rest(talk, 2 * DELAY_S)
    assert value(talk) >= 3
