"""The event nearest to a moment that other servers know. Fills `homeserver.rooms.reading.paging_store.OtherMoments`.

Server-server API, "GET /timestamp_to_event".
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from twisted.logger import Logger

from federation.client import FederationClient, Query, v1
from federation.errors import FederationError

SECONDS: Final = 15.0
MOST_BYTES: Final = 65_536
MOST_ASKED: Final = 3


class FederatedMoments:
    _log = Logger()

    def __init__(self, client: FederationClient, servers: Callable[[str], Awaitable[Sequence[str]]]) -> None:
        """`servers`: who else is in a room."""
        self._client = client
        self._servers = servers

    async def nearest(self, room_id: str, ts: int, *, backwards: bool) -> int | None:
        query: Query = {"ts": ts, "dir": "b" if backwards else "f"}
        for server in (await self._servers(room_id))[:MOST_ASKED]:
            try:
                answer = await self._client.get(server, v1("timestamp_to_event", room_id), query, seconds=SECONDS, most_bytes=MOST_BYTES)
            except FederationError as error:
                self._log.debug("{server} knows no moment in {room}: {error}", server=server, room=room_id, error=str(error))
                continue
            told = answer.get("origin_server_ts")
            if type(told) is int:
                return told
        return None
