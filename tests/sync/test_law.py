"""The law of sync under generated histories: one thing after the other, all at once on a slow disk, over restarts, on every database."""

from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.defer import gatherResults

from homeserver.streams import Streams
from storage.database import Database
from tests.support.client import Client, start
from tests.support.loop import ThreadLoop
from tests.support.places import on_database, on_file, restarted, slowly, verified
from tests.support.server import TestServer, make_server
from tests.sync.histories import V3, History, ParallelHistory
from tests.sync.law import FILTERS, Law
from tests.sync.model import ClientModel

KINDS = tuple(FILTERS)


def live(law: Law, history: History, models: dict[str, ClientModel], steps: int, check: Callable[[], None] | None = None) -> None:
    """Things happen, and now and then somebody syncs."""
    for step in range(steps):
        history.step()
        for user, model in models.items():
            if history.random.random() < 0.15:
                law.read_on(history.server, history.clients[user], model)
        if check is not None and step % 40 == 39:
            check()
    history.rest()


def start_models(law: Law, history: History) -> dict[str, ClientModel]:
    return {user: law.model() for user in history.clients}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(16))
def test_one_thing_after_the_other(tmp_path: Path, seed: int, kind: str) -> None:
    server = make_server(tmp_path, seed=seed)
    law, history = Law(kind), History(server, seed)
    models = start_models(law, history)
    live(law, history, models, 120, lambda: law.check(server, history.clients, models))


async def follow(law: Law, client: Client, model: ClientModel, is_over: Callable[[], bool]) -> None:
    """A client that waits for news all the time."""
    while not is_over():
        status, answer = await client.get(f"{V3}/sync", law.query(model.token, timeout=300))
        assert status == 200, answer
        model.apply(answer)


def live_together(law: Law, history: ParallelHistory, models: dict[str, ClientModel], steps: int) -> None:
    """Everything at once, while everybody follows."""
    over = False
    following = [start(follow(law, history.clients[user], model, lambda: over)) for user, model in models.items()]
    for _ in range(steps):
        history.step()
    history.settle()
    over = True

    async def wait() -> None:
        await gatherResults(following)

    history.server.run(wait())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(500, 506))
def test_all_at_once(tmp_path: Path, seed: int, kind: str) -> None:
    server = slowly(tmp_path, seed=seed)
    law, history = Law(kind), ParallelHistory(server, seed)
    models = start_models(law, history)
    live_together(law, history, models, 150)
    law.check(server, history.clients, models)
    verified(server, tmp_path)


@pytest.mark.parametrize("kind", ["plain", "lazy", "threads"])
@pytest.mark.parametrize("seed", range(600, 602))
def test_over_restarts(tmp_path: Path, seed: int, kind: str) -> None:
    server: TestServer = on_file(tmp_path, seed=seed)
    law, history = Law(kind), History(server, seed)
    models = start_models(law, history)
    for turn in range(3):
        live(law, history, models, 40)
        server = restarted(server, tmp_path, seed=seed + turn + 1)
        history.move(server)
        law.check(server, history.clients, models)


@pytest.mark.parametrize(("seed", "kind"), [(700, "lazy"), (701, "threads"), (702, "state_after")])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_on_a_database_server(tmp_path: Path, database: Database, streams: Streams, loop: ThreadLoop, seed: int, kind: str) -> None:
    server = on_database(tmp_path, database, streams, loop, seed=seed)
    law, history = Law(kind), History(server, seed)
    models = start_models(law, history)
    live(law, history, models, 80)
    law.check(server, history.clients, models)
    verified(server, tmp_path)


@pytest.mark.parametrize(("seed", "kind"), [(710, "lazy"), (711, "threads")])
@pytest.mark.parametrize("database_url", ["postgres"], indirect=True)
def test_all_at_once_on_a_database_server(
    tmp_path: Path, database: Database, streams: Streams, loop: ThreadLoop, seed: int, kind: str
) -> None:
    server = on_database(tmp_path, database, streams, loop, seed=seed)
    law, history = Law(kind), ParallelHistory(server, seed)
    models = start_models(law, history)
    for _ in range(5):  # or all would act before the first of them has a room
        live_together(law, history, models, 30)
    law.check(server, history.clients, models)
    verified(server, tmp_path)
