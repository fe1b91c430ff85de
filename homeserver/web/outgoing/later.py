"""The client, loaded when it is first needed: Twisted's brings OpenSSL along, some 20 MB that a server without previews never needs."""

from typing import Any

from homeserver.clock import Clock
from homeserver.outside import Fetched, Outside


class LaterClient:
    def __init__(self, reactor: Any, clock: Clock, *, private_addresses: bool) -> None:
        self._reactor = reactor
        self._clock = clock
        self._private_addresses = private_addresses
        self._client: Outside | None = None

    async def get(self, url: str, *, accept: str, most_bytes: int, seconds: float) -> Fetched:
        return await self._loaded().get(url, accept=accept, most_bytes=most_bytes, seconds=seconds)

    async def post(self, url: str, body: bytes, *, most_bytes: int, seconds: float) -> Fetched:
        return await self._loaded().post(url, body, most_bytes=most_bytes, seconds=seconds)

    def _loaded(self) -> Outside:
        if self._client is None:
            from homeserver.web.outgoing.client import Client

            self._client = Client(self._reactor, self._clock, private_addresses=self._private_addresses)
        return self._client
