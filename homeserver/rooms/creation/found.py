"""A room as a client asks for it: who may, its alias, the room, the invites to users of other servers."""

from collections.abc import Mapping
from typing import Any

from twisted.internet.defer import Deferred

from config.rooms import Rooms
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


class RoomFounder:
    """Serves createRoom."""

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
    ) -> None:
        self._settings = settings
        self._identity = identity
        self._creator = creator
        self._aliases = aliases
        self._listing = listing
        self._membership = membership
        self._permissions = permissions

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
            await self._permissions.check(user, actor.user_id)
        # Once begun it goes on, whether or not the client waits: an alias must not be left without its room.
        room_id = await shielded(Deferred.fromCoroutine(self._make(actor, options)))
        await self._invite_others(room_id, actor.user_id, options)
        return room_id

    async def _invite_others(self, room_id: str, creator: str, options: RoomOptions) -> None:
        """Users of other servers; one who cannot be invited is told of, and keeps nobody else out."""
        failed: MatrixError | ProtocolError | None = None
        for user in options.invite:
            if self._identity.is_local(user):
                continue
            try:
                await self._membership.invite(room_id, creator, user, {"is_direct": True} if options.is_direct else {})
            except (MatrixError, ProtocolError) as error:
                failed = failed or error
        if failed is not None:
            raise failed

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
