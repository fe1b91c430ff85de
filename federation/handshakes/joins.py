"""A user of this server joins a room through a server that is in it (server-server API, "Joining rooms").

All that comes with the join is checked before any of it is kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from twisted.internet.defer import Deferred

from federation.asking.relay import texts_in
from federation.asking.sound_events import SoundEvents
from federation.client import Ask, FederationClient, v1, v2
from federation.errors import BadAnswer
from federation.handshakes.candidates import Candidates
from federation.handshakes.template import complete, read_template
from homeserver.clock import Chance, Clock
from homeserver.errors import Forbidden
from homeserver.protocol.event import Event
from homeserver.protocol.ids import is_server_name
from homeserver.protocol.room_versions import ROOM_VERSIONS, UNSTABLE_ROOM_VERSIONS
from homeserver.rooms.append import Identity
from homeserver.rooms.partial.partial_rooms import PartialRooms
from homeserver.rooms.receiving.enter import Entering, Entrance
from homeserver.rooms.receiving.outcome import Accepted, AlreadyKnown
from homeserver.rooms.receiving.receive import Receiving
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.store import TOLD, RoomStore
from homeserver.waiting import shielded

VERSIONS: Final = (*ROOM_VERSIONS, *UNSTABLE_ROOM_VERSIONS)
SECONDS: Final = 300.0  # for the whole state of a room
MOST_BYTES: Final = 512 * 2**20
MOST_EVENTS: Final = 400_000
MOST_SERVERS: Final = 10_000
FEW_SERVERS: Final = 20  # of a room that may be small
SETTLE_S: Final = 0.25  # in which a small room becomes whole, so that nobody ever sees it in part
TOKEN: Final = 18


class Joins:
    def __init__(
        self,
        *,
        identity: Identity,
        client: FederationClient,
        sound: SoundEvents,
        candidates: Candidates,
        store: RoomStore,
        entering: Entering,
        receiving: Receiving,
        partial: PartialRooms,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._identity = identity
        self._client = client
        self._sound = sound
        self._candidates = candidates
        self._store = store
        self._entering = entering
        self._receiving = receiving
        self._partial = partial
        self._clock = clock
        self._chance = chance
        self._queues = RoomLocks()  # who comes second finds the room here

    async def join(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str], *, though_here: bool) -> bool:
        """See `RemoteRooms`; once begun it goes on, whether or not the client waits."""
        return await shielded(Deferred.fromCoroutine(self._join(room_id, user_id, content, servers, though_here)))

    async def _join(self, room_id: str, user_id: str, content: Mapping[str, Any], servers: Sequence[str], though_here: bool) -> bool:
        async with self._queues.hold(room_id):
            room = await self._store.room(room_id)
            is_here = room is not None and room.local_joined_count > 0
            if is_here and not though_here:
                return False

            async def ask(server: str) -> None:
                await self._through(server, room_id, user_id, content, is_here=is_here)

            await self._candidates.first(await self._candidates.of(room_id, user_id, servers), ask)
            return True

    async def _through(self, server: str, room_id: str, user_id: str, content: Mapping[str, Any], *, is_here: bool) -> None:
        answer = await self._client.get(server, v1("make_join", room_id, user_id), {"ver": VERSIONS})
        template = read_template(answer, server)
        now_ms, token = self._clock.now_ms(), self._chance.token(TOKEN)
        join = complete(template, room_id, user_id, content, identity=self._identity, now_ms=now_ms, token=token)
        partly = is_here or await self._entering.may_be_partial(room_id)
        ask = Ask(
            "PUT",
            server,
            v2("send_join", room_id, join.event_id),
            {"omit_members": partly},
            join.pdu,
            seconds=SECONDS,
            most_bytes=MOST_BYTES,
        )
        answer = await self._client.ask(ask)
        join = await self._signed(join, answer.get("event"), must=template.voucher is not None)
        if is_here:
            outcome = (await self._receiving.receive([server], room_id, [join], mark=TOLD)).get(join.event_id)
            if not isinstance(outcome, Accepted | AlreadyKnown):
                raise Forbidden("The join does not hold in the room")
            return
        entrance = await self._entrance(server, join, answer)
        await self._entering.enter(entrance)
        if len(entrance.servers or ()) <= FEW_SERVERS:
            await self._partial.within(room_id, SETTLE_S, if_small=True)

    async def _signed(self, join: Event, given: Any, *, must: bool) -> Event:
        """The join with the signature of the server that vouches for it."""
        if not must:
            return join
        signed = await self._sound.check(given, join.room_id, join.version)
        if signed.event_id != join.event_id:
            raise BadAnswer("The other server signed another event than was asked for")
        return signed

    async def _entrance(self, server: str, join: Event, answer: dict[str, Any]) -> Entrance:
        state, chain = answer.get("state"), answer.get("auth_chain")
        if not isinstance(state, list) or not isinstance(chain, list) or len(state) + len(chain) > MOST_EVENTS:
            raise BadAnswer("The other server does not give the state of the room")
        events = await self._sound.each([*state, *chain], join.room_id, join.version, told_by=server)
        state_events = [event for event in events[: len(state)] if event is not None]
        chain_events = [event for event in events[len(state) :] if event is not None]
        servers = self._servers_in_room(server, answer) if answer.get("members_omitted") is True else None
        return Entrance(join.version, join, state_events, chain_events, servers)

    def _servers_in_room(self, server: str, answer: dict[str, Any]) -> list[str]:
        """Whoever let us in first: that one knows the state."""
        names = [name for name in texts_in(answer, "servers_in_room", MOST_SERVERS) if is_server_name(name)]
        return [name for name in dict.fromkeys((server, *names)) if name != self._identity.server_name]
