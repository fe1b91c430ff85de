"""The suite holds what RELIABILITY asks of it: enough lies, each with its own honest control, and none of the rows left out."""

from collections import Counter

from tests.hostile.test_hostile import ALL, MODULES
from tests.hostile.test_names import ASTRAY, honest

LEAST = 120
ROWS = {*range(1, 27), 36} - {27}


def test_there_are_enough_lies() -> None:
    names = Counter(case.name for case in ALL)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(names) >= LEAST
    assert len({case.lie for case in ALL}) == len(ALL)
    assert all(case.versions for case in ALL)


def test_every_lie_has_a_control() -> None:
    assert [case.name for case in ALL if case.control is case.lie] == []


def test_every_row_has_a_lie() -> None:
    found = {row for case in ALL for row in case.rows}
    if ASTRAY and callable(honest):
        found.add(26)
    assert ROWS - found == set()


def test_the_table_is_true() -> None:
    """In the docstring of `test_hostile`: the rows, and the modules with their cases."""
    from tests.hostile import test_hostile

    table = {
        line.split("|")[1].strip(): line.split("|")[2].strip() for line in (test_hostile.__doc__ or "").splitlines() if line.startswith("|")
    }
    told: dict[str, set[str]] = {}
    for module in MODULES:
        for case in module.CASES:
            for row in case.rows:
                told.setdefault(str(row), set()).add(module.__name__.rpartition(".")[2])
    assert {row: set(modules.split(", ")) for row, modules in table.items() if row.isdigit()} == told
