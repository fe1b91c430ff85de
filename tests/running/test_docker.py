"""The container files name only what exists. No engine is needed: the files are read, and the entry point is run as a process."""

import os
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.load import load
from tests.architecture.tree import ROOMS, ROOT
from tests.running.ports import free_port
from tests.running.process import Running, command

DOCKER = ROOT / "docker"
COMPOSE = sorted(DOCKER.glob("compose*.yaml"))
IGNORED = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
PORT = re.compile(r"(?:[\d.]+:)?\d+:(\d+)")


def instructions() -> list[tuple[str, str]]:
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(line.split(" ", 1)[0], line.split(" ", 1)[1]) for line in lines]


def variables(text: str) -> dict[str, str]:
    return dict(word.split("=", 1) for word in shlex.split(text))


def compose(path: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(path.read_text())
    return loaded


def plain(value: str) -> str:
    """With the defaults of its ${NAME:-default}, and `x` for what must be given."""
    return re.sub(r"\$\{\w+:\?[^}]*\}", "x", re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value))


def test_everything_that_is_copied_exists_and_is_not_ignored() -> None:
    for word, rest in instructions():
        sources = rest.split()[:-1] if word == "COPY" and "--from" not in rest else []
        for source in sources:
            assert (ROOT / source).exists(), source
            assert source in IGNORED or Path(source).parts[0] in IGNORED, source


def test_every_room_is_in_the_image() -> None:
    assert {rest.split()[0] for word, rest in instructions() if word == "COPY"} >= set(ROOMS)


def test_the_image_does_not_run_as_root() -> None:
    users = [rest for word, rest in instructions() if word == "USER"]
    assert users[-1:] == ["chatme"]
    assert any("useradd" in rest and rest.split("&&")[0].split()[-1] == "chatme" for word, rest in instructions() if word == "RUN")


def test_its_settings_are_settings_and_its_ports_are_listened_to(tmp_path: Path) -> None:
    env = {name: value for word, rest in instructions() if word == "ENV" for name, value in variables(rest).items()}
    config = load(None, base=tmp_path, environment=env)
    exposed = {int(port) for word, rest in instructions() if word == "EXPOSE" for port in rest.split()}
    assert exposed == {config.listeners.client.port, config.listeners.federation.port}
    assert config.listeners.client.bind == ("0.0.0.0",)


def test_the_data_is_kept() -> None:
    assert ("VOLUME", "/data") in instructions()
    assert "${CHATME_DATA:-/data}" in (DOCKER / "entrypoint").read_text()


def test_the_entry_point_and_the_health_check_are_commands() -> None:
    words = dict(instructions())
    assert words["ENTRYPOINT"] == '["entrypoint"]'
    assert words["CMD"] == '["serve"]'
    assert '["entrypoint", "health"]' in words["HEALTHCHECK"]
    assert os.access(DOCKER / "entrypoint", os.X_OK)


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_compose_file_names_only_what_exists(path: Path, tmp_path: Path) -> None:
    whole = compose(path)
    server = whole["services"]["chatme"]
    assert (DOCKER / server["build"]["context"] / server["build"]["dockerfile"]).resolve() == DOCKER / "Dockerfile"
    config = load(None, base=tmp_path, environment={name: plain(value) for name, value in server["environment"].items()})
    assert config.server.public_base_url == "http://localhost:8008"
    for published in server["ports"]:
        match = PORT.fullmatch(published)
        assert match is not None
        assert int(match[1]) == config.listeners.client.port
    mounted = {volume.split(":")[0] for service in whole["services"].values() for volume in service["volumes"]}
    assert mounted == set(whole["volumes"])
    assert "data:/data" in server["volumes"]
    assert set(server.get("depends_on", {})) <= set(whole["services"])


def test_the_server_finds_its_postgresql() -> None:
    services = compose(DOCKER / "compose.postgres.yaml")["services"]
    server, database = services["chatme"]["environment"], services["postgres"]["environment"]
    assert plain(server["CHATME_DATABASE__URL"]) == f"postgresql://{database['POSTGRES_USER']}@postgres/{database['POSTGRES_DB']}"
    assert server["PGPASSWORD"] == database["POSTGRES_PASSWORD"]  # as it is, whatever signs it holds


def entry_point(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin", "CHATME_DATA": str(tmp_path)}
    return subprocess.run([DOCKER / "entrypoint", *words], env=env, capture_output=True, text=True, check=False, timeout=60)


def test_the_entry_point_runs_any_command_on_the_data(tmp_path: Path) -> None:
    assert entry_point(tmp_path, "--version").stdout.startswith("ChatMe ")
    assert "[server]" in entry_point(tmp_path, "generate-config").stdout
    assert entry_point(tmp_path, "check-config").returncode == 0
    assert entry_point(tmp_path, "assistant", "register").stderr == "chatme: assistant.toml: cannot be read: No such file or directory\n"
    (tmp_path / "chatme.toml").write_text("[server]\nnmae = 1\n")
    assert entry_point(tmp_path, "check-config").stderr.startswith(f"chatme: {tmp_path}/chatme.toml, line 2: ")
    assert entry_point(tmp_path).stderr.startswith(f"chatme: {tmp_path}/chatme.toml, line 2: ")


def test_the_entry_point_serves_and_the_health_check_sees_it(tmp_path: Path) -> None:
    data = tmp_path / "data"
    port = str(free_port())
    env = {"PATH": f"{ROOT}/.venv/bin:/usr/bin:/bin", "CHATME_DATA": str(data), "CHATME_LISTENERS__CLIENT__PORT": port}
    with Running([str(DOCKER / "entrypoint")], tmp_path, **env, CHATME_LISTENERS__CLIENT__BIND="127.0.0.1") as server:
        assert server.address.endswith(f":{port}")
        assert command(str(DOCKER / "entrypoint"), "health", folder=tmp_path, **env).returncode == 0
        made = command(str(DOCKER / "entrypoint"), "issue-token", folder=tmp_path, **env)
        assert (made.returncode, made.stderr) == (0, "")
    assert (data / "signing.key").exists()
