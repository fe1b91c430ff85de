"""The files of this project, read once for all the rules about them."""

import ast
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("appservices", "config", "federation", "homeserver", "schema", "storage")
TOP = (*ROOMS, "docker", "tests")
NOT_OURS = frozenset({"__pycache__", "node_modules"})
TEXT = frozenset({".py", ".md", ".toml", ".sql", ".json", ".yaml", ".yml", ".html", ".mjs", ".js", ".ts", ".sh", ""})


def files(*rooms: str) -> Iterator[Path]:
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*")):
            if path.is_file() and not NOT_OURS.intersection(path.parts):
                yield path


def python_files(*rooms: str) -> Iterator[Path]:
    return (path for path in files(*rooms) if path.suffix == ".py")


def text_files() -> Iterator[Path]:
    """Everything written by hand: not the locks, not recorded data."""
    yield from (
        path for path in sorted(ROOT.iterdir()) if path.is_file() and path.suffix in TEXT | {".lock"} and not path.name.startswith(".")
    )
    yield from (path for path in files(".ci", *TOP) if path.suffix in TEXT)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"), str(path))


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def exceptions() -> dict[str, Any]:
    """exceptions.toml: what may break a rule, and why."""
    return tomllib.loads((Path(__file__).parent / "exceptions.toml").read_text("utf-8"))


def excused(rule: str, what: str) -> bool:
    return what in exceptions().get(rule, {})
