"""The server as a process: first start, restarts, signals, commands beside it, and what it says when it cannot start."""

import os
import pty
import resource
import select
import signal
import socket
import stat
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives import serialization

from config import __file__ as config_file
from tests.federation.support.certificates import Authority
from tests.running.ports import free_port
from tests.running.process import CHATME, PATIENCE_SECONDS, SERVE, Running, command

CHEAP = ("--set", "passwords.memory_kib=8", "--set", "passwords.iterations=1")
LONGEST_LOG = 65_536  # of what the server says; that of its database is longer
ANY_PORT = ("--set", "listeners.client.port=0")
DUMMY = {"auth": {"type": "m.login.dummy"}}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def throw_away(folder: Path, *words: str) -> Running:
    needed = ("--data", str(folder / "data"), "--name", "test.example", "--client", "127.0.0.1:0", "--cheap-passwords")
    return Running([SERVE, *needed, *words], folder)


def test_a_first_start_makes_everything_and_says_what_to_do(folder: Path) -> None:
    with Running([CHATME, "serve", *ANY_PORT], folder) as server:
        data = folder / "chatme-data"
        assert server.name == "localhost"
        assert server.ask("GET", "/_matrix/client/versions")[0] == 200
        assert {"chatme.toml", "signing.key", "chatme.db"} <= {path.name for path in data.iterdir()}
        assert stat.S_IMODE(data.stat().st_mode) == 0o700
        assert [
            path.name for path in data.iterdir() if stat.S_IMODE(path.stat().st_mode) & 0o077 and path.suffix in (".key", ".toml", ".sock")
        ] == []
    assert "chatme create-user NAME --admin` makes the first administrator" in server.errors()
    assert server.process.returncode == 0


def test_one_line_one_process_and_all_data_after_sigterm(folder: Path) -> None:
    with throw_away(folder, "--secret", "s") as server:
        os.kill(server.process.pid, 0)
        assert Path(f"/proc/{server.process.pid}/comm").read_text().startswith("python")
        status, made = server.ask("POST", "/_matrix/client/v3/register", {"username": "alice", "password": "correct horse"} | DUMMY)
        assert status == 200, made
        status, room = server.ask("POST", "/_matrix/client/v3/createRoom", {"name": "kept"}, made["access_token"])
        assert status == 200, room
        assert server.stop() == ""
    assert server.process.returncode == 0
    with throw_away(folder) as server:
        name = f"/_matrix/client/v3/rooms/{room['room_id']}/state/m.room.name"
        assert server.ask("GET", name, token=made["access_token"]) == (200, {"name": "kept"})
        assert server.log_in("alice", "correct horse")[0] == 200


def test_commands_work_beside_a_running_server_and_without_one(folder: Path) -> None:
    data = ("--data", str(folder / "data"))
    with throw_away(folder) as server:
        created = command(CHATME, "create-user", "alice", "--admin", "--password-stdin", *data, folder=folder, given="correct horse\n")
        assert (created.returncode, created.stdout) == (0, "@alice:test.example has been created, an administrator.\n")
        assert server.log_in("alice", "correct horse")[0] == 200
        again = command(CHATME, "create-user", "alice", "--password-stdin", *data, folder=folder, given="correct horse\n")
        assert (again.returncode, again.stderr) == (1, "chatme: This user ID is taken\n")
        assert command(CHATME, "serve", *data, folder=folder).stderr.startswith("chatme: the data directory ")
    reset = command(CHATME, "reset-password", "alice", "--password-stdin", *data, *CHEAP, folder=folder, given="battery staple\n")
    assert reset.returncode == 0, reset.stderr
    token = command(CHATME, "issue-token", "--uses", "1", *data, folder=folder).stdout.strip()
    assert command(CHATME, "list-users", *data, folder=folder).stdout.startswith("@alice:test.example  since ")
    with throw_away(folder) as server:
        assert server.log_in("alice", "correct horse")[0] == 403
        assert server.log_in("alice", "battery staple")[0] == 200
        path = f"/_matrix/client/v1/register/m.login.registration_token/validity?token={token}"
        assert server.ask("GET", path) == (200, {"valid": True})


