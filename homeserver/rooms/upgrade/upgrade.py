"""Upgrading a room: its successor, the tombstone and all else that is written in both are stored as one. Client-server API, "Room upgrades"."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from homeserver.errors import Forbidden
from homeserver.protocol.auth_rules.permissions import may_send
from homeserver.protocol.auth_rules.power_levels import creator_of, creators_of
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.room_versions import RoomVersion
from homeserver.rooms.append import Appender
from homeserver.rooms.creation.create import NewRoom, RoomCreator
from homeserver.rooms.creation.room_options import RoomOptions
from homeserver.rooms.directory.canonical_alias import CANONICAL_ALIAS, without_aliases
from homeserver.rooms.directory.store import DirectoryStore
from homeserver.rooms.head import POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.member_store import MemberStore
from homeserver.rooms.room_lock import RoomLock, RoomLocks
from homeserver.rooms.send import RoomSender
from homeserver.rooms.store import EventCommit, StoredEvent, Succession
from homeserver.rooms.upgrade.carried import CARRIED_TYPES, carried_aliases, carried_create, carried_state
from homeserver.rooms.upgrade.levels import as_numbers, building_levels, quieted_levels, successor_levels
from homeserver.rooms.upgrade.settings import SettingsFollower
from homeserver.rooms.upgrade.store import UpgradeStore

TOMBSTONE = "m.room.tombstone"


class OldRoom(NamedTuple):
    """The room to be replaced, as it stands; its lock is held."""

    lock: RoomLock
    head: RoomHead
    state: Sequence[StoredEvent]
    bans: Sequence[StoredEvent]
    aliases: Sequence[str]  # of this server

    def content(self, type: str) -> Mapping[str, Any]:
        return next((event.content for event in self.state if event.type == type and event.state_key == ""), {})

    @property
    def levels(self) -> dict[str, Any]:
        content = self.content("m.room.power_levels")
        if not content and not self.head.version.privileged_creators:
            content = {"users": {creator_of(self.head.create.event): 100}}
        return as_numbers(content, self.head.version)


class RoomUpgrade:
    """Makes successors."""

    def __init__(
        self,
        *,
        sender: RoomSender,
        appender: Appender,
        heads: RoomHeads,
        locks: RoomLocks,
        creator: RoomCreator,
        store: UpgradeStore,
        members: MemberStore,
        directory: DirectoryStore,
        follower: SettingsFollower,
    ) -> None:
        self._sender = sender
        self._appender = appender
        self._heads = heads
        self._locks = locks
        self._creator = creator
        self._store = store
        self._members = members
        self._directory = directory
        self._follower = follower

    async def upgrade(self, room_id: str, user_id: str, version: RoomVersion, additional_creators: Sequence[str] = ()) -> str:
        """The successor's ID; M_FORBIDDEN unless the user is in the room and may send its tombstone."""
        creators = tuple(dict.fromkeys(additional_creators)) if version.privileged_creators else ()

        async def work(lock: RoomLock, head: RoomHead) -> tuple[list[EventCommit], tuple[str, Sequence[str]]]:
            users = await self._members.local_joined(room_id)
            await self._check(head, user_id)
            await self._sender.flushed(head)
            old = OldRoom(
                lock,
                head,
                await self._store.state_of_types(room_id, CARRIED_TYPES),
                await self._store.bans(room_id),
                await self._directory.aliases_of(room_id),
            )
            commits, new_room = await self._replace(old, user_id, version, creators)
            # With the rooms and not after them: a client that is told of a failure tries again, and makes another successor.
            commits[-1].succession = Succession(room_id, new_room, old.aliases)
            return commits, (new_room, users)

        new_room, users = await self._sender.change(room_id, work)
        self._follower.carry_all(users, room_id, new_room)
        return new_room

    async def _check(self, head: RoomHead, user_id: str) -> None:
        await self._heads.learn(head, [POWER_LEVELS, ("m.room.member", user_id)])
        if head.membership(user_id) != "join":
            raise Forbidden("You are not in the room")
        if not may_send(head.levels, user_id, TOMBSTONE, is_state=True):
            raise Forbidden("You may not upgrade this room")

    async def _replace(
        self, old: OldRoom, user_id: str, version: RoomVersion, additional_creators: Sequence[str]
    ) -> tuple[list[EventCommit], str]:
        """The commits of both rooms. Where the successor's ID is a hash, the tombstone can only come after it; else its first event names the tombstone."""
        predecessor: dict[str, Any] = {"room_id": old.head.room_id}
        before: list[EventCommit] = []
        chosen = None
        if not version.room_id_is_create_hash:
            chosen = self._creator.new_room_id()
            before = [await self._tombstone(old, user_id, chosen)]
            predecessor["event_id"] = before[0].event.event_id
        creation = {**carried_create(old.content("m.room.create")), "predecessor": predecessor}
        if additional_creators:
            creation["additional_creators"] = list(additional_creators)
        room = await self._successor(old, user_id, version, creation, chosen)
        after = [] if before else [await self._tombstone(old, user_id, room.head.room_id)]
        commits = [*before, *room.commits, *after, *await self._quiet(old, user_id)]
        self._heads.keep(room.head)
        return commits, room.head.room_id

    async def _successor(
        self, old: OldRoom, user_id: str, version: RoomVersion, creation: Mapping[str, Any], room_id: str | None
    ) -> NewRoom:
        new_creators = frozenset((user_id, *creation.get("additional_creators", ()))) if version.privileged_creators else frozenset()
        levels = successor_levels(
            old.levels,
            old=old.head.version,
            new=version,
            old_creators=creators_of(old.head.create.event),
            new_creators=new_creators,
            upgrader=user_id,
        )
        building = building_levels(levels, version, user_id)
        state = [*carried_state(old.state, version), {"type": "m.room.power_levels", "state_key": "", "content": building}]
        aliases = carried_aliases(old.content(CANONICAL_ALIAS), old.aliases)
        if aliases:
            state.append({"type": CANONICAL_ALIAS, "state_key": "", "content": aliases})
        options = RoomOptions(version=version, preset="private_chat", creation_content=creation, initial_state=state)
        users, others = building["users"], building.get("users_default", 0)
        more = [
            Draft("m.room.member", user_id, _ban(event), event.state_key or "")
            for event in old.bans
            if event.state_key not in new_creators and (new_creators or users.get(event.state_key, others) < users[user_id])
        ]
        if building != levels:
            more.append(Draft("m.room.power_levels", user_id, levels, ""))
        create: Event = self._creator.create_event(user_id, options, room_id)
        async with self._locks.hold(create.room_id) as lock:
            return await self._creator.build(lock, create, options, more)

    async def _tombstone(self, old: OldRoom, user_id: str, new_room: str) -> EventCommit:
        content = {"body": "This room has been replaced", "replacement_room": new_room}
        return await self._appender.append(old.lock, old.head, Draft(TOMBSTONE, user_id, content, ""))

    async def _quiet(self, old: OldRoom, user_id: str) -> list[EventCommit]:
        """The old room gives up its aliases and its talk, as far as the user has the power for it."""
        wanted: list[tuple[str, Mapping[str, Any]]] = []
        named = old.content(CANONICAL_ALIAS)
        if old.aliases and without_aliases(named, old.aliases) != named:
            wanted.append((CANONICAL_ALIAS, without_aliases(named, old.aliases)))
        levels = old.content("m.room.power_levels")
        if quieted_levels(old.levels) != levels:
            wanted.append(("m.room.power_levels", quieted_levels(old.levels)))
        commits = []
        for type, content in wanted:
            try:
                commits.append(await self._appender.append(old.lock, old.head, Draft(type, user_id, content, "")))
            except NotAuthorised:
                continue  # the rooms are joined all the same
        return commits


def _ban(event: StoredEvent) -> dict[str, Any]:
    reason = event.content.get("reason")
    return {"membership": "ban", **({"reason": reason} if isinstance(reason, str) else {})}
