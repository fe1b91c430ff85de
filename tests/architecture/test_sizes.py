"""Function <= 40 lines, file <= 400, folder <= 15 Python files."""

import ast
from collections import Counter
from collections.abc import Iterator

from tests.architecture.tree import ROOMS, exceptions, name, parsed, python_files

FUNCTION, FILE, FOLDER = 40, 400, 15
ALL = (*ROOMS, "tests")


def long_files() -> Iterator[tuple[str, int]]:
    for path in python_files(*ALL):
        lines = len(path.read_text("utf-8").splitlines())
        if lines > FILE:
            yield name(path), lines


def long_functions() -> Iterator[tuple[str, int]]:
    for path in python_files(*ALL):
        for node in ast.walk(parsed(path)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION:
                    yield f"{name(path)}:{node.name}", lines


def full_folders() -> Iterator[tuple[str, int]]:
    counts = Counter(name(path.parent) for path in python_files(*ALL) if path.name != "__init__.py")
    yield from ((folder, count) for folder, count in counts.items() if count > FOLDER)


def check(rule: str, found: Iterator[tuple[str, int]]) -> None:
    sizes = dict(found)
    excused = exceptions()[rule]
    assert {what: size for what, size in sizes.items() if what not in excused} == {}, f"too large ({rule})"
    assert set(excused) - set(sizes) == set(), f"exceptions of {rule} that are not needed any more"


def test_files_are_short() -> None:
    check("file_lines", long_files())


def test_functions_are_short() -> None:
    check("function_lines", long_functions())


def test_folders_are_small() -> None:
    check("folder_files", full_folders())
