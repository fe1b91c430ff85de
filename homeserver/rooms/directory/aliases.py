"""Room aliases of this server, and the way from any alias to its room. Client-server API, "Room aliases"."""

from collections.abc import Mapping
from typing import Any

from homeserver.clock import Clock
from homeserver.errors import AliasTaken, BadAlias, BadJson, Exclusive, Forbidden, InvalidParam, MatrixError, NotFound
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import RoomAlias
from homeserver.rooms.append import Identity
from homeserver.rooms.directory.canonical_alias import CANONICAL_ALIAS, CanonicalAlias
from homeserver.rooms.directory.ports import Actor, AliasOwners, RemoteDirectory
from homeserver.rooms.directory.powers import RoomPowers
from homeserver.rooms.directory.store import AliasRecord, DirectoryStore
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.directory.summary import named_aliases
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.partial.partial_rooms import PartialRooms

MAX_SERVERS = 50
LEASE_MS = 2 * 60_000  # a claim is followed by its room's commit at once; what has no room by then never will, whichever process made it


class Aliases:
    """Makes, finds and removes aliases."""

    def __init__(
        self,
        *,
        identity: Identity,
        store: DirectoryStore,
        summaries: Summaries,
        members: MemberStore,
        powers: RoomPowers,
        canonical: CanonicalAlias,
        remote: RemoteDirectory,
        owners: AliasOwners,
        partial: PartialRooms,
        clock: Clock,
    ) -> None:
        self._identity = identity
        self._store = store
        self._summaries = summaries
        self._members = members
        self._powers = powers
        self._canonical = canonical
        self._remote = remote
        self._owners = owners
        self._partial = partial
        self._clock = clock

    def is_local(self, alias: str) -> bool:
        return RoomAlias(alias).server_name == self._identity.server_name

    async def resolve(self, alias: RoomAlias) -> tuple[str, list[str]]:
        """The room and servers that are in it; M_NOT_FOUND."""
        if not self.is_local(alias):
            return await self._remote.resolve_alias(alias)
        record = await self.local(alias)
        if record is None:
            raise NotFound(f"There is no alias {alias}")
        return record.room_id, await self.servers(record.room_id)

    async def local(self, alias: str) -> AliasRecord | None:
        """The alias of this server; an application service may make it on demand."""
        record = await self._named(alias)
        if record is None and await self._owners.provide(alias):
            record = await self._named(alias)
        return record

    async def _named(self, alias: str) -> AliasRecord | None:
        """Not while its room is still about to be stored, nor where that came to nothing."""
        record = await self._store.alias(alias)
        return None if record is None or await self._summaries.get(record.room_id) is None else record

    async def servers(self, room_id: str) -> list[str]:
        """Servers in the room, this one first if it is."""
        own = self._identity.server_name
        servers = list(dict.fromkeys((*await self._summaries.servers(room_id), *self._partial.servers(room_id))))
        return ([own] if own in servers else []) + [server for server in servers if server != own][: MAX_SERVERS - 1]

    async def of_room(self, room_id: str, actor: Actor) -> list[str]:
        """The aliases of this server; for members, administrators, and everyone where the room is world-readable."""
        if not actor.is_admin and not await self._members.is_joined(room_id, actor.user_id):
            summary = await self._summaries.get(room_id)
            if summary is None or not summary.world_readable:
                raise Forbidden("You are not a member of the room")
        return await self._store.aliases_of(room_id)

    async def create(self, alias: RoomAlias, room_id: str, actor: Actor) -> None:
        """Let the alias name a room the actor is in."""
        self.check_new(alias, actor)
        if await self._summaries.get(room_id) is None:
            raise NotFound("This server does not know the room")
        if actor.appservice is None and not actor.is_admin and not await self._members.is_joined(room_id, actor.user_id):
            raise Forbidden("You must be in the room to give it an alias")
        if not await self.claim(alias, room_id, actor.user_id):
            raise AliasTaken(f"The alias {alias} exists already")

    def check_new(self, alias: RoomAlias, actor: Actor) -> None:
        """Whether the actor may make an alias of that name at all."""
        if not self.is_local(alias):
            raise InvalidParam("An alias can be made on its own server only")
        if not alias.localpart or any(character.isspace() for character in alias):
            raise InvalidParam("An alias needs a name without white space")
        owner = self._owners.owner(alias)
        if owner is not None and owner != actor.appservice:
            raise Exclusive("This alias belongs to an application service")
        if actor.appservice is not None and not self._owners.owns(actor.appservice, alias):
            raise Exclusive("This alias is in no namespace of the application service")

    async def claim(self, alias: str, room_id: str, creator: str) -> bool:
        """Take the alias for a room that is stored, or will be right after; False when it is taken.

        Other processes work on the same database, and may have begun after a claim was made whose room is on its way.
        """
        now = self._clock.now_ms()
        return await self._store.claim(AliasRecord(alias, room_id, creator, now), now - LEASE_MS)

    async def release(self, alias: str, room_id: str) -> None:
        await self._store.release(alias, room_id)

    async def delete(self, alias: RoomAlias, actor: Actor) -> None:
        """Remove the alias: for its creator, administrators, and who may set the room's canonical alias."""
        record = await self._store.alias(alias) if self.is_local(alias) else None
        if record is None:
            raise NotFound(f"There is no alias {alias}")
        owner = self._owners.owner(alias)
        if owner is not None and owner != actor.appservice:
            raise Exclusive("This alias belongs to an application service")
        entitled = actor.is_admin or owner is not None or record.creator == actor.user_id
        if not entitled and not await self._powers.may_send_state(record.room_id, actor.user_id, CANONICAL_ALIAS):
            raise Forbidden("You may not remove this alias")
        await self._store.release(alias, record.room_id)
        await self._canonical.withdraw(record.room_id, actor.user_id, alias)

    async def check_canonical(self, room_id: str, content: Mapping[str, Any]) -> None:
        """Aliases that m.room.canonical_alias newly names must be well-formed (M_INVALID_PARAM) and lead to this room (M_BAD_ALIAS)."""
        named = _checked_names(content)
        summary = await self._summaries.get(room_id)
        for alias in named - (summary.aliases if summary is not None else frozenset()):
            try:
                target, _ = await self.resolve(RoomAlias.parse(alias))
            except InvalidIdentifier as error:
                raise InvalidParam(f"{alias:.100} is no room alias") from error
            except MatrixError as error:
                raise BadAlias(f"The alias {alias} cannot be found") from error
            if target != room_id:
                raise BadAlias(f"The alias {alias} does not point to this room")


def _checked_names(content: Mapping[str, Any]) -> frozenset[str]:
    alias, others = content.get("alias"), content.get("alt_aliases")
    if not (alias is None or isinstance(alias, str)):
        raise BadJson("alias must be a string")
    if not (others is None or (isinstance(others, list) and all(isinstance(other, str) for other in others))):
        raise BadJson("alt_aliases must be a list of strings")
    if isinstance(others, list) and "" in others:
        raise InvalidParam("alt_aliases holds an empty name")
    return named_aliases(content)
