"""People with devices, at one homeserver."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.encryption.key_server import FakeKeyServer, Somebody


@pytest.fixture
def server() -> FakeKeyServer:
    return FakeKeyServer()


@pytest.fixture
def meet(server: FakeKeyServer, tmp_path: Path) -> Callable[..., Somebody]:
    """Somebody who joins the room."""

    def make(name: str, **more: Any) -> Somebody:
        return Somebody(server, name, str(tmp_path / f"{name}.db"), **more)

    return make
