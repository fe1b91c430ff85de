"""Presence of people the user shares a room with (client-server API, "Presence")."""

from functools import partial

from homeserver.ephemeral.presence import Presence
from homeserver.rooms.member_store import MemberStore
from homeserver.sync.scope import SyncScope

PRESENCE = "m.presence"


class PresenceSection:
    def __init__(self, presence: Presence, members: MemberStore) -> None:
        self._presence = presence
        self._members = members

    async def read(self, scope: SyncScope) -> list[bytes]:
        """The ready events: of what changed, and of those with whom the user has come to share a room. To be read after the rooms."""
        wanted = scope.filter.presence
        if not self._presence.enabled or not wanted.accepts_type(PRESENCE):
            return []
        accepts = None if wanted.is_trivial else partial(wanted.accepts, PRESENCE)
        events = await self._presence.changed_since(scope.ephemeral_since, scope.user_id, accepts)
        met = set(scope.newcomers)
        for room_id in scope.entered:
            met.update(await self._members.joined_users(room_id))
        met.discard(scope.user_id)
        if met:
            wanted_of = sorted(met if accepts is None else filter(accepts, met))
            events += await self._presence.met_since(scope.ephemeral_since, scope.user_id, wanted_of)
        return events
