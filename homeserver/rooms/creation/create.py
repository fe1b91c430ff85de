"""Making a room: its first events are built as one chain and stored as one."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from homeserver.clock import Chance, Clock
from homeserver.errors import InvalidRoomState
from homeserver.protocol.auth_rules import check_event
from homeserver.protocol.errors import InvalidEvent, NotAuthorised
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import build
from homeserver.rooms import state_map
from homeserver.rooms.append import Appender, stored_event
from homeserver.rooms.creation.room_options import RoomOptions, create_content, first_state
from homeserver.rooms.head import CREATE, RoomHead, RoomHeads
from homeserver.rooms.membership import MemberProfiles
from homeserver.rooms.room_lock import RoomLock, RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import EventCommit, HeadRecord, RoomRecord, RoomStore

ROOM_ID_LENGTH = 18


class NewRoom(NamedTuple):
    """A room that is built, not stored."""

    head: RoomHead
    commits: list[EventCommit]


class RoomCreator:
    """Makes rooms, alone of all without one to stand in."""

    def __init__(
        self,
        *,
        appender: Appender,
        heads: RoomHeads,
        locks: RoomLocks,
        states: StateReader,
        store: RoomStore,
        profiles: MemberProfiles,
        clock: Clock,
        chance: Chance,
    ) -> None:
        self._appender = appender
        self._heads = heads
        self._locks = locks
        self._states = states
        self._store = store
        self._profiles = profiles
        self._clock = clock
        self._chance = chance
        self._last_ts = 0

    def new_room_id(self) -> str:
        """A room ID for versions that choose it."""
        return f"!{self._chance.token(ROOM_ID_LENGTH)}:{self._appender.identity.server_name}"

    async def create(
        self, creator: str, options: RoomOptions, more: Sequence[Draft] = (), before_commit: Callable[[str], Awaitable[None]] | None = None
    ) -> str:
        """The new room's ID, once all its first events are on disk. M_INVALID_ROOM_STATE when the asked-for state cannot stand.

        `before_commit` is given the ID when all is built and nothing stored; when it raises, nothing will be.
        """
        create = self.create_event(creator, options)
        async with self._locks.hold(create.room_id) as lock:
            room = await self.build(lock, create, options, more)
            if before_commit is not None:
                await before_commit(create.room_id)
            self._heads.keep(room.head)
            pending = self._store.commit(room.commits)
        await on_disk(pending)
        return create.room_id

    def create_event(self, creator: str, options: RoomOptions, room_id: str | None = None) -> Event:
        """The room's first event; `room_id` is for versions that choose it."""
        # Where the room ID is the hash of this event, two equal rooms of one millisecond would be the same room.
        self._last_ts = max(self._clock.now_ms(), self._last_ts + 1)
        identity = self._appender.identity
        version = options.version
        chosen = version.event_id == "server_chosen"
        create = build(
            Draft("m.room.create", creator, create_content(options, creator), ""),
            version=version,
            room_id=None if version.room_id_is_create_hash else room_id or self.new_room_id(),
            prev_events=[],
            auth_events=[],
            depth=1,
            now_ms=self._last_ts,
            server_name=identity.server_name,
            key=identity.key,
            event_id=f"${self._chance.token(ROOM_ID_LENGTH)}:{identity.server_name}" if chosen else None,
        )
        check_event(create, {})
        return create

    async def build(self, lock: RoomLock, create: Event, options: RoomOptions, more: Sequence[Draft] = ()) -> NewRoom:
        """The room with all its first events, to be kept and committed by the caller."""
        head, first = await self._begin(create, options)
        commits = [first]
        try:
            commits.extend(await self._first_events(lock, head, create, options, more))
        except (NotAuthorised, InvalidEvent) as error:
            raise InvalidRoomState(f"The room cannot be made like this: {error}") from error
        return NewRoom(head, commits)

    async def _begin(self, create: Event, options: RoomOptions) -> tuple[RoomHead, EventCommit]:
        room = RoomRecord(
            room_num=self._store.take_room_num(),
            room_id=create.room_id,
            version=options.version,
            published=options.published,
            joined_count=0,
            invited_count=0,
            local_joined_count=0,
            blocked=False,
            created_ts=self._clock.now_ms(),
        )
        stored = stored_event(self._store.take_event_num(), room.room_num, create, topo=1, state_before=state_map.EMPTY)
        root, nodes = await self._states.update(state_map.EMPTY, {CREATE: stored.num})
        stored.state_after = root
        head = RoomHead(HeadRecord(room, root, (stored,)), stored)
        commit = EventCommit(stored, head.lineage, new_room=room, nodes=nodes, root=root, current_state={CREATE: stored.num})
        return head, commit

    async def _first_events(
        self, lock: RoomLock, head: RoomHead, create: Event, options: RoomOptions, more: Sequence[Draft]
    ) -> list[EventCommit]:
        """Invites of this server's users only: those of others have to be signed by their servers first, and are looked at alone."""
        creator = create.sender
        joined = {"membership": "join", **await self._profiles.member_profile(creator)}
        drafts = [Draft("m.room.member", creator, joined, creator)]
        drafts.extend(Draft(s.type, creator, s.content, s.state_key) for s in first_state(options, creator, create.content))
        drafts.extend(more)
        invite: dict[str, Any] = {"membership": "invite", **({"is_direct": True} if options.is_direct else {})}
        others = [user for user in options.invite if not self._appender.identity.is_local(user)]
        for user in options.invite:
            if user not in others:
                drafts.append(Draft("m.room.member", creator, {**invite, **await self._profiles.member_profile(user)}, user))
        commits = [await self._appender.append(lock, head, draft) for draft in drafts]
        for user in others:
            await self._appender.propose(lock, head, Draft("m.room.member", creator, invite, user))
        return commits