def test_the_sample_file_boots_and_is_healthy(folder: Path) -> None:
    sample = str(Path(config_file).parent / "sample.toml")
    port = f"listeners.client.port={free_port()}"
    words = ("--config", sample, "--data", str(folder / "data"), "--set", port)
    with Running([CHATME, "serve", *words], folder):
        healthy = command(CHATME, "health", *words, folder=folder)
        assert healthy.stdout.startswith("It answers, and speaks Matrix v1.")
    assert command(CHATME, "health", *words, folder=folder).returncode == 1


@pytest.fixture
def used_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def refusal(folder: Path, *words: str) -> str:
    done = command(CHATME, "serve", *words, folder=folder)
    lines = [line for line in done.stderr.splitlines() if not line.startswith("A new server")]
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(lines) == 1, done.stderr
    return lines[0]


def test_a_port_in_use_is_one_line(folder: Path, used_port: int) -> None:
    said = refusal(folder, "--set", f"listeners.client.port={used_port}")
    assert said == f"chatme: port {used_port} of 127.0.0.1 is in use by another program"


def test_an_address_that_is_not_ours_is_one_line(folder: Path) -> None:
    said = refusal(folder, "--set", "listeners.client.bind=192.0.2.1")
    assert said == "chatme: 192.0.2.1 is no address of this machine"


def test_a_certificate_that_is_none_is_one_line(folder: Path) -> None:
    (folder / "none.pem").write_text("no certificate")
    none, absent = folder / "none.pem", folder / "absent.pem"
    said = refusal(folder, "--set", f"listeners.client.certificate={none}", "--set", f"listeners.client.key={none}")
    assert said.startswith(f"chatme: the certificate {none} or its key {none} cannot be used: ")
    said = refusal(folder, "--set", f"listeners.client.certificate={none}", "--set", f"listeners.client.key={absent}")
    assert said == f"chatme: the certificate or key {absent} cannot be read: No such file or directory"


def test_a_key_with_a_pass_phrase_is_one_line_and_nobody_is_asked_for_it(folder: Path) -> None:
    certificate, open_key = Authority(folder).certify("localhost")
    key = serialization.load_pem_private_key(open_key.read_bytes(), None)
    phrase = serialization.BestAvailableEncryption(b"phrase")
    locked = folder / "locked.pem"
    locked.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, phrase))
    said = refusal(folder, "--set", f"listeners.client.certificate={certificate}", "--set", f"listeners.client.key={locked}")
    assert "the key is locked with a pass phrase" in said


def test_a_database_address_that_is_none_is_one_line_without_the_password(folder: Path) -> None:
    said = refusal(folder, "--set", "database.url=postgresql://chatme:hun%zzter@localhost/chatme")
    assert said.startswith("chatme: database.url is no address of PostgreSQL's; ")
    assert "zz" not in said


def test_a_database_is_copied_into_a_new_one_while_no_server_runs(folder: Path) -> None:
    data, other = ("--data", str(folder / "data")), f"sqlite:///{folder}/other.db"
    copying = ("copy-database", *data, "--to", other)
    with throw_away(folder) as server:
        assert server.ask("POST", "/_matrix/client/v3/register", {"username": "alice", "password": "correct horse"} | DUMMY)[0] == 200
        assert "is in use by another ChatMe" in command(CHATME, *copying, folder=folder).stderr
    done = command(CHATME, *copying, folder=folder)
    assert "rows have been copied" in done.stdout, done.stderr
    assert command(CHATME, *copying, folder=folder).stderr.startswith("chatme: the other database is not empty, ")
    assert command(CHATME, "copy-database", *data, "--to", "sqlite:///chatme.db", folder=folder).stderr.startswith(
        "chatme: this is the database"
    )
    users = command(CHATME, "list-users", *data, "--set", f"database.url={other}", "--set", "server.name=test.example", folder=folder)
    assert users.stdout.startswith("@alice:test.example  since ")


