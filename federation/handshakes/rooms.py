"""Fills `homeserver.rooms.remote.RemoteRooms`."""

from collections.abc import Mapping, Sequence
from typing import Any

from federation.handshakes.departures import Departures
from federation.handshakes.invites import Invites
from federation.handshakes.joins import Joins
from homeserver.protocol.event import Event


class FederatedRooms:
    def __init__(self, joins: Joins, departures: Departures, invites: Invites) -> None:
        self._joins = joins
        self.knock = departures.knock
        self.leave = departures.leave
        self._invites = invites

    async def join(
        self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str], *, though_here: bool = False
    ) -> bool:
        return await self._joins.join(room_id, user_id, content, servers, though_here=though_here)

    async def invite(self, event: Event, shown: Sequence[Mapping[str, Any]]) -> None:
        await self._invites.invite(event, shown)
