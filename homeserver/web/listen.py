"""Opens the doors: TCP, TLS and unix sockets on the loop under Twisted's reactor; and closes them without cutting anybody off."""

import asyncio
import ssl
from pathlib import Path
from typing import NamedTuple

from twisted.internet.defer import Deferred

from homeserver.web.http_protocol import HttpProtocol
from homeserver.web.wire.edge import Edge

_BACKLOG = 1024


class Address(NamedTuple):
    """Where to listen: `host` and `port` (0: any free one), or the path of a unix socket; with `certificate` and `key` by TLS."""

    host: str = "127.0.0.1"
    port: int = 0
    unix: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


class Listener:
    """One door to an Edge."""

    def __init__(self, edge: Edge, loop: asyncio.AbstractEventLoop) -> None:
        self._edge = edge
        self._loop = loop
        self._server: asyncio.Server | None = None
        self._unix: Path | None = None

    async def open(self, address: Address) -> None:
        """Raises OSError when the address is in use or not ours, or a TLS file cannot be read."""
        context = _tls_context(address)
        loop = self._loop
        if address.unix is not None:
            opening = loop.create_unix_server(self._connect, str(address.unix), backlog=_BACKLOG, ssl=context)
        else:
            opening = loop.create_server(
                self._connect, address.host or None, address.port, backlog=_BACKLOG, ssl=context, reuse_address=True
            )
        self._server = await Deferred.fromFuture(loop.create_task(opening))
        self._unix = address.unix

    def _connect(self) -> HttpProtocol:
        return HttpProtocol(self._edge)

    @property
    def port(self) -> int:
        """The TCP port it got; 0 for a unix socket or while closed."""
        if self._server is None or self._unix is not None or not self._server.sockets:
            return 0
        return int(self._server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Take no further connections; `Edge.stop` ends those there are."""
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._unix is not None:
            self._unix.unlink(missing_ok=True)


def _tls_context(address: Address) -> ssl.SSLContext | None:
    if address.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(address.certificate, address.key, _no_phrase)
    return context


def _no_phrase() -> str:
    """OpenSSL would ask whoever sits at the terminal, and start nothing until then."""
    raise OSError(None, "the key is locked with a pass phrase, take it away: openssl pkey -in KEY -out NEW")
