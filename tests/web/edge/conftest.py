"""A clock and the sample endpoints, for the tests of single connections."""

import pytest

from tests.support.clock import FakeClock
from tests.web.edge.wire import Samples


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def samples() -> Samples:
    return Samples()
