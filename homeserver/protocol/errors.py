"""What goes wrong inside the rules; no HTTP here, `homeserver.web.replies` translates."""

from collections.abc import Iterable


class ProtocolError(Exception):
    """Base of all: the given value or event breaks a rule of the protocol."""


class InvalidIdentifier(ProtocolError, ValueError):
    """The text is no user ID, room ID, event ID, alias or server name (appendices, "Identifier grammar")."""


class InvalidJson(ProtocolError, ValueError):
    """The value has no canonical JSON form in this room version, or the text is no acceptable JSON."""


class InvalidFilter(ProtocolError, ValueError):
    """The value is no filter of the client-server API; the message names the member that is wrong."""


class InvalidEvent(ProtocolError):
    """The event has the wrong shape, a missing field or a wrong type, for its room version."""


class EventTooLarge(InvalidEvent):
    """The event or one of its fields is over a limit of `limits`."""


class BadSignature(ProtocolError):
    """A required signature is missing, was made by a key not valid then, or does not match."""


class UnknownRoomVersion(ProtocolError):
    """This server does not know the room version."""

    def __init__(self, version: object) -> None:
        super().__init__(f"unknown room version {version!r}")
        self.version = version


class NotAuthorised(ProtocolError):
    """An authorisation rule refuses the event; the message names the rule."""


class MissingEvents(ProtocolError):
    """The judgement needs events that the caller did not give: fetch them and ask again."""

    def __init__(self, event_ids: Iterable[str]) -> None:
        self.event_ids = frozenset(event_ids)
        super().__init__(f"{len(self.event_ids)} event(s) missing")
