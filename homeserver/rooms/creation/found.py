"""A room as a client asks for it: who may, its alias, the room, the invites to users of other servers."""

from collections.abc import Coroutine, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from config.rooms import Rooms
from homeserver.clock import Clock
from homeserver.errors import Forbidden, MatrixError, RoomInUse
from homeserver.protocol.errors import ProtocolError
from homeserver.protocol.ids import RoomAlias
from homeserver.rooms.append import Identity
from homeserver.rooms.creation.create import RoomCreator
from homeserver.rooms.creation.request import read_options
from homeserver.rooms.creation.room_options import RoomOptions
from homeserver.rooms.directory.aliases import Aliases
from homeserver.rooms.directory.listing import Listing
from homeserver.rooms.directory.ports import Actor
from homeserver.rooms.membership import InvitePermissions, Membership
from homeserver.waiting import shielded

PATIENCE_S = 20.0  # with the servers of those who are invited: clients wait little longer


class RoomFounder:
    """Serves createRoom."""

    _log = Logger()

    def __init__(
        self,
        *,
        settings: Rooms,
        identity: Identity,
        creator: RoomCreator,
        aliases: Aliases,
        listing: Listing,
        membership: Membership,
        permissions: InvitePermissions,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._creator = creator
        self._aliases = aliases
        self._listing = listing
        self._membership = membership
        self._permissions = permissions
        self._clock = clock

    def check_creator(self, actor: Actor) -> None:
        """Whether the actor may make rooms at all."""
        if self._settings.who_may_create == "admins" and not actor.is_admin and actor.appservice is None:
            raise Forbidden("Only administrators may create rooms on this server")

    async def found(self, actor: Actor, body: Mapping[str, Any]) -> str:
        """The room's ID."""
        self.check_creator(actor)
        await self._membership.check_limit(actor.user_id)
        options = read_options(body, actor.user_id, default_version=self._settings.default_version, server_name=self._identity.server_name)
        if options.published:
            self._listing.check_publisher(actor)
        for user in options.invite:
            self._membership.check_reach(user)
            await self._permissions.check(user, actor.user_id)
        # Once begun it goes on, whether or not the client waits: an alias must not be left without its room.
        room_id = await shielded(Deferred.fromCoroutine(self._make(actor, options)))
        others = [user for user in options.invite if not self._identity.is_local(user)]
        if others:
            await self._while_patient(self._invite_others(room_id, actor.user_id, others, is_direct=options.is_direct))
        return room_id

    async def _while_patient(self, inviting: Coroutine[Deferred[Any], Any, None]) -> None:
        """The room is there, so the client hears of it, however long other servers take."""
        work = Deferred.fromCoroutine(inviting).addErrback(lambda failure: self._log.failure("nobody else is invited", failure))
        patience = self._clock.sleep(PATIENCE_S)
        await DeferredList([shielded(work), patience], fireOnOneCallback=True, consumeErrors=True)
        patience.cancel()

    async def _invite_others(self, room_id: str, creator: str, others: Sequence[str], *, is_direct: bool) -> None:
        """Users of other servers. One who cannot be invited keeps nobody else out, nor from its creator the room: who is not invited is seen there."""
        for user in others:
            try:
                await self._membership.invite(room_id, creator, user, {"is_direct": True} if is_direct else {})
            except (MatrixError, ProtocolError) as error:
                self._log.info("{user} could not be invited to the new room {room}: {error}", user=user, room=room_id, error=error)

    async def _make(self, actor: Actor, options: RoomOptions) -> str:
        if options.alias is None:
            return await self._creator.create(actor.user_id, options)
        alias = RoomAlias(options.alias)
        self._aliases.check_new(alias, actor)
        claimed_for = ""

        async def claim(room_id: str) -> None:
            nonlocal claimed_for
            if not await self._aliases.claim(alias, room_id, actor.user_id):
                raise RoomInUse(f"The alias {alias} is taken")
            claimed_for = room_id

        try:
            return await self._creator.create(actor.user_id, options, before_commit=claim)
        except MatrixError:  # nothing was stored
            if claimed_for:
                await self._aliases.release(alias, claimed_for)
            raise
