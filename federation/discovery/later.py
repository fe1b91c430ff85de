"""The way to other servers, loaded with the first request: a server that never speaks to any does without it."""

from collections.abc import Callable, Mapping

from federation.transport import RemoteAnswer, Transport


class LaterTransport:
    """`make` builds the real one."""

    def __init__(self, make: Callable[[], Transport]) -> None:
        self._make = make
        self._made: Transport | None = None

    async def request(self, destination: str, method: str, uri: str, headers: Mapping[str, str], body: bytes | None) -> RemoteAnswer:
        if self._made is None:
            self._made = self._make()
        return await self._made.request(destination, method, uri, headers, body)

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
