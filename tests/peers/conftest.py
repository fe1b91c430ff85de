"""One pair of servers for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.peers.pair import Pair, open_pair
from tests.peers.person import Person
from tests.protocol.oracle.compare import oracle_python


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    python = oracle_python()
    if python is None:
        pytest.skip("needs matrix-synapse: make oracle")
    with open_pair(python, tmp_path_factory.mktemp("peers")) as opened:
        yield opened


@pytest.fixture
def people(pair: Pair) -> tuple[Person, Person]:
    """One of ours, one of theirs."""
    return pair.people()


@pytest.fixture(params=["ours", "theirs"])
def host_and_guest(pair: Pair, request: pytest.FixtureRequest) -> tuple[Person, Person]:
    """Once with the room on our server, once on theirs."""
    ours, theirs = pair.people()
    return (ours, theirs) if request.param == "ours" else (theirs, ours)
