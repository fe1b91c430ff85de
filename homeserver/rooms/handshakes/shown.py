"""What is told of a room to those who are not in it yet: invited, or knocking (client-server API, "Stripped state").

Servers tell each other whole events (server-server API, "PUT /invite"), of which clients get four members.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.event import Event, StateKey
from homeserver.protocol.ids import UserId
from homeserver.rooms.state_reader import StateReader

SHOWN_TYPES: Final = (
    "m.room.create",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.join_rules",
    "m.room.canonical_alias",
    "m.room.encryption",
)
MOST_EVENTS: Final = 100
MOST_BYTES: Final = 262_144  # of all of them
_MEMBERS: Final = ("content", "sender", "state_key", "type")


class ShownState:
    def __init__(self, states: StateReader) -> None:
        self._states = states

    async def of(self, root: bytes, sender: str | None = None) -> list[dict[str, Any]]:
        """Whole PDUs; with the membership of `sender`."""
        addresses: list[StateKey] = [(type_, "") for type_ in SHOWN_TYPES]
        if sender is not None:
            addresses.append(("m.room.member", sender))
        state = await self._states.at(root, addresses)
        return [state[address].event.pdu for address in addresses if address in state]


def stripped(events: Any, own: Event) -> bytes:
    """JSON for clients of what another server told; `own` is the user's membership. What is malformed is left out, what is too much cut off."""
    found: dict[StateKey, bytes] = {}
    size = 0
    for event in events[:MOST_EVENTS] if isinstance(events, list) else ():
        address = _address(event)
        if address is None or address in found or address == own.address:
            continue
        try:
            text = orjson.dumps({name: event[name] for name in _MEMBERS})
        except orjson.JSONEncodeError:
            continue
        size += len(text)
        if size > MOST_BYTES:
            break
        found[address] = text
    found[own.address] = orjson.dumps({name: own.pdu[name] for name in _MEMBERS})
    return b"[%b]" % b",".join(found.values())


def _address(event: Any) -> StateKey | None:
    """Of what may be shown to a client."""
    if not isinstance(event, dict) or not isinstance(event.get("content"), dict):
        return None
    type_, state_key = event.get("type"), event.get("state_key")
    if not isinstance(type_, str) or not isinstance(state_key, str):
        return None
    try:
        UserId.parse(event.get("sender"))
    except InvalidIdentifier:
        return None
    return type_, state_key


def create_of(events: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """The create event among what was told."""
    return next((event for event in events if event.get("type") == "m.room.create" and event.get("state_key") == ""), None)
