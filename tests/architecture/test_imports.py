"""Who may import whom: the contracts in pyproject.toml, and what they cannot say."""

import ast
import importlib
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOMS, ROOT, name, parsed, python_files

TOOLS = frozenset({"admin_api", "cli", "client_api", "control", "protocol", "web", "wiring"})  # packages that are no part of the domain


def contracts() -> dict[str, dict[str, list[str]]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    return {contract["name"]: contract for contract in settings["contracts"]}


def packages() -> set[str]:
    return {path.parent.name for path in (ROOT / "homeserver").glob("*/__init__.py")}


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def test_the_contracts_hold() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint, "--no-logo"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_package_stands_on_a_floor() -> None:
    layers = " ".join(contracts()["each floor looks down only"]["layers"])
    assert {package for package in packages() if f"homeserver.{package}" not in layers} == set()


def test_every_part_of_the_domain_is_kept_from_http_and_storage() -> None:
    sources = contracts()["the domain knows no HTTP and no storage"]["source_modules"]
    assert {f"homeserver.{package}" for package in packages() - TOOLS} - set(sources) == set()


@pytest.mark.parametrize("room", ROOMS)
def test_common_names_mean_the_folders_of_this_tree(room: str) -> None:
    module = importlib.import_module(room)
    assert module.__file__ is not None
    assert Path(module.__file__).resolve().is_relative_to(ROOT)


def test_twisted_web_is_known_to_the_edge_alone() -> None:
    found = [
        name(path)
        for path in python_files(*ROOMS)
        if not name(path).startswith(("homeserver/web/", "appservices/assistant/matrix/"))
        and any(module.startswith("twisted.web") for module in imports(path))
    ]
    assert found == []


def test_main_is_imported_by_the_command_line_alone() -> None:
    found = {name(path) for path in python_files(*ROOMS) if "homeserver.main" in imports(path)}
    assert found <= {"homeserver/cli/serve.py", "homeserver/cli/command.py", "homeserver/cli/copy.py"}
