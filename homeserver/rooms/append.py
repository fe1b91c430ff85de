"""The next event of a room: built, authorised, signed, and put together with all that it changes. Pure but for look-ups of state.

The caller holds the room's lock. An `EventCommit` made here is already counted by the head; it must be handed to the store, or the head returned to its mark.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from homeserver.clock import Clock
from homeserver.protocol import event_bytes
from homeserver.protocol.auth_rules import check_event, judging_state, needed_state
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.event import Draft, Event, StateKey
from homeserver.protocol.event_build import Reference, build
from homeserver.protocol.ids import server_name_of
from homeserver.protocol.limits import MAX_PREV_EVENTS
from homeserver.protocol.signing import SigningKey
from homeserver.rooms.head import CREATE, POWER_LEVELS, RoomHead, RoomHeads
from homeserver.rooms.notice import notice_of
from homeserver.rooms.room_lock import RoomLock
from homeserver.rooms.servers.policy import POLICY, RoomPolicy
from homeserver.rooms.state_reader import StateReader
from homeserver.rooms.store import PARTIAL, EventCommit, MemberChange, RoomStore, StoredEvent
from homeserver.rooms.told import Telling


@dataclass(eq=False, slots=True)
class Identity:
    """Who signs: this server's name and its present key, which a rotation replaces."""

    server_name: str
    key: SigningKey

    def is_local(self, user_id: str) -> bool:
        return user_id.partition(":")[2] == self.server_name


class Appender:
    """Makes events for rooms this server takes part in."""

    def __init__(
        self,
        *,
        identity: Identity,
        store: RoomStore,
        heads: RoomHeads,
        states: StateReader,
        telling: Telling,
        policy: RoomPolicy,
        clock: Clock,
    ) -> None:
        self.identity = identity
        self._store = store
        self._heads = heads
        self._states = states
        self._telling = telling
        self._policy = policy
        self._clock = clock

    async def append(self, lock: RoomLock, head: RoomHead, draft: Draft) -> EventCommit:
        """Raises NotAuthorised, InvalidEvent, EventTooLarge, what a policy server says …: then nothing has changed."""
        needed = needed_state(draft.type, draft.sender, draft.state_key, draft.content, head.version)
        judged = [*needed, CREATE, POWER_LEVELS, POLICY]
        notice = notice_of(draft.type, draft.state_key, draft.content)
        mentioned = self._telling.members_called(notice)
        await self._heads.learn(head, [*judged, *mentioned] if mentioned else judged)
        event = self._build(head, draft, needed)
        judging = judging_state(event)
        if judging != needed:
            await self._heads.learn(head, judging)
        check_event(event, head.state_for(judging), create=head.create.event, power_levels=head.levels)
        if head.get(POLICY) is not None:
            event = await self._policy.approved(event, head.get(POLICY))
        commit = self._commit(head, event)
        self._telling.note(head, commit, notice)
        if draft.state_key is not None:
            await self._change_state(head, commit, draft.state_key)
        await self._telling.complete(head, commit, notice)
        head.advance(commit)
        if draft.state_key is None:
            commit.event.remember(None)
        else:
            event.keep_bytes_alone()
        return commit

    async def propose(self, lock: RoomLock, head: RoomHead, draft: Draft) -> Event:
        """The event as it could stand now, judged and signed; the head does not count it. Raises as `append` does."""
        needed = needed_state(draft.type, draft.sender, draft.state_key, draft.content, head.version)
        await self._heads.learn(head, [*needed, CREATE, POWER_LEVELS])
        event = self._build(head, draft, needed)
        judging = judging_state(event)
        await self._heads.learn(head, judging)
        check_event(event, head.state_for(judging), create=head.create.event, power_levels=head.levels)
        return event

    def _build(self, head: RoomHead, draft: Draft, needed: Sequence[StateKey]) -> Event:
        version = head.version
        chosen = None
        if version.event_id == "server_chosen":
            chosen = f"${self._store.take_event_num()}.{self._clock.now_ms()}:{self.identity.server_name}"
        auth = [event.event for address in needed if (event := head.get(address)) is not None]
        prev = [Reference(extremity.event_id, extremity.sha256) for extremity in head.extremities[:MAX_PREV_EVENTS]]
        return build(
            draft,
            version=version,
            room_id=head.room_id,
            prev_events=prev,
            auth_events=auth,
            depth=head.depth,
            now_ms=self._clock.now_ms(),
            server_name=self.identity.server_name,
            key=self.identity.key,
            event_id=chosen,
        )

    def _commit(self, head: RoomHead, event: Event) -> EventCommit:
        stored = stored_event(
            self._store.take_event_num(),
            head.room_num,
            event,
            topo=head.topo,
            state_before=head.root,
            flags=PARTIAL if head.is_partial else 0,
        )
        ends = [extremity.num for extremity in head.extremities[:MAX_PREV_EVENTS]]
        return EventCommit(stored, head.lineage, extremities_gone=ends)

    async def _change_state(self, head: RoomHead, commit: EventCommit, state_key: str) -> None:
        stored = commit.event
        address = (stored.type, state_key)
        root, nodes = await self._states.update(head.root, {address: stored.num})
        stored.state_after = root
        commit.root, commit.nodes = root, nodes
        if stored.type == "m.room.member":
            await self._heads.learn(head, [address])
            count_member(commit, head.get(address), self.identity)
        else:
            commit.current_state = {address: stored.num}


def stored_event(num: int, room_num: int, event: Event, *, topo: int, state_before: bytes | None, flags: int = 0) -> StoredEvent:
    """The record of an event not yet on disk."""
    if event.encoded is None:
        event.encoded = event_bytes.split(event)
    body, links = event.encoded
    stored = StoredEvent(
        num, room_num, None, topo, flags, 0, event.origin_server_ts, event.type, event.sender, event.state_key, event.event_id,
        None, None, state_before, None, body, links, event.room_id, event.version,
    )  # fmt: skip
    stored.remember(event)
    return stored


def count_member(commit: EventCommit, before: StoredEvent | None, identity: Identity) -> None:
    """What a membership event changes beside the state: the member's record and the room's counts."""
    event = commit.event
    user_id = event.state_key or ""
    previous = None if before is None else _text(before.content.get("membership"))
    membership = _text(event.content.get("membership")) or "leave"
    local = _is_local(user_id, identity)
    commit.member = MemberChange(
        user_id,
        membership,
        previous,
        event.sender,
        local,
        _text(event.content.get("displayname")),
        _text(event.content.get("avatar_url")),
    )
    commit.joined_delta = (membership == "join") - (previous == "join")
    commit.invited_delta = (membership == "invite") - (previous == "invite")
    commit.local_joined_delta = commit.joined_delta if local else 0


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _is_local(user_id: str, identity: Identity) -> bool:
    try:
        return server_name_of(user_id) == identity.server_name
    except InvalidIdentifier:
        return False
