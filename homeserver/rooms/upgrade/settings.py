"""What a user has set for a room goes along to its successor: tags, push rules, the mark of a direct chat.

Done when the room is upgraded, and again when somebody comes into a room that has a predecessor, however both came about.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from homeserver.rooms.append import Identity
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.member_store import MemberStore
from homeserver.streams import Change, Streams

MAX_REMEMBERED = 10_000


class PersonalSettings(Protocol):
    """One kind of settings."""

    async def carry(self, user_id: str, old_room: str, new_room: str) -> None:
        """Give the new room what the user has set for the old one, unless something is set for it already. Twice does no harm."""


class SettingsFollower:
    """Follows the stream for users of this server who come into a successor."""

    _log = Logger()

    def __init__(
        self, *, identity: Identity, summaries: Summaries, members: MemberStore, streams: Streams, settings: Sequence[PersonalSettings]
    ) -> None:
        self._identity = identity
        self._summaries = summaries
        self._members = members
        self._settings = settings
        self._predecessors: OrderedDict[str, str | None] = OrderedDict()
        streams.subscribe(self._follow)

    def carry_all(self, users: Iterable[str], old_room: str, new_room: str) -> None:
        """For many users, in the background."""

        async def work() -> None:
            for user_id in users:
                await self._carry(user_id, old_room, new_room)

        Deferred.fromCoroutine(work())

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            event = change.subject
            if change.kind != "event" or change.user_id is None or event is None or change.room_id is None:
                continue
            if not self._identity.is_local(change.user_id) or self._predecessors.get(change.room_id, "") is None:
                continue
            if event.is_shown and event.content.get("membership") == "join":
                Deferred.fromCoroutine(self._arrived(change.room_id, change.user_id, change.position))

    async def _arrived(self, room_id: str, user_id: str, position: int) -> None:
        try:
            predecessor = await self._predecessor(room_id)
            if predecessor is None:
                return
            member = await self._members.member(room_id, user_id)
            if member is None or member.joined_position != position or await self._members.member(predecessor, user_id) is None:
                return
        except Exception:
            self._log.failure("cannot tell whether {user} brings settings along", user=user_id)
            return
        await self._carry(user_id, predecessor, room_id)

    async def _carry(self, user_id: str, old_room: str, new_room: str) -> None:
        for settings in self._settings:
            try:
                await settings.carry(user_id, old_room, new_room)
            except Exception:
                self._log.failure("settings of {user} could not go along to the new room", user=user_id)

    async def _predecessor(self, room_id: str) -> str | None:
        """From the room's first event, so it never changes."""
        if room_id not in self._predecessors:
            summary = await self._summaries.get(room_id)
            self._predecessors[room_id] = None if summary is None else summary.predecessor
            while len(self._predecessors) > MAX_REMEMBERED:
                self._predecessors.popitem(last=False)
        return self._predecessors[room_id]
