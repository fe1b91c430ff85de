"""Logs as lines of key=value on one stream, with the ID of the request they belong to; secrets never reach them.

Parts log through `twisted.logger`, libraries through `logging`; `begin` gives both their form. The access log has a way of its own, since it
pays for every request.
"""

import logging
import re
from contextvars import ContextVar
from time import gmtime, strftime
from typing import Protocol

from twisted.logger import FilteringLogObserver, ILogObserver, LogEvent, LogLevel, LogLevelFilterPredicate, formatEvent, globalLogBeginner
from zope.interface import implementer

from homeserver.clock import Clock
from homeserver.errors import Unavailable

current_request: ContextVar[str] = ContextVar("current_request", default="")

_SECRETS = re.compile(
    r"""(?i)((?:access_token|refresh_token|login_token|logintoken|password|client_secret|secret|mac|token|sid|session)["']?\s*[=:]\s*["']?)[^&\s"',}]+"""
    r"""|(bearer\s+)[^\s"']+"""
)
_SECRET_PARAMETERS = re.compile(
    r"(?i)([?&](?:access_token|refresh_token|login_?token|password|client_secret|secret|mac|token|sid|session)=)[^&]+"
)
_SECRET_ENDINGS = ("token=", "password=", "secret=", "mac=", "sid=", "session=")  # of those names: looked for first, which is cheap
_FLUSH_SECONDS = 0.25
_FLUSH_LINES = 256
_LEVELS = {"critical": "error", "warn": "warning"}


class Stream(Protocol):
    """Where lines go: standard error, or a file that somebody rotates."""

    def write(self, text: str, /) -> object: ...

    def flush(self) -> object: ...


def mask(text: str) -> str:
    """The text without the values of anything that is called a token or a password."""
    return _SECRETS.sub(r"\1\2***", text)


def stamp(now_ms: int) -> str:
    """The time as logs show it, in UTC."""
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(now_ms // 1000))}.{now_ms % 1000:03d}Z"


def quote(text: str) -> str:
    """The text as the value of a key: what is not plain stands in quotes, and no line break survives."""
    if text.isascii() and text.isprintable() and text and not any(mark in text for mark in ' "\\'):
        return text
    plain = "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode() for character in text.replace("\\", "\\\\")
    )
    return '"' + plain.replace('"', '\\"') + '"'


@implementer(ILogObserver)
class LineObserver:
    """Writes what parts say through `twisted.logger`. A traceback follows its line, indented; an outage is no mistake of ours and has a reason."""

    def __init__(self, stream: Stream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock

    def __call__(self, event: LogEvent) -> None:
        level = event.get("log_level") or LogLevel.info
        message = mask(formatEvent(event))
        failure = event.get("log_failure")
        outage = failure.value if failure is not None and isinstance(failure.value, Unavailable) else None
        if outage is not None:
            message = f"{message}: {mask(outage.reason)}"
        self.write(_LEVELS.get(level.name, level.name), str(event.get("log_namespace", "-")), message)
        if failure is not None and outage is None:
            self.write_below(mask(failure.getTraceback()))

    def write(self, level: str, source: str, message: str) -> None:
        request_id = current_request.get() or "-"
        self._stream.write(f"{stamp(self._clock.now_ms())} level={level} request={request_id} source={source} message={quote(message)}\n")
        self._stream.flush()

    def write_below(self, text: str) -> None:
        self._stream.write("".join(f"  | {line}\n" for line in text.splitlines()))
        self._stream.flush()


class _FromLogging(logging.Handler):
    """What libraries say through the standard library's logging."""

    def __init__(self, lines: LineObserver) -> None:
        super().__init__()
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.write(record.levelname.lower(), record.name, mask(record.getMessage()))
        if record.exc_info:
            self._lines.write_below(mask(logging.Formatter().formatException(record.exc_info)))


def begin(stream: Stream, clock: Clock, level: str = "info") -> None:
    """Send all logs of this process to the stream, from that level upward (debug, info, warning, error). Called once, by `main`."""
    lines = LineObserver(stream, clock)
    least = LogLevel.levelWithName({"warning": "warn"}.get(level, level))
    levels = LogLevelFilterPredicate(least)
    for chatter in ("log_legacy", "twisted.web.client"):  # Twisted's own, about ports, and two lines for each request that goes out
        levels.setLogLevelForNamespace(chatter, max(least, LogLevel.warn))
    globalLogBeginner.beginLoggingTo([FilteringLogObserver(lines, [levels])], redirectStandardIO=False, discardBuffer=True)
    root = logging.getLogger()
    root.handlers[:] = [_FromLogging(lines)]
    root.setLevel(max(logging.WARNING, getattr(logging, level.upper())))


class AccessLog:
    """A line per answer, written in batches."""

    def __init__(self, stream: Stream, clock: Clock) -> None:
        self._stream = stream
        self._clock = clock
        self._lines: list[str] = []
        self._second = -1
        self._stamp = ""

    def write(self, now_ms: int, request_id: str, source: str, target: str, status: int, seconds: float) -> None:
        """`source` is the user or the address, `target` method and path with query."""
        second = now_ms // 1000
        if second != self._second:
            self._second = second
            self._stamp = stamp(now_ms)[:-4]
        if "=" in target and any(map(target.lower().__contains__, _SECRET_ENDINGS)):
            target = _SECRET_PARAMETERS.sub(r"\1***", target)
        lines = self._lines
        lines.append(
            f"{self._stamp}{now_ms % 1000:03d}Z level=info request={request_id} from={source} {target} status={status} ms={seconds * 1000:.1f}\n"
        )
        if len(lines) == 1:
            self._clock.call_later(_FLUSH_SECONDS, self.flush)
        elif len(lines) >= _FLUSH_LINES:
            self.flush()

    def flush(self) -> None:
        """Write out what waits; also called at the end of the process."""
        if self._lines:
            text = "".join(self._lines)
            self._lines.clear()
            self._stream.write(text)
            self._stream.flush()
