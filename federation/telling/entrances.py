"""What a server is given of the room that a user of it has just joined: the whole state, or that without its members (server-server API, "PUT /send_join")."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple, Protocol

from federation.telling.snapshots import PIECE, Snapshot, Snapshots
from homeserver.clock import Clock
from homeserver.protocol.event import StateKey
from homeserver.rooms.reading.timeline_store import TimelineStore
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import StoredEvent

MEMBER: Final = "m.room.member"
NAMED: Final[Sequence[StateKey]] = (("m.room.name", ""), ("m.room.canonical_alias", ""))
HEROES: Final = 5


class JoinedUsers(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def joined_users(self, room_id: str) -> list[str]: ...


class Given(NamedTuple):
    snapshot: Snapshot
    about: dict[str, Any]  # what else is said


class Entrances:
    def __init__(
        self,
        *,
        server_name: str,
        snapshots: Snapshots,
        states: StateReader,
        timelines: TimelineStore,
        members: JoinedUsers,
        clock: Clock,
    ) -> None:
        self.snapshots = snapshots
        self._server_name = server_name
        self._states = states
        self._timelines = timelines
        self._members = members
        self._clock = clock

    async def give(self, join: StoredEvent, root: bytes, *, without_members: bool) -> Given:
        """`root`: the state before the join."""
        about: dict[str, Any] = {"members_omitted": without_members, "origin": self._server_name}
        if not without_members:
            return Given(await self.snapshots.of_state(root), about)
        servers = {user_id.partition(":")[2] for user_id in await self._members.joined_users(join.room_id) if user_id != join.sender}
        about["servers_in_room"] = sorted({*servers, self._server_name})
        return Given(await self.snapshots.of_some(await self._without_members(join, root), join.event_id), about)

    async def _without_members(self, join: StoredEvent, root: bytes) -> list[int]:
        """With those after whom a room without a name is called."""
        numbers = await self._states.all_numbers(root)
        kept: list[int] = []
        for start in range(0, len(numbers), PIECE):
            events = await self._states.events(numbers[start : start + PIECE])
            kept += [number for number, event in events.items() if event.type != MEMBER]
            await self._clock.sleep(0)
        if not await self._states.numbers(root, NAMED):
            heroes = (await self._timelines.heroes([join.room_id], join.sender, HEROES)).get(join.room_id, [])
            kept += (await self._states.numbers(root, [(MEMBER, hero) for hero in heroes])).values()
        return sorted(set(kept))
