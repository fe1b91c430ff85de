"""Servers to measure: this one and Synapse, each a process of its own, on SQLite or on a PostgreSQL of its own.

Both get the same PostgreSQL (the settings of `initdb`, durable, over loopback), cheap password hashes and no rate limits. `run_synapse.py` of the
benchmark folder starts Synapse and, for both, PostgreSQL.
"""

import importlib.util
import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from argparse import Namespace
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SECRET = "benchmark"
DRIVERS = ("sqlite", "postgres")
START_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Tools:
    """Where the programs are that this repository does not hold."""

    bench: Path  # the folder of hsbench.py and run_synapse.py
    synapse_python: Path
    client_python: Path


@dataclass(slots=True)
class Running:
    """A server that answers. `command` starts it again on the same data."""

    url: str
    secret: str
    pids: list[int]  # the server first, its database after it
    size_command: str  # prints the bytes of the database
    command: Sequence[str]
    directory: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)  # what `stop` ends, in this order


def program(tools: Tools, name: str) -> Any:
    """A program of the benchmark folder, as a module."""
    file = tools.bench / f"{name}.py"
    specification = importlib.util.spec_from_file_location(name, file)
    if not file.exists() or specification is None or specification.loader is None:
        raise SystemExit(f"there is no {file}")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_chatme(directory: Path, driver: str, tools: Tools, settings: Sequence[str] = ()) -> Running:
    """On an empty or a filled directory; `settings` are `section.key=value`."""
    directory.mkdir(parents=True, exist_ok=True)
    port, data = free_port(), directory / "data"
    url = f"http://127.0.0.1:{port}"
    command = [str(ROOT / "tests" / "serve"), "--data", str(data), "--name", "localhost", "--client", f"127.0.0.1:{port}"]
    command += ["--secret", SECRET, "--no-limits", "--cheap-passwords", "--set", "listeners.client.serves=client,federation,metrics"]
    size_command = f"{sys.executable} -m tests.bench.database_size {data / 'chatme.db'}"
    processes = []
    if driver == "postgres":
        postgres, database_url, size_command = start_postgres(directory, tools)
        processes.append(postgres)
        command += ["--database", database_url]
    for setting in settings:
        command += ["--set", setting]
    with (directory / "server.log").open("ab") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)
    running = Running(url, SECRET, [server.pid, *(p.pid for p in processes)], size_command, command, directory, [server, *processes])
    try:
        wait_until_up(url, server)
    except BaseException:
        stop(running)
        raise
    return running


def processor_seconds(pids: Sequence[int]) -> float:
    """What these processes and their children have used, to the nanosecond; what ended threads and children used is not in it."""
    wanted, total = set(pids), 0
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    while more := {pid for pid, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    for pid in wanted:
        for task in Path(f"/proc/{pid}/task").glob("*/schedstat"):
            with suppress(OSError):
                total += int(task.read_text().split()[0])
    return total / 1e9


def start_postgres(directory: Path, tools: Tools) -> tuple[subprocess.Popen[bytes], str, str]:
    """The process, its URL, and the command that prints the database's size: set up and started just as for Synapse."""
    port = free_port()
    process = program(tools, "run_synapse").start_pg(
        Namespace(pg_port=port, pg_dbname="chatme", initdb="initdb", postgres="postgres"), str(directory)
    )
    size = f"psql -h 127.0.0.1 -p {port} -U synapse -d chatme -At -c \"select pg_database_size('chatme')\""
    return process, f"postgresql://synapse@127.0.0.1:{port}/chatme", size


def wait_until_up(url: str, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url + "/_matrix/client/versions", timeout=5):
                return
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"the server at {url} did not start") from None
            time.sleep(0.02)


def stop(running: Running) -> None:
    """The server, then its database; SIGINT lets PostgreSQL end at once."""
    for place, process in enumerate(running.processes):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM if place == 0 else signal.SIGINT)
            process.wait(60)


def stop_server(running: Running) -> None:
    """The database stays up, for a cold start."""
    server = running.processes[0]
    server.send_signal(signal.SIGTERM)
    server.wait(60)


class Synapse:
    """Synapse by way of `run_synapse.py`, which keeps its process IDs in the directory."""

    def __init__(self, directory: Path, tools: Tools) -> None:
        self._directory = directory
        self._program = [sys.executable, str(tools.bench / "run_synapse.py")]
        self._venv = tools.synapse_python.absolute().parent.parent

    def start(self, driver: str) -> Running:
        self._directory.mkdir(parents=True, exist_ok=True)
        where = ["--dir", str(self._directory)]
        ports = ["--port", str(free_port()), "--pg-port", str(free_port())]
        told = self._run("start", *where, "--venv", str(self._venv), "--db", driver, "--bcrypt-rounds", "4", *ports)
        info = json.loads(told)
        size = info.get("db_size_cmd") or f"{sys.executable} -m tests.bench.database_size {self._directory / 'homeserver.db'}"
        pids = [info["pid"], *([info["pg_pid"]] if "pg_pid" in info else [])]
        command = shlex.split(self._run("command", *where))
        return Running(info["url"], info["shared_secret"], pids, size, command, self._directory)

    def stop_server(self) -> None:
        self._run("stop", "--dir", str(self._directory), "--keep-pg")

    def stop(self) -> None:
        if (self._directory / "run.json").exists():
            self._run("stop", "--dir", str(self._directory))

    def _run(self, *arguments: str) -> str:
        done = subprocess.run([*self._program, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"run_synapse.py {arguments[0]}: {done.stderr[-2000:]}")
        return done.stdout


def loop_lag(url: str) -> dict[str, float]:
    """Of a ChatMe: its longest lag since the start, and the processor time it used meanwhile."""
    with urllib.request.urlopen(url + "/metrics", timeout=30) as answer:
        page = answer.read().decode()
    found = {}
    for name, metric in (("longest", "chatme_loop_lag_longest_seconds"), ("used", "chatme_loop_lag_longest_processor_seconds")):
        match = re.search(rf"^{metric} (\S+)$", page, re.MULTILINE)
        if match is not None:
            found[name] = float(match[1])
    return found
