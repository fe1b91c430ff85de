"""The event as the rules see it: parsed, immutable by convention, of one known room version.

`Draft` is what a sender wants to say; `event_build.build` turns it into a signed `Event`, `event_format.parse` makes one of a received PDU.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, Self

import orjson

from homeserver.protocol import canonical_json
from homeserver.protocol.room_versions import RoomVersion

StateKey = tuple[str, str]  # (event type, state key): the address of one piece of room state


class Draft(NamedTuple):
    """What is to be said, before it has a place in the graph. `state_key` None: no state event."""

    type: str
    sender: str
    content: Mapping[str, Any]
    state_key: str | None = None
    redacts: str | None = None
    origin_server_ts: int | None = None  # None: the builder's clock


class Event:
    """One event. `pdu` is the whole signed wire object without `unsigned`; all else is read from it once.

    `room_id` is set for every event, also for a v12 create event, whose PDU carries none. `encoded` is the pair that
    `event_bytes.split` gives, when whoever made the event had it at hand; then the PDU itself need not be kept.
    """

    __slots__ = (
        "_pdu",
        "auth_events",
        "content",
        "depth",
        "encoded",
        "event_id",
        "origin_server_ts",
        "prev_events",
        "redacts",
        "room_id",
        "sender",
        "state_key",
        "type",
        "version",
    )

    def __init__(
        self,
        *,
        event_id: str,
        room_id: str,
        type: str,
        sender: str,
        state_key: str | None,
        content: dict[str, Any],
        origin_server_ts: int,
        depth: int,
        prev_events: tuple[str, ...],
        auth_events: tuple[str, ...],
        redacts: str | None,
        pdu: dict[str, Any],
        version: RoomVersion,
        encoded: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.event_id = event_id
        self.room_id = room_id
        self.type = type
        self.sender = sender
        self.state_key = state_key
        self.content = content
        self.origin_server_ts = origin_server_ts
        self.depth = depth
        self.prev_events = prev_events
        self.auth_events = auth_events
        self.redacts = redacts
        self._pdu: dict[str, Any] | None = pdu
        self.version = version
        self.encoded = encoded

    @classmethod
    def from_pdu(cls, pdu: dict[str, Any], *, event_id: str, room_id: str, version: RoomVersion) -> Self:
        """Reads the fields of a PDU whose format is known to be right; `event_format.parse` is for all others."""
        content = pdu["content"]
        prev_events, auth_events = pdu["prev_events"], pdu["auth_events"]
        if version.references_with_hashes:
            prev_events = [reference[0] for reference in prev_events]
            auth_events = [reference[0] for reference in auth_events]
        redacts = (content if version.redacts_in_content else pdu).get("redacts") if pdu["type"] == "m.room.redaction" else None
        return cls(
            event_id=event_id,
            room_id=room_id,
            type=pdu["type"],
            sender=pdu["sender"],
            state_key=pdu.get("state_key"),
            content=content,
            origin_server_ts=pdu["origin_server_ts"],
            depth=pdu["depth"],
            prev_events=tuple(prev_events),
            auth_events=tuple(auth_events),
            redacts=redacts if isinstance(redacts, str) else None,
            pdu=pdu,
            version=version,
        )

    @property
    def pdu(self) -> dict[str, Any]:
        """The whole signed wire object without `unsigned`."""
        if self._pdu is not None:
            return self._pdu
        if self.encoded is None:
            raise ValueError("an event keeps its PDU or the bytes of it")
        return parse_pdu(*self.encoded, self.version)

    def keep_bytes_alone(self) -> None:
        """Let go of the PDU, which takes three times the room of its bytes: whoever asks for it again gets a new one."""
        if self.encoded is not None:
            self._pdu = None

    @property
    def is_state(self) -> bool:
        return self.state_key is not None

    @property
    def address(self) -> StateKey:
        """(type, state key); only for a state event."""
        if self.state_key is None:
            raise ValueError("not a state event")
        return (self.type, self.state_key)

    def __repr__(self) -> str:
        return f"<Event {self.event_id} {self.type}>"


def parse_pdu(body: bytes, links: bytes, version: RoomVersion) -> dict[str, Any]:
    """The PDU of the two halves of its JSON (`event_bytes`)."""
    text = b"{%b,%b}" % (body, links)
    value: dict[str, Any] = orjson.loads(text) if version.strict_canonical_json else canonical_json.parse(text, exact_integers=True)
    return value
