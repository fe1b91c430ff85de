"""Names that say nothing, words that promise, state that hides: none of them in the tree."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.tree import ROOMS, exceptions, name, parsed, python_files, text_files

HOLLOW = frozenset({"base", "engine", "handler", "helper", "helpers", "manager", "processor", "service", "util", "utils"})
TERMS = re.compile(
    r"app_?services?|base_?url|base64|processor_seconds", re.IGNORECASE
)  # words of the specification, and the machine's processor
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK|NotImplemented" + r"Error)\b")
MACHINE = re.compile(r"/(work|home|root|Users)/[\w.]+/|/(tmp)/[a-z]+/")
HOSTS = re.compile(r"pypi\.org|pythonhosted\.org|npmjs\.org|crates\.io|proxy\.golang\.org|deb\.debian\.org")
SQL = re.compile(r"^\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|CREATE TABLE)\s", re.DOTALL)
MUTABLE = (ast.List, ast.Dict, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)


def words(identifier: str) -> list[str]:
    plain = TERMS.sub("", identifier)
    return [word.lower() for word in re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+", plain)]


def hollow_names() -> Iterator[str]:
    for path in python_files(*ROOMS, "tests"):
        if HOLLOW.intersection(words(path.stem)):
            yield name(path)
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and HOLLOW.intersection(words(node.name)):
                yield f"{name(path)}:{node.name}"


def test_names_are_not_hollow() -> None:
    assert sorted(hollow_names()) == sorted(exceptions()["hollow_names"])


@pytest.mark.parametrize(
    ("pattern", "why"),
    [(UNFINISHED, "unfinished work"), (MACHINE, "a path of one machine"), (HOSTS, "the host of a package registry")],
)
def test_texts_hold_no(pattern: re.Pattern[str], why: str) -> None:
    found = [
        f"{name(path)}:{number}: {line.strip()[:120]}"
        for path in text_files()
        if path != Path(__file__)
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == [], why


def test_sql_stands_in_storage_and_schema_alone() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in python_files("appservices", "config", "federation", "homeserver")
        if not name(path).startswith("appservices/assistant/journal/")  # a file of its own, beside any homeserver
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value)
    ]
    assert found == []


def test_modules_hold_no_changing_state() -> None:
    """A table in capitals is a constant; anything else in a module that could change would be shared by two servers in one process."""
    found = []
    for path in python_files(*ROOMS):
        for node in parsed(path).body:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
            value = getattr(node, "value", None)
            made = isinstance(value, MUTABLE) or (
                isinstance(value, ast.Call)
                and isinstance(value.func, ast.Name)
                and value.func.id in ("dict", "list", "set", "defaultdict", "deque")
            )
            found += [
                f"{name(path)}:{t.id}" for t in targets if made and isinstance(t, ast.Name) and not t.id.isupper() and t.id != "__all__"
            ]
    assert found == []
