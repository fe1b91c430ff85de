"""What somebody was told is on disk, whoever else waited for that disk."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from appservices.assistant.journal.file import JournalFile


class Disk:
    """Workers whose work is done when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def start(self, work: Callable[[], None]) -> None:
        self.waiting.append(work)

    def tell(self, call: Callable[..., Any], *args: Any) -> Any:
        return call(*args)

    def pause(self, seconds: float) -> None:
        raise AssertionError("nobody pauses here")


@pytest.fixture
def disk() -> Disk:
    return Disk()


@pytest.fixture
def journal(tmp_path: Path, disk: Disk) -> JournalFile:
    return JournalFile(str(tmp_path / "assistant.db"), disk)


def settle(journal: JournalFile) -> Deferred[None]:
    return Deferred.fromCoroutine(journal.settle())


def test_who_comes_meanwhile_waits_for_the_same_disk(journal: JournalFile, disk: Disk) -> None:
    first, second = settle(journal), settle(journal)
    assert (first.called, second.called, len(disk.waiting)) == (False, False, 1)
    disk.waiting.pop()()
    assert (first.called, second.called, disk.waiting) == (True, True, [])
    assert settle(journal).called, "nothing was written since"


def test_what_was_written_meanwhile_is_waited_for_anew(journal: JournalFile, disk: Disk) -> None:
    first = settle(journal)
    journal.rows("CREATE TABLE more (word TEXT)")
    second = settle(journal)
    disk.waiting.pop()()
    assert (first.called, second.called, len(disk.waiting)) == (True, False, 1)
    disk.waiting.pop()()
    assert second.called
