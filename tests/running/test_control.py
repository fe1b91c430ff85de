"""Commands of the machine's administrator, on their way through the socket and on the accounts."""

import json
import socket
import threading
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.testing import StringTransport

from homeserver.control.ask import ask
from homeserver.control.commands import AdministratorCommands
from homeserver.control.door import Door
from homeserver.control.errors import NoAnswer, NobodyThere, Refused
from homeserver.control.paths import SOCKET_FILE, short_path
from homeserver.streams import Streams
from storage.control import StoredAccountList
from tests.support.accounts import People
from tests.support.client import run
from tests.support.storage import open_memory_database

ALICE = {"name": "alice", "password": "correct horse", "admin": False, "display_name": None}


class Told:
    """Remembers who was told what."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    async def send(self, user_id: str, text: str) -> str:
        self.told.append((user_id, text))
        return "$event"

    async def send_to_all(self, text: str) -> tuple[int, int]:
        self.told.append(("all", text))
        return 7, 1


@pytest.fixture
def people() -> People:
    streams = Streams()
    return People(run(open_memory_database(streams)), streams)


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def commands(people: People, told: Told) -> AdministratorCommands:
    store = StoredAccountList(people.database)
    return AdministratorCommands(people.accounts, people.deactivation, people.registration_tokens, people.names, told, store, people.clock)


def test_an_account_is_created_listed_and_closed(commands: AdministratorCommands, people: People) -> None:
    assert not run(commands.has_accounts())
    assert run(commands.run("create-user", ALICE)) == ["@alice:test has been created."]
    assert run(commands.run("create-user", ALICE | {"name": "@bob:test", "admin": True})) == [
        "@bob:test has been created, an administrator."
    ]
    assert run(commands.has_accounts())
    assert run(commands.run("set-admin", {"name": "alice", "no": False})) == ["@alice:test is now an administrator."]
    assert run(commands.run("set-admin", {"name": "bob", "no": True})) == ["@bob:test is no longer an administrator."]
    assert run(commands.run("deactivate-user", {"name": "bob", "erase": True})) == [
        "@bob:test has been deactivated and erased; it leaves its rooms."
    ]
    assert people.rooms.left == ["@bob:test"]
    day = "since 2023-11-14"
    assert run(commands.run("list-users", {})) == [f"@alice:test  {day}, administrator", f"@bob:test  {day}, deactivated"]


def test_an_account_is_locked_and_suspended(commands: AdministratorCommands) -> None:
    run(commands.run("create-user", ALICE))
    assert run(commands.run("lock-user", {"name": "alice", "no": False})) == ["@alice:test is now locked."]
    assert run(commands.run("suspend-user", {"name": "alice", "no": False})) == ["@alice:test is now suspended."]
    assert run(commands.run("list-users", {})) == ["@alice:test  since 2023-11-14, locked, suspended"]
    assert run(commands.run("lock-user", {"name": "alice", "no": True})) == ["@alice:test is no longer locked."]
    assert run(commands.run("suspend-user", {"name": "alice", "no": True})) == ["@alice:test is no longer suspended."]
    assert run(commands.run("list-users", {})) == ["@alice:test  since 2023-11-14"]
    with pytest.raises(Refused, match="no such user"):
        run(commands.run("lock-user", {"name": "bob", "no": False}))


@pytest.mark.parametrize("no", [False, True])
@pytest.mark.parametrize("command", ["set-admin", "lock-user", "suspend-user"])
def test_of_a_closed_account_nothing_is_changed(command: str, no: bool, commands: AdministratorCommands) -> None:
    run(commands.run("create-user", ALICE))
    run(commands.run("deactivate-user", {"name": "alice", "erase": False}))
    with pytest.raises(Refused, match="@alice:test has been deactivated"):
        run(commands.run(command, {"name": "alice", "no": no}))
    assert run(commands.run("list-users", {})) == ["@alice:test  since 2023-11-14, deactivated"]


def test_people_are_told(commands: AdministratorCommands, told: Told) -> None:
    assert run(commands.run("send-notice", {"text": "Hello", "to": "alice", "all": False})) == ["@alice:test has been told."]
    assert run(commands.run("send-notice", {"text": "Hello", "to": None, "all": True})) == [
        "7 have been told, 1 could not be: see the log."
    ]
    assert told.told == [("@alice:test", "Hello"), ("all", "Hello")]


def test_a_password_is_reset(commands: AdministratorCommands, people: People) -> None:
    run(commands.run("create-user", ALICE))
    before = run(people.account_store.credentials("@alice:test"))
    reset = {"name": "@alice:test", "password": "battery staple", "keep_devices": False}
    assert run(commands.run("reset-password", reset)) == ["@alice:test has a new password and is logged out everywhere."]
    after = run(people.account_store.credentials("@alice:test"))
    assert before is not None
    assert after is not None
    assert before.password_hash != after.password_hash


def test_registration_tokens_come_and_go(commands: AdministratorCommands, people: People) -> None:
    [token] = run(commands.run("issue-token", {"uses": 2, "days": 1, "token": None}))
    assert run(people.registration_tokens.is_valid(token))
    assert run(commands.run("list-tokens", {})) == [f"{token}  0 of 2 used, until 2023-11-15"]
    people.clock.set_wall_ms(people.clock.now_ms() + 2 * 86_400_000)
    assert run(commands.run("list-tokens", {})) == [f"{token}  0 of 2 used, until 2023-11-15, of no more use"]
    assert run(commands.run("revoke-token", {"token": token})) == ["The token has been revoked."]
    assert run(commands.run("list-tokens", {})) == []


@pytest.mark.parametrize(
    ("command", "arguments", "said"),
    [
        ("create-user", ALICE | {"name": "Ä"}, "User names may consist of"),
        ("create-user", ALICE | {"name": "@alice:elsewhere"}, "@alice:elsewhere is no user of this server, test"),
        ("reset-password", {"name": "nobody", "password": "x", "keep_devices": True}, "There is no such user here"),
        ("set-admin", {"name": "nobody", "no": False}, "There is no such user here"),
        ("deactivate-user", {"name": "nobody", "erase": False}, "There is no such user here"),
        ("revoke-token", {"token": "none"}, "There is no such registration token"),
        ("issue-token", {"token": "ä", "uses": None, "days": None}, "A registration token has"),
        ("send-notice", {"text": " ", "to": "alice", "all": False}, "there is nothing to tell"),
        ("dance", {}, "the running server knows no command dance"),
    ],
)
def test_what_cannot_be_is_refused_in_words(command: str, arguments: dict[str, Any], said: str, commands: AdministratorCommands) -> None:
    with pytest.raises(Refused, match=said):
        run(commands.run(command, arguments))


class Echo:
    """Answers with what it is asked, and fails on demand."""

    async def run(self, command: str, arguments: dict[str, Any]) -> Any:
        if command == "refuse":
            raise Refused("no")
        if command == "fail":
            raise RuntimeError("a mistake of ours")
        return [command, arguments]


def answer(line: bytes) -> dict[str, Any]:
    visitor = Door("/nowhere", Echo()).buildProtocol(None)
    transport = StringTransport()
    visitor.makeConnection(transport)  # type: ignore[no-untyped-call]  # inherited from Twisted
    visitor.dataReceived(line + b"\n")  # type: ignore[no-untyped-call]
    assert transport.disconnecting
    found: dict[str, Any] = json.loads(transport.value())
    return found


def test_the_door_answers_a_line_with_a_line() -> None:
    assert answer(b'{"command": "x", "arguments": {"a": 1}}') == {"result": ["x", {"a": 1}]}
    assert answer(b'{"command": "refuse", "arguments": {}}') == {"refused": "no"}
    for nonsense in (b"", b"[]", b"{}", b"x", b'{"command": "x"}'):
        assert answer(nonsense) == {"refused": "this is no command"}
    assert answer(b'{"command": "fail", "arguments": {}}') == {"refused": "the server failed to carry this out; its log tells more"}


def served(folder: Path, reply: bytes) -> threading.Thread:
    """A server of one answer."""
    listening = socket.socket(socket.AF_UNIX)
    with short_path(folder / SOCKET_FILE) as path:
        listening.bind(path)
    listening.listen(1)

    def serve() -> None:
        visitor, _ = listening.accept()
        with listening, visitor:
            visitor.makefile("rb").readline()
            visitor.sendall(reply)

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


@pytest.mark.parametrize("name", ["short", "long" * 30])
def test_the_question_reaches_the_socket_however_long_its_path(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    folder.mkdir()
    thread = served(folder, b'{"result": ["done"]}\n')
    assert ask(str(folder), "x", {}) == {"result": ["done"]}
    thread.join()


def test_nobody_there_and_no_answer_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(NobodyThere):
        ask(str(tmp_path), "x", {})
    thread = served(tmp_path, b"")
    with pytest.raises(NoAnswer):
        ask(str(tmp_path), "x", {})
    thread.join()
    with pytest.raises(NobodyThere):  # the socket of a server that is gone
        ask(str(tmp_path), "x", {})
    assert [path.name for path in tmp_path.iterdir()] == [SOCKET_FILE]
