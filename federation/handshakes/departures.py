"""A user of this server knocks at a room that it is not in, or turns away from an invite or knock (server-server API, "Leaving rooms", "Knocking rooms")."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from federation.client import FederationClient, v1, v2
from federation.handshakes.candidates import Candidates
from federation.handshakes.joins import TOKEN
from federation.handshakes.template import complete, read_template
from homeserver.clock import Chance, Clock
from homeserver.errors import IncompatibleRoomVersion, MatrixError, NotFound
from homeserver.protocol.event import Event
from homeserver.protocol.room_versions import ROOM_VERSIONS, UNSTABLE_ROOM_VERSIONS
from homeserver.rooms.append import Identity
from homeserver.rooms.handshakes.outside import OutsideMemberships
from homeserver.rooms.handshakes.shown import stripped
from homeserver.waiting import shielded

KNOCKING: Final = tuple(each.identifier for each in (*ROOM_VERSIONS.values(), *UNSTABLE_ROOM_VERSIONS.values()) if each.knocking)
LEAVE_SECONDS: Final = 20.0  # the user is not to wait for servers that are gone


class Departures:
    _log = Logger()

    def __init__(
        self,
        *,
        identity: Identity,
        client: FederationClient,
        candidates: Candidates,
        outside: OutsideMemberships,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._identity = identity
        self._client = client
        self._candidates = candidates
        self._outside = outside
        self._clock = clock
        self._chance = chance

    async def knock(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None:
        """See `RemoteRooms`."""
        await shielded(Deferred.fromCoroutine(self._knock(room_id, user_id, content, servers)))

    async def _knock(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str]) -> None:
        async def ask(server: str) -> None:
            answer = await self._client.get(server, v1("make_knock", room_id, user_id), {"ver": KNOCKING})
            knock = self._complete(answer, server, room_id, user_id, content)
            if not knock.version.knocking:
                raise IncompatibleRoomVersion("Nobody can knock at a room of this version", room_version=knock.version.identifier)
            answer = await self._client.put(server, v1("send_knock", room_id, knock.event_id), knock.pdu)
            await self._outside.note(knock, stripped(answer.get("knock_room_state"), knock))

        await self._candidates.first(await self._candidates.of(room_id, user_id, servers), ask)

    async def leave(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        """See `RemoteRooms`."""
        await shielded(Deferred.fromCoroutine(self._leave(room_id, user_id, content)))

    async def _leave(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        if not await self._outside.is_pending(room_id, user_id):
            raise NotFound("This server does not know the room")

        async def ask(server: str) -> None:
            answer = await self._client.get(server, v1("make_leave", room_id, user_id), seconds=LEAVE_SECONDS)
            leave = self._complete(answer, server, room_id, user_id, content)
            await self._client.put(server, v2("send_leave", room_id, leave.event_id), leave.pdu, seconds=LEAVE_SECONDS)
            await self._outside.note(leave)

        try:
            await self._candidates.first(await self._candidates.of(room_id, user_id), ask)
        except MatrixError as error:
            self._log.info("{user} leaves {room} for himself alone: {error}", user=user_id, room=room_id, error=error.message)
        if await self._outside.is_pending(room_id, user_id):
            await self._outside.leave_alone(room_id, user_id, content)

    def _complete(self, answer: Mapping[str, Any], server: str, room_id: str, user_id: str, content: Mapping[str, Any]) -> Event:
        template = read_template(answer, server)
        now_ms, token = self._clock.now_ms(), self._chance.token(TOKEN)
        return complete(template, room_id, user_id, content, identity=self._identity, now_ms=now_ms, token=token)
