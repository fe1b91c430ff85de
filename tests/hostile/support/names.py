"""A web of names that lie: each leads where the test says, all public addresses are one server on loopback, and whoever connects elsewhere is noted."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from config.federation import Federation
from federation.discovery.address_policy import AddressPolicy
from federation.discovery.steps import Srv
from federation.discovery.tls_transport import TlsTransport
from federation.transport import collect
from homeserver.web.outgoing.https_pool import HttpsPool
from tests.federation.support.certificates import Authority
from tests.federation.support.loopback import LoopClock, given, listening, play
from tests.support.clock import SeededChance

PUBLIC = "8.8.8.8"  # nothing of this leaves the machine
PRIVATE = ("127.0.0.1", "10.0.0.1", "169.254.169.254", "192.168.1.1", "::1", "fd00::1", "::ffff:127.0.0.1", "0.0.0.0", "100.64.0.1")
WELL_KNOWN = "/.well-known/matrix/server"
NAMES = ("evil.test", "good.test", "other.test", "inside.test")

Page = bytes | Callable[[asyncio.StreamWriter], Any]


def page(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    lines = "".join(f"{name.title()}: {value}\r\n" for name, value in headers.items())
    return f"HTTP/1.1 {status}\r\n{lines}Content-Length: {len(body)}\r\n\r\n".encode() + body


def redirect(url: str) -> bytes:
    return page(b"", "302 Found", location=url)


class Web:
    """`addresses`: answers to successive look-ups of a name, the last for good; `pages` by host and path."""

    def __init__(self, authority: Authority) -> None:
        self.addresses: dict[str, list[Sequence[str]]] = {name: [[PUBLIC]] for name in NAMES}
        self.addresses["inside.test"] = [["10.0.0.1"]]
        self.records: dict[str, list[Srv]] = {}
        self.pages: dict[tuple[str, str], Page] = {}
        self.asked: list[tuple[str, str]] = []
        self.connected: list[tuple[str, int]] = []
        self._authority = authority

    def ask(self, name: str) -> tuple[int, bytes]:
        """What the server of that name answers; raises FederationError."""

        async def whole() -> tuple[int, bytes]:
            async with listening(self._answer, self._authority.certify(*NAMES)) as port:
                loop: Any = NamesLoop(self, port)
                policy, clock = AddressPolicy(Federation()), LoopClock()
                pool = HttpsPool(loop, clock, permits=policy.permits, authorities=self._authority.file)
                way = TlsTransport(pool, self._look_up, clock, SeededChance())
                try:
                    answer = await given(way.request(name, "GET", "/key", {}, None))
                    return answer.status, await given(collect(answer, 1_000))
                finally:
                    way.close()

        return play(whole())

    async def _look_up(self, name: str) -> list[Srv]:
        return self.records.get(name, [])

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                uri = head.split(" ")[1]
                host = head.partition("Host: ")[2].partition("\r\n")[0].partition(":")[0]
                self.asked.append((host, uri))
                found = self.pages.get((host, uri), page(b"", "404 Not Found"))
                if isinstance(found, bytes):
                    writer.write(found)
                    await writer.drain()
                else:
                    await found(writer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()


class NamesLoop:
    """As much of a loop as `HttpsPool` needs."""

    def __init__(self, web: Web, port: int) -> None:
        self._web = web
        self._port = port
        self._loop = asyncio.get_running_loop()
        self.create_task = self._loop.create_task

    async def getaddrinfo(self, host: str, port: int, **more: Any) -> list[Any]:
        known = self._web.addresses.get(host)
        if known is None:
            return await self._loop.getaddrinfo(host, port, flags=4, **more)  # AI_NUMERICHOST: no name is looked up
        found = known.pop(0) if len(known) > 1 else known[0]
        return [(0, 0, 0, "", (address, port)) for address in found]

    async def create_connection(self, factory: Any, host: str, port: int, **more: Any) -> Any:
        self._web.connected.append((host, port))
        if host != PUBLIC:
            raise OSError("a place to which nothing may lead")
        return await self._loop.create_connection(factory, "127.0.0.1", self._port, **more)
