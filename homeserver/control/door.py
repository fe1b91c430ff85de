"""The socket in the data directory through which the command line reaches the running server.

One request, one answer, a line of JSON each: {"command", "arguments"} and {"result"} or {"refused"}. Who may open the file may ask everything:
it is made for the server's own user alone.
"""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Protocol

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, IListeningPort, IReactorUNIX
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from homeserver.control.errors import Refused
from homeserver.control.paths import SOCKET_FILE, short_path

MAX_LINE = 65_536


class Commands(Protocol):
    async def run(self, command: str, arguments: dict[str, Any]) -> Any:
        """The answer, as JSON has it; raises Refused."""


class _Visitor(LineReceiver):
    """One call of the command line."""

    delimiter = b"\n"
    MAX_LENGTH = MAX_LINE
    _log = Logger()

    def __init__(self, answer: Callable[[bytes], Awaitable[bytes]]) -> None:
        self._answer = answer

    def lineReceived(self, line: bytes) -> None:
        Deferred.fromCoroutine(self._reply(line)).addErrback(self._failed)

    async def _reply(self, line: bytes) -> None:
        self._close_with(await self._answer(line))

    def _failed(self, failure: Failure) -> None:
        self._log.failure("a command failed", failure=failure)
        self._close_with(orjson.dumps({"refused": "the server failed to carry this out; its log tells more"}))

    def _close_with(self, answer: bytes) -> None:
        if self.transport is not None:
            self.transport.write(answer + b"\n")
            self.transport.loseConnection()


class Door(Factory):
    """Opens when the server starts, closes when it stops."""

    noisy = False

    def __init__(self, data_directory: str, commands: Commands) -> None:
        self._path = Path(data_directory) / SOCKET_FILE
        self._commands = commands
        self._port: IListeningPort | None = None

    def open(self, reactor: IReactorUNIX) -> None:
        """To be called by the holder of the data directory: a socket that a dead server left there is removed."""
        self._path.unlink(missing_ok=True)
        with short_path(self._path) as path:
            self._port = reactor.listenUNIX(path, self, mode=0o600)

    async def close(self) -> None:
        if self._port is not None:
            stopped = self._port.stopListening()
            self._port = None
            if stopped is not None:
                await stopped
            self._path.unlink(missing_ok=True)

    def buildProtocol(self, addr: IAddress | None) -> _Visitor:
        return _Visitor(self._answer)

    async def _answer(self, line: bytes) -> bytes:
        try:
            question = orjson.loads(line)
            command, arguments = question["command"], question["arguments"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return orjson.dumps({"refused": "this is no command"})
        try:
            return orjson.dumps({"result": await self._commands.run(command, arguments)})
        except Refused as refusal:
            return orjson.dumps({"refused": str(refusal)})
