"""One setting switches it on; its registration is made once; what is wrong is said in one line."""

import dataclasses
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import pytest
import yaml

from appservices.assistant.registration import keep_registration, read_tokens
from appservices.assistant.settings import BadSettings, Settings, load_settings
from appservices.registration import read_registrations
from config.load import ConfigError, load
from homeserver.wiring.reaching.assistant import INSIDE, as_settings, own_registration
from tests.peers.person import until
from tests.running.process import CHATME, SERVE, Running, command
from tests.support.clock import SeededChance

PROFILE = "/_matrix/client/v3/profile/@assistant:one.test"
OF_A_PROCESS = {"homeserver_url", "user_id", "as_token", "hs_token", "listen_host", "listen_port", "listen_url"}
OF_CHATME = {"enabled", "localpart"}


def names(kind: Any) -> set[str]:
    return set(getattr(kind, "_fields", None) or (field.name for field in dataclasses.fields(kind)))


def test_chatme_has_every_setting_of_the_assistant() -> None:
    """By the same name and with the same default."""
    section, settings = load(None, base=Path(), environment={}).assistant, Settings("", "")
    assert names(section) - OF_CHATME == names(settings) - OF_A_PROCESS
    for table in ("model", "budgets"):
        ours, theirs = getattr(section, table), getattr(settings, table)
        assert names(ours) == names(theirs)
        for name in names(ours) - {"api_key"}:
            assert getattr(ours, name) == getattr(theirs, name), name


def test_they_reach_the_assistant(tmp_path: Path) -> None:
    told = ["server.name=example.org", "assistant.enabled=true", "assistant.model.base_url=http://m/v1", "assistant.model.name=m"]
    environment = {"CHATME_ASSISTANT__MODEL__API_KEY": "k", "CHATME_ASSISTANT__BUDGETS__USER_DAY_TOKENS": "7"}
    config = load(None, base=tmp_path, environment=environment, settings=told)
    own_registration(config.assistant, SeededChance(1))
    settings = as_settings(config)
    assert settings.user_id == "@assistant:example.org"
    assert (settings.model.api_key, settings.model.is_there, settings.budgets.user_day_tokens) == ("k", True, 7)
    assert settings.database == str(tmp_path / "assistant.db")
    assert "k" not in repr(settings.model).split("'")


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            ["assistant.enabled=true", "listeners.client.enabled=false", "listeners.federation.enabled=true"],
            "needs a listener that serves clients",
        ),
        (["assistant.model.base_url=http://m/v1"], "give both or none"),
        (["assistant.model.api_key=a", "assistant.model.api_key_file=b"], "given twice"),
        (["assistant.localpart=Not A Name"], "must be a user name"),
    ],
)
def test_what_contradicts_itself(told: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=said):
        load(None, base=tmp_path, environment={}, settings=told)


def test_a_registration_is_made_once(tmp_path: Path) -> None:
    file, chance = tmp_path / "assistant-registration.yaml", SeededChance(1)
    made = keep_registration(file, "a.b", INSIDE, chance.token)
    assert keep_registration(file, "a.b", INSIDE, chance.token) == made
    moved = keep_registration(file, "other", "http://127.0.0.1:1", chance.token)
    assert moved["as_token"] == made["as_token"] == read_tokens(file)[0]
    assert file.stat().st_mode & 0o077 == 0
    [registration] = read_registrations([str(file)])
    assert (registration.sender_localpart, registration.receive_ephemeral, registration.rate_limited) == ("other", True, False)


