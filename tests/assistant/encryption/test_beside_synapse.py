"""The same beside Synapse, by its own means for application services that encrypt."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.assistant.encryption.guests import turned_on
from tests.assistant.encryption.world import ANSWER, World, open_synapse_world
from tests.clients.matrix_nio.library import Table
from tests.protocol.oracle.compare import oracle_python

pytestmark = pytest.mark.slow
SECRET = "What do bears keep under their hats?"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    python = oracle_python()
    if python is None:
        pytest.skip("needs matrix-synapse: make oracle")
    with open_synapse_world(python, tmp_path_factory.mktemp("synapse")) as opened:
        yield opened


def test_question_and_answer(world: World) -> None:
    async def story() -> None:
        async with Table(world.house, encrypting=True) as table:
            (alice,) = await turned_on(table, world.user, "alice")
            await alice.ask(SECRET)
            answer = await alice.hears(ANSWER)
            assert answer.decrypted
            world.stop()
            world.start()
            await alice.ask("And which marmalade is it?")
            await alice.until(lambda: sum(ANSWER in text for text in alice.said()) == 2)
            assert all("/send/m.room.encrypted/" in path for path, _ in world.relay.sent() if "/send/" in path)
            assert SECRET.encode() not in world.stored()

    asyncio.run(story())
