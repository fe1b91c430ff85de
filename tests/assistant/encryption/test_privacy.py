"""Which models are other people's, and where they are not used."""

from typing import Any

import pytest

from appservices.assistant.language.privacy import Privacy
from appservices.assistant.settings import Model, Settings
from tests.assistant.encryption.key_server import run


class Rooms:
    async def is_encrypted(self, room: str) -> bool:
        return room == "!secret:test"


@pytest.mark.parametrize(
    ("address", "is_hosted"),
    [
        ("http://localhost:11434/v1", False),
        ("http://models.localhost/v1", False),
        ("http://127.0.0.1:8000/v1", False),
        ("http://[::1]:8000/v1", False),
        ("http://192.168.1.7/v1", False),
        ("http://10.0.0.3:8000/v1", False),
        ("http://[fd00::7]/v1", False),
        ("https://api.openai.com/v1", True),
        ("http://models.lan/v1", True),
        ("http://8.8.8.8/v1", True),
        ("http://localhost.example.org/v1", True),
        ("http://127.0.0.1.example.org/v1", True),
        ("http://localhost@example.org/v1", True),
        ("", True),
    ],
)
def test_whose_model_it_is(address: str, is_hosted: bool) -> None:
    assert Model(base_url=address, name="m").is_hosted is is_hosted
    assert not Model(base_url=address, name="m", is_local=True).is_hosted


@pytest.mark.parametrize(
    ("model", "is_allowed", "is_forbidden", "words"),
    [
        ({"base_url": "https://api.example.org/v1"}, False, True, "I do not use it here"),
        ({"base_url": "https://api.example.org/v1"}, True, False, "leaves it"),
        ({"base_url": "https://api.example.org/v1", "is_local": True}, False, False, "in plain text"),
        ({"base_url": "http://127.0.0.1/v1"}, False, False, "in plain text"),
    ],
)
def test_where_it_is_used(model: dict[str, Any], is_allowed: bool, is_forbidden: bool, words: str) -> None:
    settings = Settings("", "@assistant:test", model=Model(name="m", **model), hosted_model_in_encrypted_rooms=is_allowed)
    privacy = Privacy(settings, Rooms())
    assert run(privacy.forbids("!secret:test")) is is_forbidden
    assert not run(privacy.forbids("!plain:test"))
    assert words in run(privacy.words("!secret:test"))
    assert run(privacy.words("!plain:test")) == ""