def test_a_key_from_a_file_or_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep_registration(tmp_path / "assistant-registration.yaml", "a", INSIDE, SeededChance(1).token)
    config, head = tmp_path / "a.toml", 'homeserver_url = "http://h"\nuser_id = "@a:b"\n[model]\n'
    (tmp_path / "key").write_text("secret\n")
    config.write_text(head + 'api_key_file = "key"')
    assert load_settings(config).model.api_key == "secret"
    config.write_text(head + 'api_key_variable = "THE_KEY"')
    with pytest.raises(BadSettings, match="no THE_KEY in the environment"):
        load_settings(config)
    monkeypatch.setenv("THE_KEY", "other")
    assert load_settings(config).model.api_key == "other"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b'homeserver_url = "http://h"', "assistant.user_id: is missing"),
        (b'homeserver_url = "h"\nuser_id = "@a:b"', "assistant.homeserver_url: an http"),
        (b'homeserver_url = "http://h"\nuser_id = "@a:b"\nrooms = "!a:b"', "assistant.rooms: should be a list"),
        (b'homeserver_url = "http://h"\nuser_id = "@a:b"\nturns_a_minute = "3"', "assistant.turns_a_minute: should be int"),
        (b'homeserver_url = "http://h"\nuser_id = "@a:b"\nmodel = 3', "assistant.model: should be a table"),
        (b'user_id = "\xff"', "a.toml: is no valid TOML: "),
        (None, "a.toml: cannot be read: No such file or directory"),
    ],
)
def test_settings_that_are_none(text: bytes | None, said: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "a.toml").write_bytes(text)
    with pytest.raises(BadSettings, match=said):
        load_settings(tmp_path / "a.toml")


def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (tmp_path / "assistant.toml").write_text(
            f'homeserver_url = "http://h"\nuser_id = "@a:b"\nas_token = "a"\nhs_token = "h"\nlisten_port = {port}\n'
        )
        refused = command(CHATME, "assistant", "run", folder=tmp_path)
    assert refused.returncode == 1
    assert refused.stderr == f"chatme: assistant.listen_port: 127.0.0.1:{port} cannot be had: Address already in use\n"


def test_commands_of_a_process_of_its_own(tmp_path: Path) -> None:
    config = tmp_path / "assistant.toml"
    config.write_text('[assistant]\nhomeserver_url = "http://h"\nuser_id = "@helper:b.example"\nlisten_port = 1234\n')
    refused = command(CHATME, "assistant", "run", folder=tmp_path)
    assert refused.returncode == 1
    assert len(refused.stderr.splitlines()) == 1
    assert "register" in refused.stderr
    written = command(CHATME, "assistant", "register", folder=tmp_path)
    assert written.returncode == 0
    found = yaml.safe_load((tmp_path / "assistant-registration.yaml").read_text())
    assert found["url"] == "http://127.0.0.1:1234"
    assert found["namespaces"]["users"] == [{"exclusive": True, "regex": "@helper:.*"}]
    config.write_text('nmae = "x"\n')
    wrong = subprocess.run(
        [sys.executable, "-m", "appservices.assistant", "run"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (wrong.returncode, "there is no such setting" in wrong.stderr) == (2, True)


def test_a_journal_of_a_newer_program(tmp_path: Path) -> None:
    """In one line, inside ChatMe and beside it."""
    (tmp_path / "data").mkdir()
    for file in (tmp_path / "assistant.db", tmp_path / "data/assistant.db"):
        apsw.Connection(str(file)).pragma("user_version", 99)
    (tmp_path / "assistant.toml").write_text('homeserver_url = "http://h"\nuser_id = "@a:b"\n')
    keep_registration(tmp_path / "assistant-registration.yaml", "a", INSIDE, SeededChance(1).token)
    words = [SERVE, "--data", str(tmp_path / "data"), "--name", "one.test", "--client", "127.0.0.1:0", "--set", "assistant.enabled=true"]
    for refused in (command(CHATME, "assistant", "run", folder=tmp_path), command(*words, folder=tmp_path)):
        assert refused.returncode != 0
        assert "version 99, newer than the 1 of this program" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_one_setting(tmp_path: Path) -> None:
    """Its user is there, and nobody else can be it; a second start finds the same tokens; it tells its figures with the server's."""
    words = [SERVE, "--data", str(tmp_path / "data"), "--name", "one.test", "--client", "127.0.0.1:0", "--set", "assistant.enabled=true"]
    words += ["--set", 'listeners.client.serves=["client","metrics"]']
    tokens = []
    for _ in range(2):
        with Running(words, tmp_path) as server:
            until(lambda server=server: server.ask("GET", PROFILE)[1]["displayname"] == "Assistant")  # type: ignore[misc]
            body = {"username": "assistant", "password": "x", "auth": {"type": "m.login.dummy"}}
            assert server.ask("POST", "/_matrix/client/v3/register", body)[0] == 400
            assert "chatme_assistant_turns" in server.read("/metrics")
        tokens.append(read_tokens(tmp_path / "data/assistant-registration.yaml"))
    assert tokens[0] == tokens[1]
    assert "Traceback" not in (tmp_path / "errors.log").read_text()
