"""The command line without a server: help, settings, and mistakes in one line."""

import errno
import io
import os
from pathlib import Path

import pytest

from config.load import load
from homeserver.cli.main import run
from homeserver.start_up import DataDirectory
from homeserver.version import VERSION

COMMANDS = (
    "serve",
    "check-config",
    "generate-config",
    "health",
    "create-user",
    "reset-password",
    "set-admin",
    "deactivate-user",
    "list-users",
    "issue-token",
    "list-tokens",
    "revoke-token",
    "list-reports",
    "close-report",
    "copy-database",
)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")


def leave(*words: str) -> int:
    with pytest.raises(SystemExit) as left:
        run(words)
    assert isinstance(left.value.code, int)
    return left.value.code


def test_help_names_every_command_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("--help") == 0
    shown = capsys.readouterr().out
    assert [command for command in COMMANDS if f"    {command} " not in shown] == []
    assert "offer-administrator" not in shown
    assert "chatme serve --set server.name=example.org" in shown
    assert max(map(len, shown.splitlines())) <= 140


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert leave(command, "--help") == 0
    assert f"usage: chatme {command}" in capsys.readouterr().out


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("--version") == 0
    assert capsys.readouterr().out == f"ChatMe {VERSION}\n"


def test_the_sample_is_printed_and_may_be_used(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["generate-config"]) == 0
    Path("all.toml").write_text(capsys.readouterr().out)
    assert run(["check-config", "--config", "all.toml"]) == 0
    assert capsys.readouterr().out == "The settings of localhost are in order.\n"
    assert load(Path("all.toml"), base=tmp_path, environment={}) == load(None, base=tmp_path, environment={})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["serve", "--config", "none.toml"], "none.toml: cannot be read: No such file or directory"),
        (["serve", "--set", "server.nmae=x"], "--set server.nmae: server.nmae is no setting; did you mean name?"),
        (["serve", "--set", "rooms.default_version=99"], "--set rooms.default_version: rooms.default_version must be one of 1, 2, 3"),
        (["serve", "--config", "bad.toml"], "bad.toml, line 2: server.nmae is no setting; did you mean name?"),
        (["check-config", "--config", "bad.toml"], "bad.toml, line 2: server.nmae is no setting; did you mean name?"),
        (["serve", "--data", "bad.toml/x"], "the data directory "),
        (["create-user", "alice", "--data", "typo"], "there is no ChatMe in "),
        (["create-user", "alice", "--data", "."], "there is no terminal to ask for the password"),
        (["health", "--set", "listeners.client.port=1"], "no answer from 127.0.0.1, port 1: "),
    ],
)
def test_a_mistake_is_one_line_and_an_exit_code(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("bad.toml").write_text("[server]\nnmae = 'x'\n")
    assert run(words) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith(f"chatme: {said}")
    assert shown.err.count("\n") == 1


def test_a_data_directory_in_use_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holder = DataDirectory(str(tmp_path / "chatme-data"))
    holder.hold()
    assert run(["serve"]) == 1
    assert "is in use by another ChatMe (process " in capsys.readouterr().err
    assert run(["list-users"]) == 1
    assert "is in use by another ChatMe (process " in capsys.readouterr().err
    holder.release()


def test_what_the_system_refuses_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(Path, "exists", forbidden)
    assert run(["list-users", "--data", "theirs"]) == 1
    assert capsys.readouterr().err == "chatme: theirs/chatme.toml: Permission denied\n"


def test_words_in_another_encoding_are_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("hunter\udcff2\n"))
    assert run(["create-user", "alice", "--data", ".", "--password-stdin"]) == 1
    assert capsys.readouterr().err == "chatme: the password is no text in UTF-8\n"
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hunter\xff2\n"), "utf-8", "strict"))
    assert run(["create-user", "alice", "--data", ".", "--password-stdin"]) == 1
    assert capsys.readouterr().err == "chatme: the password is no text in UTF-8\n"


def test_an_end_instead_of_a_password_is_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def ended(_: str) -> str:
        raise EOFError

    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", ended)
    assert run(["create-user", "alice", "--data", "."]) == 1
    assert capsys.readouterr().err == "\nchatme: no password was given\n"


def test_unknown_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert leave("dance") == 2
    assert leave() == 2
    for number in ("0", "-1", "x", "1000001", "9" * 5000):
        assert leave("issue-token", "--uses", number) == 2
    assert capsys.readouterr().err.count("must be a whole number from 1 to 1000000, not ") == 5
