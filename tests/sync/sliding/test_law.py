"""The law of increments under generated histories: one thing after the other, all at once on a slow disk, over restarts, on every database."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from homeserver.streams import Streams
from storage.database import Database
from tests.support.client import start
from tests.support.loop import ThreadLoop
from tests.support.places import on_database, on_file, restarted, slowly
from tests.support.server import TestServer, make_server
from tests.sync.histories import History, ParallelHistory
from tests.sync.sliding.connection import SLIDING
from tests.sync.sliding.law import KINDS, SlidingLaw
from tests.sync.sliding.model import SlidingModel


def live(law: SlidingLaw, history: History, models: dict[str, SlidingModel], steps: int, check: Callable[[], None] | None = None) -> None:
    """Things happen, and now and then somebody syncs."""
    for step in range(steps):
        history.step()
        for user, model in models.items():
            if law.random.random() < 0.15:
                law.read_on(history.server, history.clients[user], model, history.rooms)
        if check is not None and step % 40 == 39:
            check()
    history.rest()


def start_models(history: History) -> dict[str, SlidingModel]:
    return {user: SlidingModel() for user in history.clients}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(8))
def test_one_thing_after_the_other(tmp_path: Path, seed: int, kind: str) -> None:
    server = make_server(tmp_path, seed=seed)
    law, history = SlidingLaw(kind, Random(seed)), History(server, seed)
    models = start_models(history)
    live(law, history, models, 120, lambda: law.check(server, history.clients, models))


@pytest.mark.parametrize("kind", ["newest", "lazy_everything"])
@pytest.mark.parametrize("seed", range(800, 803))
def test_all_at_once(tmp_path: Path, seed: int, kind: str) -> None:
    server = slowly(tmp_path, seed=seed)
    law, history = SlidingLaw(kind, Random(seed)), ParallelHistory(server, seed)
    models = start_models(history)

    async def follow(user: str) -> None:
        for _ in range(30):
            body = {**law.question(history.rooms), "conn_id": "law"}
            status, answer = await history.clients[user].post(SLIDING, body, {"pos": models[user].pos, "timeout": 200})
            assert status == 200, answer
            models[user].apply(answer)

    following = [start(follow(user)) for user in models]
    for _ in range(120):
        history.step()
    history.settle()
    for one in following:
        server.run(_finish(one))
    law.check(server, history.clients, models)


async def _finish(following: object) -> None:
    await following  # type: ignore[misc]


@pytest.mark.parametrize("kind", ["newest", "everything"])
@pytest.mark.parametrize("seed", range(600, 602))
def test_over_restarts(tmp_path: Path, seed: int, kind: str) -> None:
    server: TestServer = on_file(tmp_path, seed=seed)
    law, history = SlidingLaw(kind, Random(seed)), History(server, seed)
    models = start_models(history)
    for turn in range(3):
        live(law, history, models, 40)
        server = restarted(server, tmp_path, seed=seed + turn + 1)
        history.move(server)
        law.check(server, history.clients, models)


@pytest.mark.parametrize(("seed", "kind"), [(700, "newest"), (701, "lazy_everything")])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_a_database_server(tmp_path: Path, database: Database, streams: Streams, loop: ThreadLoop, seed: int, kind: str) -> None:
    server = on_database(tmp_path, database, streams, loop, seed=seed)
    law, history = SlidingLaw(kind, Random(seed)), History(server, seed)
    models = start_models(history)
    live(law, history, models, 80)
    law.check(server, history.clients, models)
