"""Matrix errors the domain raises: a class carries errcode, HTTP status and its extra fields; `web.replies` alone writes them.

Source: client-server API, "Standard error response" and the errors of each endpoint.
"""

from typing import Any, ClassVar


class MatrixError(Exception):
    """Answered as {"errcode", "error", **fields} with the class's status."""

    status: ClassVar[int] = 400
    errcode: ClassVar[str] = "M_UNKNOWN"
    default_message: ClassVar[str] = "Unknown error"

    def __init__(self, message: str | None = None, **fields: Any) -> None:
        super().__init__(message or self.default_message)
        self.fields = fields

    @property
    def message(self) -> str:
        return str(self.args[0])


class BadJson(MatrixError):
    errcode, default_message = "M_BAD_JSON", "The body is JSON, but not what this endpoint takes"


class NotJson(MatrixError):
    errcode, default_message = "M_NOT_JSON", "The body is no valid JSON"


class InvalidParam(MatrixError):
    errcode, default_message = "M_INVALID_PARAM", "A parameter has a wrong value"


class MissingParam(MatrixError):
    errcode, default_message = "M_MISSING_PARAM", "A required parameter is missing"


class Unknown(MatrixError):
    errcode = "M_UNKNOWN"


class InternalError(MatrixError):
    status, errcode, default_message = 500, "M_UNKNOWN", "Internal server error"


class Unavailable(MatrixError):
    """The server cannot store or answer just now; with retry_after_ms in the fields, Retry-After is sent."""

    status, errcode, default_message = 503, "M_UNKNOWN", "The server cannot do this just now, try again"

    @property
    def reason(self) -> str:
        """What the database, or whatever is missing, said by itself: one line for the administrator."""
        error: BaseException = self
        while error.__cause__ is not None:
            error = error.__cause__
        return " ".join(str(error).split())


class MissingToken(MatrixError):
    status, errcode, default_message = 401, "M_MISSING_TOKEN", "Missing access token"


class UnknownToken(MatrixError):
    """`soft_logout=True` in the fields: the device still exists, log in again with it."""

    status, errcode, default_message = 401, "M_UNKNOWN_TOKEN", "Unrecognised access token"


class Unauthorized(MatrixError):
    """Another server did not prove who it is."""

    status, errcode, default_message = 401, "M_UNAUTHORIZED", "The request is not signed as it should be"


class Forbidden(MatrixError):
    status, errcode, default_message = 403, "M_FORBIDDEN", "You are not allowed to do this"


class UnknownPos(MatrixError):
    """The client begins anew (MSC4186)."""

    errcode, default_message = "M_UNKNOWN_POS", "This connection is not known any more, begin anew"


class InvalidSignature(MatrixError):
    errcode, default_message = "M_INVALID_SIGNATURE", "The signature is not valid"


class NotFound(MatrixError):
    status, errcode, default_message = 404, "M_NOT_FOUND", "Not found"


class Unrecognized(MatrixError):
    status, errcode, default_message = 404, "M_UNRECOGNIZED", "Unrecognised request"


class MethodNotAllowed(Unrecognized):
    status, default_message = 405, "This path does not take this method"


class TooLarge(MatrixError):
    status, errcode, default_message = 413, "M_TOO_LARGE", "Too large"


class LimitExceeded(MatrixError):
    """`retry_after_ms` in the fields; Retry-After is sent in whole seconds."""

    status, errcode, default_message = 429, "M_LIMIT_EXCEEDED", "Too many requests"


class UserInUse(MatrixError):
    errcode, default_message = "M_USER_IN_USE", "This user ID is taken"


class InvalidUsername(MatrixError):
    errcode, default_message = "M_INVALID_USERNAME", "This is no valid user name"


class Exclusive(MatrixError):
    errcode, default_message = "M_EXCLUSIVE", "This name belongs to an application service"


class WeakPassword(MatrixError):
    errcode, default_message = "M_WEAK_PASSWORD", "This password is too weak"


class UserDeactivated(MatrixError):
    status, errcode, default_message = 403, "M_USER_DEACTIVATED", "This account has been deactivated"


class UserLocked(MatrixError):
    status, errcode, default_message = 401, "M_USER_LOCKED", "This account has been locked"


class UserSuspended(MatrixError):
    status, errcode, default_message = 403, "M_USER_SUSPENDED", "This account is suspended"


class GuestAccessForbidden(MatrixError):
    status, errcode, default_message = 403, "M_GUEST_ACCESS_FORBIDDEN", "Guests may not do this"


class RoomInUse(MatrixError):
    errcode, default_message = "M_ROOM_IN_USE", "This room alias is taken"


class AliasTaken(MatrixError):
    """As `PUT /directory/room` says it, unlike createRoom."""

    status, default_message = 409, "This room alias is taken"


class InviteBlocked(MatrixError):
    status, errcode, default_message = 403, "M_INVITE_BLOCKED", "This user takes no invites"


