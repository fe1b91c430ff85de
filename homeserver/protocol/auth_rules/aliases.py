"""The aliases a server announces: rule 4 of room versions 1 to 5."""

from homeserver.protocol.auth_rules.rule_numbers import refusal
from homeserver.protocol.auth_rules.user_id_shape import domain_of
from homeserver.protocol.event import Event


def check_aliases(event: Event) -> None:
    """Rule 4: only a server itself, and without being in the room."""
    if not event.state_key:
        raise refusal(event.version, "aliases.state_key", "the aliases have no state key")
    if domain_of(event.sender) != event.state_key:
        raise refusal(event.version, "aliases.domain", "the aliases are of another server than the sender")
