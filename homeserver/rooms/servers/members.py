"""Who of a server's users is in a room: asked at every question of that server, so it is kept, and dropped when the stream tells of a change."""

from collections import OrderedDict
from collections.abc import Mapping
from typing import Final

from homeserver.figures import CacheFigures
from homeserver.protocol.ids import server_name_of
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.partial.store import WHOLE_ROOM
from homeserver.rooms.servers.store import ServerMemberStore
from homeserver.streams import Change, Streams

MOST_ROOMS: Final = 20_000
MOST_SERVERS: Final = 200  # of a room
MOST_USERS: Final = 1_000  # of a server in a room, to be kept


class ServerMembers:
    def __init__(self, store: ServerMemberStore, streams: Streams, server_name: str, partial: PartialRooms | None = None) -> None:
        self._store = store
        self._partial = partial
        self._server_name = server_name
        self._rooms: OrderedDict[str, dict[str, Mapping[str, str]]] = OrderedDict()
        self._changes = 0  # what is being read while one comes may be read too early
        self._loads = 0
        streams.subscribe(self._follow)

    async def of(self, room_id: str, server_name: str) -> Mapping[str, str]:
        """The memberships of the server's users, by user ID, those of the past too."""
        known = self._rooms.get(room_id)
        if known is not None and server_name in known:
            self._rooms.move_to_end(room_id)
            return known[server_name]
        self._loads += 1
        changes = self._changes
        members = await self._store.of_server(room_id, server_name)
        if changes == self._changes and len(members) <= MOST_USERS:
            self._keep(room_id, server_name, members)
        return members

    async def is_in(self, room_id: str, server_name: str) -> bool:
        """Whether one of its users is joined, or said to be where the members are not known yet."""
        if self._partial is not None and self._partial.names(room_id, server_name):
            return True
        return "join" in (await self.of(room_id, server_name)).values()

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._rooms), len(self._rooms), MOST_ROOMS, self._loads)

    def _keep(self, room_id: str, server_name: str, members: Mapping[str, str]) -> None:
        known = self._rooms.setdefault(room_id, {})
        if len(known) >= MOST_SERVERS:
            known.clear()
        known[server_name] = members
        self._rooms.move_to_end(room_id)
        while len(self._rooms) > MOST_ROOMS:
            self._rooms.popitem(last=False)

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._changes += 1
            self._rooms.clear()
        for change in changes:
            if change.kind == WHOLE_ROOM and change.room_id is not None:
                self._changes += 1
                self._rooms.pop(change.room_id, None)
            if change.kind != "event" or change.room_id is None or change.user_id is None:
                continue
            self._changes += 1
            server_name = server_name_of(change.user_id)
            if server_name == self._server_name:
                self._rooms.pop(change.room_id, None)  # with a user of ours the whole room may come in, and nobody tells of the others
            elif change.room_id in self._rooms:
                self._rooms[change.room_id].pop(server_name, None)
