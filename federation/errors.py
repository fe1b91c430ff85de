"""What can go wrong with another server, as the callers need to tell it apart. Each is also a Matrix error, for whoever lets it pass to a client."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from homeserver import errors
from homeserver.errors import MatrixError

# What a remote refusal may mean to our own client, too, when it is about the very thing the client asked for.
RELAYABLE: Final[Mapping[str, type[MatrixError]]] = MappingProxyType(
    {
        each.errcode: each
        for each in (
            errors.Forbidden,
            errors.NotFound,
            errors.BadJson,
            errors.InvalidParam,
            errors.MissingParam,
            errors.InviteBlocked,
            errors.IncompatibleRoomVersion,
            errors.UnsupportedRoomVersion,
            errors.UnableToAuthoriseJoin,
            errors.NotYetUploaded,
            errors.LimitExceeded,
            errors.TooLarge,
        )
    }
)
NOTHING_SAID: Final[Mapping[str, Any]] = MappingProxyType({})


class FederationError(MatrixError):
    status, errcode, default_message = 502, "M_UNKNOWN", "Another server could not be asked"

    def as_local(self) -> MatrixError:
        """What to tell a client that asked for exactly what was refused."""
        return self


class Unreachable(FederationError):
    """No answer: not found, not connected, not trusted, too slow, cut off."""

    default_message = "The other server cannot be reached"


class BackingOff(Unreachable):
    """Not tried: it did not answer lately, and it is not yet time to try again (`retry_ms`: when it will be)."""

    def __init__(self, destination: str, retry_ms: int) -> None:
        super().__init__(f"{destination} did not answer lately")
        self.retry_ms = retry_ms


class NotFederated(FederationError):
    """The settings of this server bar the other one."""

    status, errcode, default_message = 403, "M_FORBIDDEN", "This server does not talk to the other one"


class BadAnswer(FederationError):
    """An answer that is too large, no JSON object, or not what was asked for."""

    default_message = "The other server answered with something else than was asked for"


class RemoteRefused(FederationError):
    """The other server answered with an error; `remote_errcode` is "" where it gave none."""

    def __init__(self, remote_status: int, remote_errcode: str = "", message: str = "", body: Mapping[str, Any] = NOTHING_SAID) -> None:
        super().__init__(message or f"The other server refused with {remote_status}")
        self.remote_status = remote_status
        self.remote_errcode = remote_errcode
        self.body = body

    def as_local(self) -> MatrixError:
        known = RELAYABLE.get(self.remote_errcode)
        if known is None:
            return self
        version = self.body.get("room_version")
        fields = {"room_version": version} if known is errors.IncompatibleRoomVersion and isinstance(version, str) else {}
        return known(self.message, **fields)
