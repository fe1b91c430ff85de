"""Sections `federation` and `appservices`: rooms shared with other servers, and the bridges and bots that act for many users of this one."""

from typing import Annotated, NamedTuple

from config.server import SERVER_NAME

NAMES = {"pattern": r"^([A-Za-z0-9.*?\-]+|\[[0-9A-Fa-f:.*?]+\])$", "says": "names of servers with * and ?, without ports"}


class Federation(NamedTuple):
    enabled: bool = False
    # Servers to talk to, as names with * and ?; ports do not count. An empty list of allowed ones allows all.
    allowed_servers: tuple[Annotated[str, NAMES], ...] = ()
    denied_servers: tuple[Annotated[str, NAMES], ...] = ()
    # What other servers may look up here.
    profiles: bool = True
    public_rooms: bool = True  # this server's directory of published rooms
    # Addresses to reach: the public Internet, and what is allowed here (addresses or networks); never what is denied.
    private_addresses: bool = False  # loopback and private networks, too
    allowed_addresses: tuple[str, ...] = ()
    denied_addresses: tuple[str, ...] = ()
    # A file of certificates (PEM) trusted besides the system's.
    trusted_authorities: Annotated[str, {"path": True}] = ""
    # Servers asked for the keys of others that do not answer themselves.
    notaries: tuple[Annotated[str, {"pattern": SERVER_NAME, "says": "names of servers"}], ...] = ()
    # Public keys (base64) of which the secret half is known to strangers; nothing signed by them counts.
    denied_keys: tuple[str, ...] = ()


class AppServices(NamedTuple):
    # Their registrations, as YAML files.
    registrations: Annotated[tuple[str, ...], {"path": True}] = ()
