"""From a server's name to the places where it may be reached.

Server-server API, "Resolving server names". The steps are pure; `Discovery` asks for what they need: the .well-known file and SRV records.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, NamedTuple, Protocol

from homeserver.clock import Chance
from homeserver.protocol.errors import InvalidIdentifier
from homeserver.protocol.ids import ServerName
from homeserver.protocol.server_acl import is_ip_literal

PORT: Final = 8448
SRV_NAMES: Final = ("_matrix-fed._tcp.", "_matrix._tcp.")  # the second is the older one
MOST_TARGETS: Final = 8


class Target(NamedTuple):
    """Where to connect, the certificate that must be there, and the Host to ask for."""

    host: str  # a name, or an address without brackets
    port: int
    tls_name: str
    host_header: str


class Srv(NamedTuple):
    priority: int
    weight: int
    host: str
    port: int


def explicit(name: ServerName) -> Target | None:
    """Steps 1 and 2, and 3.1 and 3.2 of a delegated name: an address, or a port, says it all."""
    host, port = name.host, name.port
    bare = host.strip("[]")
    if is_ip_literal(host) or port is not None:
        return Target(bare, PORT if port is None else port, bare, str(name))
    return None


def by_srv(host: str, records: Sequence[Srv], chance: Chance) -> list[Target]:
    """Steps 3.3, 3.4, 4 and 5: in order of priority, by chance according to weight within one (RFC 2782)."""
    waiting = [record for record in records if record.host not in ("", ".") and record.port > 0]
    ordered: list[Srv] = []
    while waiting and len(ordered) < MOST_TARGETS:
        first = min(record.priority for record in waiting)
        group = [record for record in waiting if record.priority == first]
        drawn = chance.uniform(0, sum(record.weight + 1 for record in group))
        for record in group:
            drawn -= record.weight + 1
            if drawn <= 0:
                break
        ordered.append(record)
        waiting.remove(record)
    return [Target(record.host.rstrip("."), record.port, host, host) for record in ordered]


def by_default(host: str) -> Target:
    """Steps 3.5 and 6."""
    return Target(host, PORT, host, host)


class Delegations(Protocol):
    async def of(self, host: str) -> str | None:
        """What the host's .well-known file says, if anything."""


LookUpSrv = Callable[[str], Awaitable[Sequence[Srv]]]


class Discovery:
    def __init__(self, delegations: Delegations, look_up: LookUpSrv, chance: Chance) -> None:
        self._delegations = delegations
        self._look_up = look_up
        self._chance = chance

    async def targets(self, server_name: str) -> list[Target]:
        """In the order in which they are to be tried; at least one."""
        name = ServerName.parse(server_name)
        known = explicit(name)
        if known is not None:
            return [known]
        delegated = delegate(await self._delegations.of(name))
        if delegated is not None:
            known = explicit(delegated)
            if known is not None:
                return [known]
            name = delegated
        for prefix in SRV_NAMES:
            found = by_srv(name, await self._look_up(prefix + name), self._chance)
            if found:
                return found
        return [by_default(name)]


def delegate(text: str | None) -> ServerName | None:
    """A delegated name that is none is as good as no file."""
    if text is None:
        return None
    try:
        return ServerName.parse(text)
    except InvalidIdentifier:
        return None
