"""Memberships in rooms that this server is not in: invites and knocks, and how they end. Known by their event alone, which has no place in a graph here."""

from collections.abc import Mapping
from typing import Any, Protocol

from homeserver.clock import Chance, Clock
from homeserver.errors import BadState, NotFound
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import build
from homeserver.rooms.append import Identity, stored_event
from homeserver.rooms.room_lock import RoomLocks
from homeserver.rooms.send import on_disk
from homeserver.rooms.store import OUTLIER, UNJUDGED, EventCommit, Lineage, MemberChange, MemberRecord, RoomRecord, RoomStore

MEMBER = "m.room.member"
PENDING = ("invite", "knock")


class MemberReads(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def member(self, room_id: str, user_id: str) -> MemberRecord | None: ...


class OutsideMemberships:
    def __init__(
        self, *, identity: Identity, store: RoomStore, members: MemberReads, locks: RoomLocks, clock: Clock, chance: Chance
    ) -> None:
        self._identity = identity
        self._store = store
        self._members = members
        self._locks = locks
        self._clock = clock
        self._chance = chance

    async def note(self, event: Event, stripped: bytes | None = None) -> None:
        """The membership of a user of this server, once it is on disk; nothing where this server is in the room: there it comes another way.

        `stripped`: what clients are shown of the room. BadState when the room is known in another version.
        """
        async with self._locks.hold(event.room_id):
            record = await self._store.room(event.room_id)
            if record is not None and record.version is not event.version:
                raise BadState("The room is of another version")
            known = (await self._store.events([event.event_id])).get(event.event_id)
            if (record is not None and record.local_joined_count > 0) or (known is not None and known.state_before is not None):
                return
            room = record or RoomRecord(
                self._store.take_room_num(), event.room_id, event.version, False, 0, 0, 0, False, self._clock.now_ms()
            )  # fmt: skip
            before = await self._members.member(event.room_id, event.state_key or "")
            if known is not None and before is not None and before.num == known.num:
                return
            num = self._store.take_event_num() if known is None else known.num
            stored = stored_event(num, room.room_num, event, topo=0, state_before=None, flags=OUTLIER | UNJUDGED)
            stored.topo = None
            commit = EventCommit(stored, Lineage(), is_known=known is not None, becomes_extremity=False)
            commit.member = _change(event, before, stripped)
            commit.new_room = room if record is None else None
            pending = self._store.commit([commit])
        await on_disk(pending)

    async def is_pending(self, room_id: str, user_id: str) -> bool:
        record = await self._members.member(room_id, user_id)
        return record is not None and record.membership in PENDING

    async def take_back(self, room: RoomRecord, event: Event) -> None:
        """An invite is taken back by whoever sent it, or a knock refused by somebody in the room. Raises NotFound for all that is not exactly this.

        Of others it cannot be known here whether they had the power to take the invite back.
        """
        target = event.state_key
        if event.type == MEMBER and target is not None and self._identity.is_local(target):
            record = await self._members.member(room.room_id, target)
            if record is not None and record.membership in PENDING and event.content.get("membership") in ("leave", "ban"):
                pending = (await self._store.events_by_num([record.num]))[record.num]
                may = event.sender == record.sender if record.membership == "invite" else event.sender != target
                if may and pending.event_id in event.auth_events:
                    await self.note(event)
                    return
        raise NotFound("This server is not in the room")

    async def leave_alone(self, room_id: str, user_id: str, content: Mapping[str, Any]) -> None:
        """The user turns away from an invite or knock without any server of the room hearing of it. NotFound where there is none."""
        record = await self._members.member(room_id, user_id)
        room = await self._store.room(room_id)
        if room is None or record is None or record.membership not in PENDING:
            raise NotFound("This server does not know the room")
        pending = (await self._store.events_by_num([record.num]))[record.num].event
        name = self._identity.server_name
        leave = build(
            Draft(MEMBER, user_id, content, user_id),
            version=room.version,
            room_id=room_id,
            prev_events=[pending],
            auth_events=[pending],
            depth=pending.depth + 1,
            now_ms=self._clock.now_ms(),
            server_name=name,
            key=self._identity.key,
            event_id=f"${self._chance.token(18)}:{name}" if room.version.event_id == "server_chosen" else None,
        )
        await self.note(leave)


def _change(event: Event, before: MemberRecord | None, stripped: bytes | None) -> MemberChange:
    name, picture = event.content.get("displayname"), event.content.get("avatar_url")
    return MemberChange(
        event.state_key or "",
        event.content["membership"],
        None if before is None else before.membership,
        event.sender,
        True,
        name if isinstance(name, str) else None,
        picture if isinstance(picture, str) else None,
        stripped,
    )
