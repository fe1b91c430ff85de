"""Migrations on every driver: from nothing, from each older schema, interrupted, and refused."""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from schema.sql_files import SqlFile, sql_files
from storage.database import CannotOpen
from storage.drivers.sqlite_file import SqliteFile, check_version
from storage.migrate import NewerSchema
from tests.support.postgres import TemporaryPostgres

FILES = [
    SqlFile(1, "first", "-- a 'comment'\nCREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID; -- INTEGER\n"
            "INSERT INTO counters (name, value) VALUES ('position', 5);"),
    SqlFile(2, "second", "CREATE TABLE things (num INTEGER PRIMARY KEY, body BLOB NOT NULL); INSERT INTO things (num, body) VALUES (1, 'x');"),
    SqlFile(3, "third", "ALTER TABLE things ADD COLUMN note TEXT;"),
]  # fmt: skip

Migrate = Callable[..., int]


@pytest.fixture(params=["sqlite", "postgres"])
def prepare(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Migrate]:
    """Migrates with the given files; the position afterwards."""

    def prepare_sqlite(files: list[SqlFile], reached: Callable[[int], None] = lambda version: None) -> int:
        file = SqliteFile(tmp_path / "chatme.db", cache_kib=512, exclusive=False)
        try:
            file.migrate(files, reached)
            return file.position()
        finally:
            file.writer.close()
            file.close()

    if request.param == "sqlite":
        yield prepare_sqlite
        return
    from storage.drivers import postgres_setup

    server: TemporaryPostgres = request.getfixturevalue("postgres_server")
    url = server.create()
    yield lambda files, reached=lambda version: None: postgres_setup.prepare(url, files, reached)
    server.drop(url)


def test_from_nothing_and_from_each_older_schema(prepare: Migrate) -> None:
    reached: list[int] = []
    for known in (1, 1, 3, 3):
        assert prepare(FILES[:known], reached.append) == 5
    assert reached == [1, 2, 3]


def test_an_interrupted_migration_leaves_the_older_schema(prepare: Migrate) -> None:
    prepare(FILES[:1])

    def crash(version: int) -> None:
        if version == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(FILES, crash)
    reached: list[int] = []
    prepare(FILES, reached.append)
    assert reached == [3]


def test_a_newer_schema_is_refused_in_one_line(prepare: Migrate) -> None:
    prepare(FILES)
    with pytest.raises(NewerSchema) as caught:
        prepare(FILES[:2])
    assert isinstance(caught.value, CannotOpen)
    assert str(caught.value).startswith("the database has schema 3, newer than the 2 of this program")
    assert "\n" not in str(caught.value)


def test_two_processes_do_not_migrate_at_once(prepare: Migrate) -> None:
    reached: list[int] = []
    second = threading.Thread(target=lambda: prepare(FILES, reached.append))

    def meanwhile(version: int) -> None:
        reached.append(version)
        if version == 1:
            second.start()
            second.join(0.1)

    prepare(FILES, meanwhile)
    second.join()
    assert reached == [1, 2, 3]


def test_the_files_are_numbered_without_gaps() -> None:
    files = sql_files()
    assert [file.version for file in files] == list(range(1, len(files) + 1))
    assert all(file.sql.strip() for file in files)


def test_states_are_what_they_were_without_their_epochs(prepare: Migrate) -> None:
    """The position is asked for, so what is to be seen is put there."""
    files = sql_files()
    before, after = files[:17], files[:18]
    node = "INSERT INTO state_nodes (node_id, room_num, epoch, body) VALUES ('n', 3, 1, 'body'); INSERT INTO rooms_to_collect (room_num) VALUES (3);"
    before[-1] = before[-1]._replace(sql=f"{before[-1].sql}\n{node}")
    prepare(before)
    look = (
        "UPDATE counters SET value = (SELECT sum(room_num) FROM state_nodes WHERE node_id = 'n' AND body = 'body') WHERE name = 'position';"
    )
    assert prepare([*after, SqlFile(19, "look", look)]) == 3


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0"])
def test_an_old_sqlite_is_refused(version: str) -> None:
    with pytest.raises(CannotOpen, match=r"3\.51\.3 or newer"):
        check_version(version)
    check_version("3.51.3")
    check_version("3.54.1")
    check_version("4.0.0")


def test_a_database_is_used_by_one_server(tmp_path: Path) -> None:
    file = SqliteFile(tmp_path / "chatme.db", cache_kib=512)
    with pytest.raises(CannotOpen, match="in use by another process"):
        SqliteFile(tmp_path / "chatme.db", cache_kib=512)
    file.writer.close()
    file.close()
    SqliteFile(tmp_path / "chatme.db", cache_kib=512).writer.close()


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("this is no database, but long enough to look at it\n" * 100)
    for path in (tmp_path / "text.db", tmp_path / "missing" / "chatme.db", tmp_path):
        with pytest.raises(CannotOpen, match="cannot be opened"):
            SqliteFile(path, cache_kib=512)


def test_a_disk_without_room_for_the_log_is_named_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    file = SqliteFile(tmp_path / "chatme.db", cache_kib=512)
    file.migrate(sql_files(), lambda version: None)
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotOpen, match=r"the log of the database .* cannot be written: No space left on device"):
        file.grow_log()
    file.writer.close()
    file.close()


def test_a_server_that_is_not_there_is_named_in_one_line(tmp_path: Path) -> None:
    from storage.drivers.postgres_setup import prepare

    with pytest.raises(CannotOpen, match="cannot be reached") as caught:
        prepare(f"postgresql://nobody@/none?host={tmp_path}", FILES, lambda version: None)
    assert "\n" not in str(caught.value)


def test_an_encoding_that_cannot_hold_all_text_is_refused(postgres_server: TemporaryPostgres) -> None:
    from storage.drivers.postgres_setup import prepare

    postgres_server.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(CannotOpen, match="encoding UTF8"):
        prepare(postgres_server.url("latin"), FILES, lambda version: None)