def test_a_newer_database_is_one_line(folder: Path) -> None:
    with throw_away(folder):
        pass
    with apsw.Connection(str(folder / "data/chatme.db")) as connection:
        connection.execute("INSERT INTO schema_version (version, name) VALUES (9999, 'later')")
    connection.close()
    assert "newer than" in refusal(folder, "--data", str(folder / "data"), *ANY_PORT)


def test_a_damaged_database_is_one_line(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data/chatme.db").write_bytes(b"this is no database" * 1000)
    assert "chatme.db" in refusal(folder, "--data", str(folder / "data"), *ANY_PORT)


def test_a_disk_that_fills_up_is_said_plainly_and_the_end_is_orderly(folder: Path) -> None:
    with throw_away(folder, "--secret", "s") as server:
        made = server.ask("POST", "/_matrix/client/v3/register", {"username": "alice", "password": "correct horse"} | DUMMY)[1]
        alice = made["access_token"]
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (LONGEST_LOG, LONGEST_LOG))
        assert server.ask("POST", "/_matrix/client/v3/createRoom", {}, alice)[0] == 503
        assert server.ask("GET", "/_matrix/client/v3/account/whoami", token=alice)[0] == 200
        server.stop()
    assert server.process.returncode == 0
    assert "items is lost: disk I/O error" in server.errors()
    assert "something that waited in memory is lost: disk I/O error" in server.errors()
    assert "Traceback" not in server.errors()


def test_a_server_keeps_its_name(folder: Path) -> None:
    data = ("--data", str(folder / "data"))
    assert command(CHATME, "serve", *data, "--set", "listeners.client.bind=192.0.2.1", folder=folder).returncode == 1  # makes the folder
    made = command(CHATME, "create-user", "alice", "--password-stdin", *data, *CHEAP, folder=folder, given="correct horse\n")
    assert made.returncode == 0, made.stderr
    said = (
        "chatme: this server is localhost and has accounts, such as @alice:localhost: server.name cannot be changed to other.org any more"
    )
    assert refusal(folder, *data, *ANY_PORT, "--set", "server.name=other.org") == said
    listed = command(CHATME, "list-users", *data, "--set", "server.name=other.org", folder=folder)
    assert listed.stderr == said + "\n"


def test_who_is_deactivated_while_no_server_runs_leaves_at_the_next_start(folder: Path) -> None:
    with throw_away(folder, "--secret", "s") as server:
        made = server.ask("POST", "/_matrix/client/v3/register", {"username": "alice", "password": "correct horse"} | DUMMY)[1]
        for _ in range(3):
            assert server.ask("POST", "/_matrix/client/v3/createRoom", {}, made["access_token"])[0] == 200
    done = command(CHATME, "deactivate-user", "alice", "--data", str(folder / "data"), folder=folder)
    assert done.stdout == "@alice:test.example has been deactivated; it leaves its rooms.\n"
    assert "error" not in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_of_files_that_is_none_is_one_line(folder: Path) -> None:
    (folder / "files").touch()
    said = refusal(folder, "--set", f"media.directory={folder / 'files'}", *ANY_PORT)
    assert said == f"chatme: media.directory: {folder / 'files'} cannot be written to by this user"


def test_in_a_terminal_the_first_administrator_is_offered(folder: Path) -> None:
    ours, theirs = pty.openpty()
    words = [CHATME, "serve", *ANY_PORT, *CHEAP]
    process = subprocess.Popen(words, cwd=folder, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, text=True, start_new_session=True)
    with ExitStack() as end, process:
        end.callback(os.close, ours)
        end.callback(process.kill)
        os.close(theirs)
        for question, answer in (("not now): ", "alice"), ("Password: ", "correct horse"), ("same again: ", "correct horse")):
            read_until(ours, question)
            os.write(ours, f"{answer}\n".encode())
        read_until(ours, "@alice:localhost has been created, an administrator.")
        assert process.stdout is not None
        assert process.stdout.readline().startswith("ChatMe ")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0


def read_until(terminal: int, text: str) -> None:
    shown = ""
    while text not in shown:
        assert select.select([terminal], [], [], PATIENCE_SECONDS)[0], shown
        shown += os.read(terminal, 4096).decode()
