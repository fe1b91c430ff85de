"""Presence of people the user shares a room with (client-server API, "Presence")."""

from functools import partial

from homeserver.ephemeral.presence import Presence
from homeserver.sync.scope import SyncScope

PRESENCE = "m.presence"


class PresenceSection:
    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    async def read(self, scope: SyncScope) -> list[bytes]:
        """The ready events."""
        wanted = scope.filter.presence
        if not self._presence.enabled or not wanted.accepts_type(PRESENCE):
            return []
        accepts = None if wanted.is_trivial else partial(wanted.accepts, PRESENCE)
        return await self._presence.changed_since(scope.ephemeral_since, scope.user_id, accepts)
