"""What the server says to its log while it is fuzzed: everything that names a failure."""

import gc
from types import TracebackType

from twisted.logger import ILogObserver, LogEvent, LogLevel, formatEvent, globalLogPublisher
from zope.interface import implementer

GRAVE = (LogLevel.error, LogLevel.critical)


@implementer(ILogObserver)
class Watch:
    """`with Watch() as watch:` — `take()` gives what was said since."""

    def __init__(self) -> None:
        self._said: list[str] = []

    def __enter__(self) -> "Watch":
        globalLogPublisher.addObserver(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        globalLogPublisher.removeObserver(self)

    def __call__(self, event: LogEvent) -> None:
        failure = event.get("log_failure")
        if failure is not None:
            self._said.append(f"{formatEvent(event)}\n{failure.getTraceback()[-3000:]}")
        elif event.get("log_level") in GRAVE:
            self._said.append(formatEvent(event))

    def take(self, *, collect: bool = False) -> list[str]:
        """`collect`: also failures that nobody waited for."""
        if collect:
            gc.collect()
        said, self._said = self._said, []
        return said
