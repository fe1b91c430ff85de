"""Whatever happens, in whatever order: what the database says of a room follows from its events alone."""

from pathlib import Path

import pytest

from tests.support.places import Failing, on_file, restarted, slowly, verified
from tests.support.server import make_server
from tests.sync.histories import History, ParallelHistory


@pytest.mark.parametrize("seed", range(100, 112))
def test_one_thing_after_the_other(tmp_path: Path, seed: int) -> None:
    server = make_server(tmp_path, seed=seed)
    history = History(server, seed)
    for step in range(150):
        history.step()
        if step % 50 == 49:
            verified(server, tmp_path)


@pytest.mark.parametrize("seed", range(200, 212))
def test_all_at_once(tmp_path: Path, seed: int) -> None:
    server = slowly(tmp_path, seed=seed)
    history = ParallelHistory(server, seed)
    for _ in range(250):
        history.step()
    history.settle()
    assert verified(server, tmp_path) > 20


@pytest.mark.parametrize("seed", range(310, 318))
def test_with_commits_that_fail(tmp_path: Path, seed: int) -> None:
    observer = Failing()
    server = slowly(tmp_path, seed=seed, observer=observer)
    history = ParallelHistory(server, seed)
    for step in range(250):
        if step % 20 == 10:
            observer.next += 1
        history.step()
    observer.next = 0
    history.settle(refusals=True)
    assert observer.failed
    assert verified(server, tmp_path) > 10
    history.settle()
    for _ in range(30):
        history.step()
    history.settle()
    verified(server, tmp_path)


@pytest.mark.parametrize("seed", range(400, 402))
def test_over_restarts(tmp_path: Path, seed: int) -> None:
    server = on_file(tmp_path, seed=seed)
    history = History(server, seed)
    for turn in range(4):
        for _ in range(40):
            history.step()
        verified(server, tmp_path)
        server = restarted(server, tmp_path, seed=seed + turn + 1)
        history.move(server)
    verified(server, tmp_path)
