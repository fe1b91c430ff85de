"""The documents are there, short, and true where a test can tell."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from config.settings import Config
from config.shape import describe
from homeserver.version import VERSION
from tests.architecture.tree import ROOMS, ROOT, TOP, exceptions, parsed, python_files

LINK = re.compile(r"\[[^\]]*\]\(([^)#:\s]+)\)")
MAKE = re.compile(r"\bmake ([a-z]+)")


@pytest.mark.parametrize("room", TOP)
def test_each_room_has_a_short_readme(room: str) -> None:
    lines = (ROOT / room / "README.md").read_text("utf-8").splitlines()
    assert 3 <= len(lines) <= 40


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    assert "\n## Unreleased\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("document", sorted(path.relative_to(ROOT) for room in (".", *TOP) for path in (ROOT / room).glob("*.md")))
def test_links_and_commands_in_documents_exist(document: Path) -> None:
    text = (ROOT / document).read_text("utf-8")
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert [link for link in LINK.findall(text) if not (ROOT / document.parent / link).exists()] == []
    assert {word for word in MAKE.findall(text) if f"`make {word}" in text or f"    make {word}" in text} - targets == set()


def test_settings_named_in_the_readme_exist() -> None:
    sections = describe(Config)["properties"]
    named = re.findall(r"^\| `([a-z_]+)\.([a-z0-9_]+)", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    assert len(named) > 3
    assert [f"{section}.{key}" for section, key in named if key not in sections[section]["properties"]] == []


def test_every_setting_is_read_somewhere() -> None:
    """A setting that nothing reads would be a promise that is not kept."""
    read = {
        node.attr
        for path in python_files(*(room for room in ROOMS if room != "config"))
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
    }
    unread = [
        f"{section}.{key}"
        for section, schema in describe(Config)["properties"].items()
        for key in schema["properties"]
        if key not in read and section != "rate_limits"  # read by the names of web.endpoint.Rate
    ]
    assert unread == list(exceptions()["unread_settings"])


def test_every_dependency_is_locked_by_its_hash() -> None:
    """And what the server runs on has the same version in both locks."""
    locked = {lock: _locked(ROOT / lock) for lock in ("requirements.lock", "requirements-dev.lock")}
    assert [name for versions in locked.values() for name, (_, hashes) in versions.items() if hashes == 0] == []
    development = locked["requirements-dev.lock"]
    assert {name: version for name, (version, _) in locked["requirements.lock"].items() if development[name][0] != version} == {}
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert {re.split(r"[\[<>=]", name)[0].lower() for name in named} - set(locked["requirements.lock"]) == set()


def _locked(lock: Path) -> dict[str, tuple[str, int]]:
    """Name to version and number of hashes."""
    entries = re.findall(r"^([\w.-]+)==(\S+)((?:.*\\\n\s+--hash=\S+)*(?:.*\n\s+--hash=\S+)*)", lock.read_text(), re.MULTILINE)
    return {name: (version, tail.count("--hash=")) for name, version, tail in entries}


def test_the_version_is_a_version() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
