"""The assistant that lives in ChatMe itself is in encrypted rooms, too."""

import asyncio
from pathlib import Path

import pytest

from tests.assistant.encryption.guests import turned_on
from tests.assistant.encryption.local_model import LocalModel
from tests.assistant.encryption.world import ANSWER
from tests.clients.house import NAME, House, open_house
from tests.clients.matrix_nio.library import Table

pytestmark = pytest.mark.slow


def test_question_and_answer(tmp_path: Path) -> None:
    model = LocalModel(ANSWER)
    settings = ("assistant.enabled=true", f"assistant.model.base_url={model.base_url}", "assistant.model.name=local")
    try:
        with open_house("sqlite", tmp_path, *settings) as house:
            asyncio.run(story(house))
    finally:
        model.close()
    stored = b"".join(file.read_bytes() for file in (tmp_path / "data").rglob("*") if file.is_file())
    assert ANSWER.encode() not in stored


async def story(house: House) -> None:
    async with Table(house, encrypting=True) as table:
        (alice,) = await turned_on(table, f"@assistant:{NAME}", "alice")
        await alice.ask("What do bears like?")
        answer = await alice.hears(ANSWER)
        assert answer.decrypted
