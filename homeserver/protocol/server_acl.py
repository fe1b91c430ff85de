"""Which servers a room's `m.room.server_acl` lets in.

Client-server API, "Server Access Control Lists (ACLs) for rooms"; names are compared without regard to case (MSC4436), by their host part alone.
A pattern costs time proportional to its length and the name's, whatever its wildcards.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import AddressValueError, IPv4Address
from typing import Any

Matches = Callable[[str], bool]


class ServerAcl:
    """A list as it was written, made ready for many questions."""

    __slots__ = ("_allow", "_deny", "_ip_literals")

    def __init__(self, *, allow: Iterable[str], deny: Iterable[str], ip_literals: bool = True) -> None:
        self._allow = Patterns(allow)
        self._deny = Patterns(deny)
        self._ip_literals = ip_literals

    @classmethod
    def of(cls, content: Mapping[str, Any]) -> "ServerAcl":
        """Of the event's content: a list that is none has no entries, and so has an entry that is no text."""
        return cls(
            allow=_texts(content.get("allow")), deny=_texts(content.get("deny")), ip_literals=content.get("allow_ip_literals") is not False
        )

    def allows(self, server_name: str) -> bool:
        host = host_of(server_name).lower()
        if not self._ip_literals and is_ip_literal(host):
            return False
        return not self._deny.match(host) and self._allow.match(host)


class Patterns:
    """Host names, with `*` for any characters and `?` for one."""

    __slots__ = ("_exact", "_globs")

    def __init__(self, patterns: Iterable[str]) -> None:
        lowered = {pattern.lower() for pattern in patterns}
        self._exact = frozenset(pattern for pattern in lowered if "*" not in pattern and "?" not in pattern)
        self._globs = tuple(glob(pattern) for pattern in sorted(lowered - self._exact))

    def match(self, host: str) -> bool:
        return host in self._exact or any(matches(host) for matches in self._globs)


def host_of(server_name: str) -> str:
    """Without the port; an IPv6 address keeps its brackets."""
    return server_name[: server_name.find("]") + 1] if server_name[:1] == "[" else server_name.partition(":")[0]


def is_ip_literal(host: str) -> bool:
    if host[:1] == "[":
        return True
    try:
        IPv4Address(host)
    except AddressValueError:
        return False
    return True


def glob(pattern: str) -> Matches:
    """The pieces between stars are found one after the other, each as early as it can be: never a way back."""
    first, *middle = pattern.split("*")
    if not middle:
        return lambda text: _equals(first, text)
    last = middle.pop()
    pieces = [piece for piece in middle if piece]
    least = len(first) + len(last) + sum(map(len, pieces))

    def matches(text: str) -> bool:
        end = len(text) - len(last)
        if len(text) < least or not _equals(first, text[: len(first)]) or not _equals(last, text[end:]):
            return False
        at = len(first)
        for piece in pieces:
            at = _find(piece, text, at, end)
            if at < 0:
                return False
        return True

    return matches


def _equals(piece: str, text: str) -> bool:
    if "?" not in piece:
        return piece == text
    return len(piece) == len(text) and all(wanted in ("?", given) for wanted, given in zip(piece, text, strict=True))


def _find(piece: str, text: str, start: int, end: int) -> int:
    """Where the first occurrence ends, or -1."""
    if "?" not in piece:
        at = text.find(piece, start, end)
        return -1 if at < 0 else at + len(piece)
    found = re.compile(re.escape(piece).replace(r"\?", "."), re.DOTALL).search(text, start, end)
    return -1 if found is None else found.end()


def _texts(value: Any) -> Iterable[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
