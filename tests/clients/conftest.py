"""One house for each storage driver, for all tests of this folder."""

from collections.abc import Iterator

import pytest

from tests.clients.house import DRIVERS, House, open_house


@pytest.fixture(scope="session", params=DRIVERS)
def house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(request.param, tmp_path_factory.mktemp(request.param)) as opened:
        yield opened
