"""User names: what a new one may be, and whom an identifier names (appendices, "User Identifiers"; client-server API, "Identifier types")."""

from collections.abc import Collection
from typing import Any, Protocol

from homeserver.errors import Exclusive, Forbidden, InvalidParam, InvalidUsername, MissingParam, UserInUse
from homeserver.protocol.ids import UserId
from homeserver.protocol.limits import MAX_IDENTIFIER_BYTES


class AppserviceNames(Protocol):
    """Which names belong to application services."""

    def is_exclusive(self, user_id: str) -> bool:
        """Whether some service has it for itself."""

    def owns(self, appservice: str, user_id: str) -> bool:
        """Whether it lies in the namespaces of that service, or is its own user."""


class NoAppserviceNames:
    """No application service is registered."""

    def is_exclusive(self, user_id: str) -> bool:  # part of the port
        return False

    def owns(self, appservice: str, user_id: str) -> bool:  # part of the port
        return False


class Names:
    """The names of this server's users."""

    def __init__(self, server_name: str, appservices: AppserviceNames, *, reserved: Collection[str] = ()) -> None:
        """`reserved`: local parts that administrators alone give out."""
        self._server_name = server_name
        self._appservices = appservices
        self._reserved = reserved

    @property
    def server_name(self) -> str:
        return self._server_name

    def user_id(self, localpart: str) -> str:
        return f"@{localpart}:{self._server_name}"

    def is_ours(self, user_id: str) -> bool:
        return user_id.partition(":")[2] == self._server_name

    def new(self, username: str, *, appservice: str | None = None, by_admin: bool = False) -> str:
        """The user ID for a new account; raises InvalidUsername, UserInUse or Exclusive. Capitals become small."""
        localpart = username.lower() if username.isascii() else username
        user_id = self.user_id(localpart)
        if not UserId.is_valid_new_localpart(localpart):
            raise InvalidUsername("User names may consist of a-z, 0-9 and . _ = - / +")
        if len(user_id) > MAX_IDENTIFIER_BYTES:
            raise InvalidUsername("This user name is too long")
        if appservice is not None:
            if not self._appservices.owns(appservice, user_id):
                raise Exclusive("This name is not in the namespace of the application service")
            return user_id
        if self._appservices.is_exclusive(user_id):
            raise Exclusive
        if localpart in self._reserved and not by_admin:
            raise UserInUse
        if localpart.startswith("_") and not by_admin:
            raise InvalidUsername("User names do not begin with _")
        return user_id

    def owned(self, appservice: str, user_id: str) -> bool:
        return self._appservices.owns(appservice, user_id)

    def named(self, body: dict[str, Any]) -> str | None:
        """The user that the body of a login, or an auth dict, names: by `identifier`, or in the old ways. None: nobody is named.

        Raises Forbidden for telephone numbers and their like, as none is known here; `Identifiers` knows e-mail addresses.
        """
        identifier = body.get("identifier")
        if identifier is None:
            if "medium" in body or "address" in body:
                raise Forbidden("No account has this third-party identifier")
            user = body.get("user")
            if user is not None and not isinstance(user, str):
                raise InvalidParam("user must be text")
            return None if user is None else self._from_text(user)
        if not isinstance(identifier, dict):
            raise InvalidParam("identifier must be an object")
        kind = identifier.get("type")
        if kind in ("m.id.thirdparty", "m.id.phone") or (kind is None and "medium" in identifier):
            raise Forbidden("No account has this third-party identifier")
        if kind != "m.id.user":
            raise InvalidParam("Unknown type of identifier")
        user = identifier.get("user")
        if not isinstance(user, str):
            raise MissingParam("identifier.user is missing")
        return self._from_text(user)

    def _from_text(self, user: str) -> str:
        if "\0" in user or len(user) > MAX_IDENTIFIER_BYTES:
            return self.user_id("")  # nobody's, so that it ends as every unknown user does
        if not user.startswith("@"):
            return self.user_id(user.lower())
        localpart, colon, server_name = user.partition(":")
        return f"{localpart.lower()}:{server_name}" if colon else user
