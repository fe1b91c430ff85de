"""Presence of people the user shares a room with (client-server API, "Presence")."""

from homeserver.ephemeral.presence import Presence
from homeserver.sync.scope import SyncScope


class PresenceSection:
    def __init__(self, presence: Presence) -> None:
        self._presence = presence

    async def read(self, scope: SyncScope) -> list[bytes]:
        """The ready events."""
        if not self._presence.enabled or (scope.filter.presence.types is not None and "m.presence" not in scope.filter.presence.types):
            return []
        return await self._presence.changed_since(scope.ephemeral_since, scope.user_id)
