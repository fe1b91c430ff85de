"""One house for each storage driver, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.clients.bridge import open_bridge
from tests.clients.house import DRIVERS, House, open_house


@pytest.fixture(scope="session", params=DRIVERS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp(request.param)
    with open_bridge(folder) as bridge, open_house(request.param, folder, bridge) as opened:
        yield opened
