"""Who is told of an event: the servers in the room, and that of the member whom it concerns."""

from typing import Final

from homeserver.rooms.store import HIDDEN, RELAYED, TOLD, StoredEvent

UNTOLD: Final = HIDDEN | TOLD


def is_ours_to_tell(event: StoredEvent, own_suffix: str) -> bool:
    """Events of our users, and those that other servers gave us to pass on. `own_suffix`: a colon and this server's name."""
    return not event.flags & UNTOLD and (event.sender.endswith(own_suffix) or bool(event.flags & RELAYED))


def member_server(event: StoredEvent) -> str | None:
    """The server of whoever is kicked, banned or has left: it may not be in the room, or no longer.

    An invite it has signed itself, before the event took its place (`handshakes/invites`); outside the room it cannot take it in another way.
    """
    if event.type != "m.room.member" or event.state_key is None or event.content.get("membership") == "invite":
        return None
    return event.state_key.partition(":")[2] or None


def sender_server(event: StoredEvent) -> str:
    return event.sender.partition(":")[2]
