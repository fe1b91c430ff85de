"""Faults that were logged, for tests that expect some; any other test fails when there are."""

from collections.abc import Iterator
from typing import Any

import pytest
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import implementer


@pytest.fixture(autouse=True)
def faults(request: pytest.FixtureRequest) -> Iterator[list[Any]]:
    found: list[Any] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event.get("log_failure") is not None:
            found.append(event["log_failure"])

    globalLogPublisher.addObserver(observe)
    yield found
    globalLogPublisher.removeObserver(observe)
    test = getattr(request.node, "obj", None)
    expected = test is not None and "faults" in test.__code__.co_varnames[: test.__code__.co_argcount]
    assert expected or not found, found
