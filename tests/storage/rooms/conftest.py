"""The rooms of each database."""

import pytest

from storage.database import Database
from tests.storage.rooms.rows import Rooms
from tests.support.loop import ThreadLoop


@pytest.fixture
def rooms(database: Database, loop: ThreadLoop) -> Rooms:
    return Rooms(database, loop)