class InvalidRoomState(MatrixError):
    errcode, default_message = "M_INVALID_ROOM_STATE", "The initial state of the room is not valid"


class UnsupportedRoomVersion(MatrixError):
    errcode, default_message = "M_UNSUPPORTED_ROOM_VERSION", "This room version is not supported"


class IncompatibleRoomVersion(MatrixError):
    """`room_version` in the fields."""

    errcode, default_message = "M_INCOMPATIBLE_ROOM_VERSION", "Your server does not support this room's version"


class BadAlias(MatrixError):
    errcode, default_message = "M_BAD_ALIAS", "The alias does not point to this room"


class BadState(MatrixError):
    status, errcode, default_message = 403, "M_BAD_STATE", "The change does not fit the present state"


class DuplicateAnnotation(MatrixError):
    errcode, default_message = "M_DUPLICATE_ANNOTATION", "You have sent this reaction already"


class UnableToAuthoriseJoin(MatrixError):
    errcode, default_message = "M_UNABLE_TO_AUTHORISE_JOIN", "This server cannot vouch for the join"


class UnableToGrantJoin(MatrixError):
    errcode, default_message = "M_UNABLE_TO_GRANT_JOIN", "Nobody on this server may vouch for the join"


class CannotLeaveServerNoticeRoom(MatrixError):
    status, errcode, default_message = 403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM", "You cannot leave this room"


class ResourceLimitExceeded(MatrixError):
    status, errcode, default_message = 403, "M_RESOURCE_LIMIT_EXCEEDED", "A limit of this server is reached"


class UserLimitExceeded(MatrixError):
    """`info_uri` in the fields (MSC4335)."""

    status, errcode, default_message = 403, "M_USER_LIMIT_EXCEEDED", "A limit of your account is reached"


class KeyTooLarge(MatrixError):
    errcode, default_message = "M_KEY_TOO_LARGE", "The profile key is too long"


class ProfileTooLarge(MatrixError):
    errcode, default_message = "M_PROFILE_TOO_LARGE", "The profile is too large"


class ThreepidNotSupported(MatrixError):
    status, errcode, default_message = 400, "M_THREEPID_MEDIUM_NOT_SUPPORTED", "This kind of identifier is not supported"


class ThreepidDenied(MatrixError):
    status, errcode, default_message = 403, "M_THREEPID_DENIED", "Third-party identifiers cannot be changed here"


class ThreepidInUse(MatrixError):
    errcode, default_message = "M_THREEPID_IN_USE", "This identifier belongs to an account already"


class ThreepidNotFound(MatrixError):
    errcode, default_message = "M_THREEPID_NOT_FOUND", "No account has this identifier"


class ThreepidAuthFailed(MatrixError):
    status, errcode, default_message = 403, "M_THREEPID_AUTH_FAILED", "Nobody has proven yet that this identifier is his"


class TokenIncorrect(MatrixError):
    errcode, default_message = "M_TOKEN_INCORRECT", "This is not the code from the letter"


class SessionExpired(MatrixError):
    errcode, default_message = "M_SESSION_EXPIRED", "This link or code is not good any more"


class ServerNotTrusted(MatrixError):
    errcode, default_message = "M_SERVER_NOT_TRUSTED", "This server is not trusted"


class WrongRoomKeysVersion(MatrixError):
    """`current_version` in the fields."""

    status, errcode, default_message = 403, "M_WRONG_ROOM_KEYS_VERSION", "This is not the current version of the backup"


class InteractiveAuthRequired(MatrixError):
    """User-interactive auth goes on: the fields are the whole body (flows, params, session, completed, errcode, error)."""

    status, errcode, default_message = 401, "M_UNAUTHORIZED", "Further authentication is required"


class NotYetUploaded(MatrixError):
    status, errcode, default_message = 504, "M_NOT_YET_UPLOADED", "This has not been uploaded yet"


class CannotOverwriteMedia(MatrixError):
    status, errcode, default_message = 409, "M_CANNOT_OVERWRITE_MEDIA", "This has been uploaded already"


class RemoteTooLarge(MatrixError):
    status, errcode, default_message = 502, "M_TOO_LARGE", "This is too large to be fetched from its server"


class RangeNotSatisfiable(MatrixError):
    status, default_message = 416, "The file has no such part"


class UnknownDevice(MatrixError):
    errcode, default_message = "M_UNKNOWN_DEVICE", "The user has no such device"


class UrlNotSet(MatrixError):
    errcode, default_message = "M_URL_NOT_SET", "The registration of the application service has no url"


class AppserviceBadStatus(MatrixError):
    """`status` and `body` of its answer in the fields."""

    status, errcode, default_message = 502, "M_BAD_STATUS", "The application service answered with an error"


class AppserviceUnreachable(MatrixError):
    status, errcode, default_message = 502, "M_CONNECTION_FAILED", "The application service cannot be reached"


class AppserviceTooSlow(MatrixError):
    status, errcode, default_message = 504, "M_CONNECTION_TIMEOUT", "The application service did not answer in time"
