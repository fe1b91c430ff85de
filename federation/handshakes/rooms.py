"""Fills `homeserver.rooms.remote.RemoteRooms`."""

from collections.abc import Mapping, Sequence
from typing import Any

from federation.handshakes.departures import Departures
from federation.handshakes.invites import Invites
from federation.handshakes.joins import Joins
from federation.server_policy import ServerPolicy
from homeserver.protocol.event import Event
from homeserver.protocol.ids import server_name_of


class FederatedRooms:
    def __init__(self, joins: Joins, departures: Departures, invites: Invites, policy: ServerPolicy) -> None:
        self._joins = joins
        self.knock = departures.knock
        self.leave = departures.leave
        self._invites = invites
        self._policy = policy

    def check_reach(self, user_id: str) -> None:
        self._policy.check(server_name_of(user_id))

    async def join(
        self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str], *, though_here: bool = False
    ) -> bool:
        return await self._joins.join(room_id, user_id, content, servers, though_here=though_here)

    async def invite(self, event: Event, shown: Sequence[Mapping[str, Any]]) -> None:
        await self._invites.invite(event, shown)
