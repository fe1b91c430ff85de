"""Identifiers as types: checked once at the edge by `parse`, plain strings ever after.

Specification: appendices, "Identifier Grammar"; historical user IDs are accepted, as every server must. No regular expression: parsing
a hostile identifier costs what a good one of the same length costs.
"""

from ipaddress import AddressValueError, IPv6Address
from typing import Self

from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.limits import MAX_IDENTIFIER_BYTES

_NEW_LOCALPART_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789._=-/+")
_MAX_IPV6_CHARACTERS = 45
_MAX_PORT_DIGITS = 5


def _is_hostname(name: str) -> bool:
    """Dotted-quad IPv4 addresses are within the grammar of DNS names."""
    return name.replace("-", "a").replace(".", "a").isalnum() and name.isascii()


def _is_ipv6(name: str) -> bool:
    if len(name) > _MAX_IPV6_CHARACTERS or "%" in name:
        return False
    try:
        IPv6Address(name)
    except AddressValueError:
        return False
    return True


def _is_port(text: str) -> bool:
    return 0 < len(text) <= _MAX_PORT_DIGITS and text.isascii() and text.isdigit()


def is_server_name(name: str) -> bool:
    """Whether the text is host, IPv4 or [IPv6], with or without a port."""
    if _is_hostname(name):
        return True
    if name[:1] == "[":
        host, bracket, rest = name[1:].partition("]")
        return bracket == "]" and _is_ipv6(host) and (rest == "" or (rest[0] == ":" and _is_port(rest[1:])))
    host, colon, port = name.partition(":")
    return colon == ":" and _is_port(port) and _is_hostname(host)


def _check_text(text: object, kind: str, sigil: str) -> str:
    """What all identifiers share: a string with its sigil, at most 255 bytes of UTF-8, no NUL, no lone surrogate."""
    if not isinstance(text, str) or text[:1] != sigil or "\0" in text:
        raise InvalidIdentifier(f"not a {kind}")
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        raise InvalidIdentifier(f"a {kind} of invalid Unicode") from error
    if size > MAX_IDENTIFIER_BYTES:
        raise InvalidIdentifier(f"a {kind} of more than {MAX_IDENTIFIER_BYTES} bytes")
    return text


def server_name_of(identifier: str) -> str:
    """The server part of an already checked user ID, alias, or old room or event ID; raises InvalidIdentifier when there is none."""
    colon = identifier.find(":")
    if colon < 0:
        raise InvalidIdentifier("an identifier without a server name")
    return identifier[colon + 1 :]


class ServerName(str):
    __slots__ = ()

    @classmethod
    def parse(cls, text: object) -> Self:
        if not isinstance(text, str) or len(text) > MAX_IDENTIFIER_BYTES or not is_server_name(text):
            raise InvalidIdentifier("not a server name")
        return cls(text)

    @property
    def host(self) -> str:
        """Without the port; an IPv6 address keeps its brackets."""
        return self[: self.index("]") + 1] if self[0] == "[" else self.partition(":")[0]

    @property
    def port(self) -> int | None:
        rest = self[len(self.host) + 1 :]
        return int(rest) if rest else None


class _OnServer(str):
    """An identifier of the form sigil, localpart, colon, server name."""

    __slots__ = ()
    _SIGIL = ""
    _KIND = ""

    @classmethod
    def parse(cls, text: object) -> Self:
        checked = _check_text(text, cls._KIND, cls._SIGIL)
        colon = checked.find(":")
        if colon < 0 or not is_server_name(checked[colon + 1 :]):
            raise InvalidIdentifier(f"a {cls._KIND} without a valid server name")
        return cls(checked)

    @property
    def localpart(self) -> str:
        return self[1 : self.index(":")]

    @property
    def server_name(self) -> ServerName:
        return ServerName(self[self.index(":") + 1 :])


class UserId(_OnServer):
    __slots__ = ()
    _SIGIL = "@"
    _KIND = "user ID"

    @staticmethod
    def is_valid_new_localpart(localpart: str) -> bool:
        """Whether a new user may be called so; older users may have other characters."""
        return localpart != "" and _NEW_LOCALPART_CHARACTERS.issuperset(localpart)

    @property
    def is_compliant(self) -> bool:
        """False: accepted within events only, not to be shown to clients elsewhere (appendices, "Historical User IDs")."""
        localpart = self.localpart
        return localpart != "" and all("!" <= character <= "~" for character in localpart)


class RoomAlias(_OnServer):
    __slots__ = ()
    _SIGIL = "#"
    _KIND = "room alias"


class _PerhapsOnServer(str):
    """An identifier whose server part went away in later room versions."""

    __slots__ = ()
    _SIGIL = ""
    _KIND = ""

    @classmethod
    def parse(cls, text: object) -> Self:
        checked = _check_text(text, cls._KIND, cls._SIGIL)
        colon = checked.find(":")
        if len(checked) < 2 or (colon >= 0 and not is_server_name(checked[colon + 1 :])):
            raise InvalidIdentifier(f"not a {cls._KIND}")
        return cls(checked)

    @property
    def localpart(self) -> str:
        """All between the sigil and the server name, if there is one."""
        return self[1:].partition(":")[0]

    @property
    def server_name(self) -> ServerName | None:
        name = self.partition(":")[2]
        return ServerName(name) if name else None


class RoomId(_PerhapsOnServer):
    __slots__ = ()
    _SIGIL = "!"
    _KIND = "room ID"


class EventId(_PerhapsOnServer):
    __slots__ = ()
    _SIGIL = "$"
    _KIND = "event ID"
