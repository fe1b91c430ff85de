"""Places in the server where a test kills it. The product knows nothing of them: a child process (`child.py`) wraps what is named here.

`POINT:COUNT` in the environment variable `CHATME_CRASH` kills at the COUNT-th time that the place is passed after SIGUSR1 (that of a migration: from the
start). Each wrapper stands around one function, so that a renamed one fails here and at once.
"""

import os
import signal
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from random import Random
from typing import Any

from tests.crash.files import WatchedFile, WatchedFiles, lose_power

VARIABLE = "CHATME_CRASH"
EXTRA_MIGRATIONS = "CHATME_CRASH_MIGRATIONS"


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    signal.pause()  # another thread may be told first


class Countdown:
    """Dies at the COUNT-th call, once armed."""

    def __init__(self, count: int) -> None:
        self.left = count
        self.armed = False

    def arm(self, *_: Any) -> None:
        self.armed = True

    def __call__(self) -> None:
        if self.due():
            die()

    def due(self) -> bool:
        self.left -= self.armed
        return self.left == 0


def before_commit(passed: Countdown) -> None:
    """The rows are written, the transaction is open."""
    for transaction in _transactions():
        _around(transaction, "commit", before=passed)


def after_commit(passed: Countdown) -> None:
    """On disk; the loop has not heard of it."""
    for transaction in _transactions():
        _around(transaction, "commit", after=passed)


def before_answer(passed: Countdown) -> None:
    """The loop has heard of the commit; neither readers nor clients have."""
    from storage.drivers.group_commit import GroupCommit

    _around(GroupCommit, "_succeed", before=passed)


def after_wake_up(passed: Countdown) -> None:
    """Whoever waited in /sync has been told; the sender has not."""
    from storage.drivers.group_commit import GroupCommit

    _around(GroupCommit, "_publish", after=passed)


def before_wake_up(passed: Countdown) -> None:
    """The sender has its answer; nobody who waits in /sync has been told."""
    from storage.drivers.group_commit import GroupCommit

    succeed = GroupCommit._succeed
    publish = GroupCommit._publish

    def answer_first(self: Any, batch: Any, seconds: float) -> None:
        due = passed.due()
        if due:
            GroupCommit._publish = lambda *_: None  # type: ignore[method-assign]
        succeed(self, batch, seconds)
        if due:
            GroupCommit._publish = publish  # type: ignore[method-assign]
            die()

    GroupCommit._succeed = answer_first  # type: ignore[method-assign]


def during_checkpoint(passed: Countdown) -> None:
    """SQLite alone: between two pages that go from the log into the database, where in WAL mode only a checkpoint writes."""

    def written(file: WatchedFile, offset: int) -> None:
        if file.is_database and offset:  # the first page is written when the file is made, too
            passed()

    _KEPT.append(WatchedFiles(written))


def power_failure(passed: Countdown) -> None:
    """SQLite alone: at some write, and what was not synced is lost."""

    def written(file: WatchedFile, offset: int) -> None:
        if passed.due():
            lose_power(files, Random(offset))
            die()

    files = WatchedFiles(written)
    _KEPT.append(files)


def during_migration(passed: Countdown) -> None:
    """The statements of a schema file have run, its number is not recorded."""
    from storage import migrate as whole

    def watched(connection: Any, files: Any, *, reached: Any) -> int:
        return whole.migrate(connection, files, reached=lambda _: passed())

    for module in ("storage.drivers.postgres_setup", "storage.drivers.sqlite_file"):
        _replace(module, "migrate", watched)


def after_token(passed: Countdown) -> None:
    """A login's token is on disk, its answer is not on its way."""
    from storage.people.tokens import StoredTokens

    log_in = StoredTokens.log_in

    async def watched(self: Any, login: Any) -> None:
        await log_in(self, login)
        passed()

    StoredTokens.log_in = watched  # type: ignore[method-assign]


def lie(passed: Countdown) -> None:
    """No point, but a fault: a commit that never happens is told as done. The laws must see it."""
    from storage.drivers.sqlite_cursor import SqliteTransaction

    commit, begin = SqliteTransaction.commit, SqliteTransaction.begin

    def pretend(self: Any) -> None:
        if not passed.due():
            commit(self)

    def die_before_the_next(self: Any) -> None:
        if passed.left <= 0:
            die()
        begin(self)

    SqliteTransaction.commit = pretend  # type: ignore[method-assign]
    SqliteTransaction.begin = die_before_the_next  # type: ignore[method-assign]


def power_failure_unsynced(passed: Countdown) -> None:
    """Another fault: commits are not synced, and the power fails. A kill alone would not show it."""
    from storage.drivers.sqlite_file import SqliteFile

    set_up = SqliteFile._set_up

    def carelessly(self: Any) -> None:
        set_up(self)
        self.writer.pragma("synchronous", "NORMAL")

    SqliteFile._set_up = carelessly  # type: ignore[method-assign]
    power_failure(passed)


POINTS: dict[str, Callable[[Countdown], None]] = {
    point.__name__: point
    for point in (
        before_commit,
        after_commit,
        before_answer,
        after_wake_up,
        before_wake_up,
        during_checkpoint,
        power_failure,
        during_migration,
        after_token,
    )
}
SQLITE_ALONE = {"during_checkpoint", "power_failure"}
FAULTS = {"lie": lie, "power_failure_unsynced": power_failure_unsynced}


def install(environment: dict[str, str]) -> None:
    """Wrap what the environment names."""
    migrations = int(environment.get(EXTRA_MIGRATIONS, "0"))
    if migrations:
        _add_migrations(migrations)
    name, _, count = environment.get(VARIABLE, "").partition(":")
    if name:
        passed = Countdown(int(count))
        signal.signal(signal.SIGUSR1, passed.arm)
        if name == "during_migration":
            passed.arm()
        (POINTS | FAULTS)[name](passed)


def _add_migrations(count: int) -> None:
    """Schema files beyond the product's own, which touch tables that hold much."""
    from schema import sql_files as module

    own = module.sql_files()
    extra = []
    for index in range(1, count + 1):
        copy = f"CREATE TABLE crash_{index} AS SELECT event_id, position FROM events;"
        change = (
            f"ALTER TABLE rooms ADD COLUMN crash_{index} INTEGER NOT NULL DEFAULT {index}; UPDATE rooms SET crash_{index} = joined_count;"
        )
        extra.append(module.SqlFile(own[-1].version + index, f"crash_{index}", f"{copy}\n{change}\n"))

    _replace("storage.open_storage", "sql_files", lambda: [*own, *extra])


def _replace(module: str, name: str, value: Any) -> None:
    """What a module has imported under that name."""
    found = import_module(module)
    assert hasattr(found, name), f"{module} has no {name} any more"
    setattr(found, name, value)


def _transactions() -> tuple[type, type]:
    from storage.drivers.postgres_cursor import PostgresTransaction
    from storage.drivers.sqlite_cursor import SqliteTransaction

    return SqliteTransaction, PostgresTransaction


def _around(owner: type, name: str, before: Callable[[], None] | None = None, after: Callable[[], None] | None = None) -> None:
    whole = getattr(owner, name)

    @wraps(whole)
    def watched(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before()
        value = whole(*args, **kwargs)
        if after is not None:
            after()
        return value

    setattr(owner, name, watched)


_KEPT: list[WatchedFiles] = []
