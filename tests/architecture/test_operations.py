"""The client-server API is whole: every operation of the specification is served, to those it says, and under its stable names nothing else is."""

import re
from pathlib import Path

import pytest

from homeserver.web.endpoint import Access
from tests.clients.declared import Declared

LIST = Path(__file__).with_name("operations.txt")
STABLE = re.compile(r"/_matrix/(client|media)/(v1|v3)/|/\.well-known/matrix/|/_matrix/client/versions")
# Served under such names beside those of the list.
OTHERS = {
    ("GET", "/.well-known/matrix/server"): "of the server-server API",
    ("GET", "/_matrix/client/v3/auth/{}/fallback/web"): "a page for browsers, described in words",
    ("POST", "/_matrix/client/v3/auth/{}/fallback/web"): "the same",
    ("GET", "/_matrix/client/v3/rooms/{}/state/{}"): "the state key may be left out with its slash where it is empty",
    ("PUT", "/_matrix/client/v3/rooms/{}/state/{}"): "the same",
}

Operation = tuple[str, str]


@pytest.fixture(scope="module")
def listed() -> dict[Operation, str]:
    lines = [line.split() for line in LIST.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return {(method, shape(path)): access for method, access, path in lines}


@pytest.fixture(scope="module")
def declared(tmp_path_factory: pytest.TempPathFactory) -> dict[Operation, Access]:
    declarations = Declared(tmp_path_factory.mktemp("declared")).declarations
    return {(declaration.method, shape(declaration.path)): declaration.access for declaration in declarations}


def shape(path: str) -> str:
    """Without the names of its parameters."""
    return re.sub(r"\{\w*\}", "{}", path).rstrip("/")


def test_every_operation_is_served(listed: dict[Operation, str], declared: dict[Operation, Access]) -> None:
    assert len(listed) == 164
    assert sorted(set(listed) - set(declared)) == []


def test_nothing_else_has_a_stable_name(listed: dict[Operation, str], declared: dict[Operation, Access]) -> None:
    stable = {operation for operation in declared if STABLE.match(operation[1])}
    assert stable - set(listed) == set(OTHERS)


def test_who_may_call(listed: dict[Operation, str], declared: dict[Operation, Access]) -> None:
    """Where the specification requires a token, so do we, and nowhere else."""
    without = {Access.NONE, Access.OPTIONAL, Access.REGISTERING}
    assert [
        operation
        for operation, access in declared.items()
        if operation in listed and (access in without) != (listed[operation] != "required")
    ] == []
