"""Rooms as other servers show them: their directories, aliases and spaces. Fills `homeserver.rooms.directory.ports.RemoteDirectory`.

Server-server API, "Published Room Directory", "Querying for information", "Spaces".
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twisted.logger import Logger

from federation.asking.relay import object_in, objects_in, relayed, texts_in
from federation.client import FederationClient, v1
from federation.errors import BadAnswer, FederationError
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import RoomAlias, RoomId, ServerName
from homeserver.rooms.directory.ports import RemoteSpace

SECONDS: Final = 20.0
MOST_BYTES: Final = 4 * 2**20
MOST_ROOMS: Final = 1_000  # of a page or a space
MOST_ASKED: Final = 4  # servers, for one space
MOST_SERVERS: Final = 100  # of an alias


class FederatedDirectory:
    _log = Logger()

    def __init__(self, client: FederationClient, server_name: str) -> None:
        self._client = client
        self._server_name = server_name

    async def public_rooms(self, server: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        answer = await relayed(self._client.post(server, v1("publicRooms"), query, seconds=SECONDS, most_bytes=MOST_BYTES))
        page: dict[str, Any] = {"chunk": [room for room in objects_in(answer, "chunk", MOST_ROOMS) if isinstance(room.get("room_id"), str)]}
        page.update({key: answer[key] for key in ("next_batch", "prev_batch") if isinstance(answer.get(key), str)})
        if type(answer.get("total_room_count_estimate")) is int:
            page["total_room_count_estimate"] = answer["total_room_count_estimate"]
        return page

    async def resolve_alias(self, alias: str) -> tuple[str, list[str]]:
        """The server of the alias stands among those to ask for the room, too."""
        server = RoomAlias(alias).server_name
        try:
            answer = await relayed(self._client.get(server, v1("query", "directory"), {"room_alias": alias}, seconds=SECONDS))
            room_id = RoomId.parse(answer.get("room_id"))
        except InvalidIdentifier as error:
            raise BadAnswer from error
        servers = dict.fromkeys([*texts_in(answer, "servers", MOST_SERVERS), server])
        return room_id, [name for name in servers if _is_server(name)]

    async def space(self, room_id: str, servers: Sequence[str], suggested_only: bool) -> RemoteSpace | None:
        others = [server for server in dict.fromkeys(servers) if server != self._server_name]
        for server in others[:MOST_ASKED]:
            try:
                return await self._space(server, room_id, suggested_only)
            except FederationError as error:
                self._log.debug("{server} does not tell of {room}: {error}", server=server, room=room_id, error=str(error))
        return None

    async def _space(self, server: str, room_id: str, suggested_only: bool) -> RemoteSpace:
        path, query = v1("hierarchy", room_id), {"suggested_only": suggested_only}
        answer = await self._client.get(server, path, query, seconds=SECONDS, most_bytes=MOST_BYTES)
        hidden = texts_in(answer, "inaccessible_children", MOST_ROOMS)
        return RemoteSpace(object_in(answer, "room"), objects_in(answer, "children", MOST_ROOMS), frozenset(hidden))


def _is_server(name: str) -> bool:
    try:
        ServerName.parse(name)
    except InvalidIdentifier:
        return False
    return True
