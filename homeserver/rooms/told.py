"""Whom a new event concerns: what it relates to, whether it counts as unread, who is called by name. The same for our events and those of others."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from homeserver.protocol.event import StateKey
from homeserver.rooms.head import RoomHead
from homeserver.rooms.notice import QUIET, Notice, PersonalRules, calls_room
from homeserver.rooms.relations import relation_of, thread_root
from homeserver.rooms.store import EventCommit, RoomStore, StoredEvent

_NOTHING: Final[Mapping[str, StoredEvent]] = MappingProxyType({})


class Telling:
    """The room's lock is held; the head does not count the event yet."""

    def __init__(self, *, server_name: str, store: RoomStore, personal: PersonalRules) -> None:
        self._server_name = server_name
        self._store = store
        self._personal = personal

    def members_called(self, notice: Notice) -> list[StateKey]:
        """The addresses of local users called by name: the head must know them, and the power levels, before `note`."""
        return [("m.room.member", user) for user in notice.mentions if self._is_local(user)]

    def note(self, head: RoomHead, commit: EventCommit, notice: Notice) -> None:
        """What the default rules say, and the relation."""
        stored = commit.event
        event = stored.event
        commit.relation = relation_of(event.content) if "m.relates_to" in event.content else None
        stored.notifies = int(notice.notifies)
        stored.thread = thread_root(commit.relation)
        if notice is not QUIET and (notice.mentions or notice.room):
            commit.highlights = [
                user for user in notice.mentions if user != event.sender and self._is_local(user) and head.membership(user) == "join"
            ]
            commit.highlight_members = calls_room(notice, event, head.levels)

    async def complete(self, head: RoomHead, commit: EventCommit, notice: Notice, fresh: Mapping[str, StoredEvent] = _NOTHING) -> None:
        """What people's own rules say, and the thread that an event with another relation stands in. `fresh`: events that are stored with it."""
        stored = commit.event
        stored.verdicts = await self._personal.verdicts(head, commit, notice)
        if commit.relation is not None and stored.thread is None:  # also of what counts for nobody: others may relate to it
            stored.thread = await self._thread_of(head, commit.relation.parent_id, fresh)

    async def _thread_of(self, head: RoomHead, parent_id: str, fresh: Mapping[str, StoredEvent]) -> str | None:
        """The parent's thread (client-server API, "Threaded read receipts")."""
        parent = fresh.get(parent_id) or (await self._store.events([parent_id])).get(parent_id)
        return parent.thread if parent is not None and parent.room_num == head.room_num else None

    def _is_local(self, user_id: str) -> bool:
        return user_id.partition(":")[2] == self._server_name
