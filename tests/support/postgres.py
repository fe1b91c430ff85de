"""A temporary PostgreSQL from the installed server binaries, and a fresh database in it for each test."""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable
from itertools import count
from pathlib import Path

import psycopg2

SUPERUSER = "chatme"
TEMPLATE = "chatme_template"


def find_binaries() -> Path | None:
    """The folder of the newest `initdb` and `postgres`; None when there is no server here."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists() and (folder / "postgres").exists()), None)


class TemporaryPostgres:
    """A server in a directory of its own, reached by a Unix socket. `durable` keeps fsync on, for tests that kill and measure."""

    def __init__(self, binaries: Path, *, durable: bool = False) -> None:
        self._binaries = binaries
        self._durable = durable
        self.directory = Path(tempfile.mkdtemp(prefix="chatme-pg-"))
        self._data = self.directory / "data"
        self._process: subprocess.Popen[bytes] | None = None
        self._names = count(1)
        self._templates: set[str] = set()
        self._user: int | None = None
        self._group: int | None = None
        if os.geteuid() == 0:  # initdb refuses root
            user = _unprivileged()
            self._user, self._group = user.pw_uid, user.pw_gid
            os.chown(self.directory, self._user, self._group)
        self._run("initdb", "-D", str(self._data), "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")

    def start(self) -> None:
        durable = "on" if self._durable else "off"
        settings = {"listen_addresses": "", "unix_socket_directories": str(self.directory), "fsync": durable, "full_page_writes": durable}
        settings |= {"shared_buffers": "64MB", "max_connections": "60", "logging_collector": "off", "autovacuum": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", self._data, *options],
                stdout=log,
                stderr=log,
                cwd=self.directory,
                user=self._user,
                group=self._group,
            )
        deadline = time.monotonic() + 60
        while True:
            try:
                psycopg2.connect(self.url("postgres")).close()
                return
            except psycopg2.OperationalError:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start: {(self.directory / 'log').read_text()[-2000:]}") from None
                time.sleep(0.02)

    def stop(self, kill: signal.Signals = signal.SIGINT) -> None:
        """SIGINT: at once, but cleanly. SIGQUIT: as after a crash."""
        if self._process is not None:
            self._process.send_signal(kill)
            self._process.wait(60)
            self._process = None

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.directory}"

    def create(self, fill: Callable[[str], None] | None = None) -> str:
        """The URL of a new database: empty, or a copy of the template that `fill` (given its URL) made once."""
        name = f"test_{next(self._names)}"
        if fill is None:
            self.execute(f"CREATE DATABASE {name}")
            return self.url(name)
        if TEMPLATE not in self._templates:
            self.execute(f"CREATE DATABASE {TEMPLATE}")
            fill(self.url(TEMPLATE))
            self._templates.add(TEMPLATE)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
        return self.url(name)

    def drop(self, url: str) -> None:
        self.execute(f"DROP DATABASE IF EXISTS {url.partition('@/')[2].partition('?')[0]} WITH (FORCE)")

    def execute(self, sql: str) -> list[tuple[object, ...]]:
        """One statement as superuser."""
        connection = psycopg2.connect(self.url("postgres"))
        try:
            connection.autocommit = True
            cursor = connection.cursor()
            cursor.execute(sql)
            return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries / program), *arguments]
        done = subprocess.run(command, capture_output=True, check=False, cwd=self.directory, user=self._user, group=self._group)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.decode()[-2000:]}")


def _unprivileged() -> pwd.struct_passwd:
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]
