"""Users of this server who were erased: to whoever came after that, their messages are as if redacted (client-server API, "Account deactivation").

Of a message only; state is the room's, and without it nobody could take part.
"""

from collections.abc import Mapping
from copy import copy

from homeserver.protocol import event_bytes
from homeserver.protocol.redaction import redact_event
from homeserver.rooms.store import REDACTED, StoredEvent


class ErasedUsers:
    """`replace` at the start and with each erasure."""

    def __init__(self) -> None:
        self._since: Mapping[str, int] = {}

    def replace(self, since: Mapping[str, int]) -> None:
        """User → the position of the erasure."""
        self._since = since

    def sent(self, event: StoredEvent) -> bool:
        return event.sender in self._since and event.state_key is None

    def hides(self, event: StoredEvent, membership: str | None, joined: int | None) -> bool:
        """From somebody with that membership at the event, who joined at that position and has stayed (None: who is not joined)."""
        if not self.sent(event) or membership == "join":
            return False
        return joined is None or joined > self._since[event.sender]


def emptied(event: StoredEvent) -> StoredEvent:
    """A redacted copy."""
    made = copy(event)
    made.body, made.links = event_bytes.split(redact_event(event.event))
    made.flags |= REDACTED
    made.remember(None)
    return made
