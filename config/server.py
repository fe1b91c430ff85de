"""Sections `server`, `support` and `logging`: who this server is, where it keeps its data, whom to ask, what it writes down."""

from typing import Annotated, Literal, NamedTuple

SERVER_NAME = r"^([A-Za-z0-9.\-]{1,230}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$"


class Server(NamedTuple):
    # The part after the colon in user IDs and aliases. It cannot be changed once there are accounts.
    name: Annotated[str, {"pattern": SERVER_NAME, "says": "a host name, with or without a port"}] = "localhost"
    # Where clients reach this server, for /.well-known/matrix/client; empty: that file is not served.
    public_base_url: Annotated[str, {"pattern": r"^(https?://[^\s/?#]+/?)?$", "says": "http(s)://host[:port]"}] = ""
    # Where other servers reach this one ("host:port"), for /.well-known/matrix/server; empty: that file is not served.
    federation_address: Annotated[str, {"pattern": rf"^$|{SERVER_NAME}", "says": "a host name, with or without a port"}] = ""
    # The Ed25519 key of a policy server of this name, for /.well-known/matrix/policy_server; empty: that file is not served.
    policy_server_key: Annotated[str, {"pattern": r"^([A-Za-z0-9+/]{43})?$", "says": "an Ed25519 key in unpadded base64"}] = ""
    data_directory: Annotated[str, {"path": True}] = "."
    signing_key: Annotated[str, {"path": True}] = "signing.key"
    # Proxies (addresses or networks) whose X-Forwarded-For is believed.
    trusted_proxies: tuple[str, ...] = ()


class Contact(NamedTuple):
    role: Literal["m.role.admin", "m.role.moderator", "m.role.security", "m.role.dpo"]
    matrix_id: str = ""
    email_address: str = ""


class Support(NamedTuple):
    """/.well-known/matrix/support, served when either is given."""

    contacts: tuple[Contact, ...] = ()
    page: Annotated[str, {"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"}] = ""


def contact_of(support: Support, server: Server) -> str:
    """The address of whoever looks after the server, for people who have reached one of its limits; failing that, the server's own page."""
    for contact in support.contacts:
        if contact.email_address:
            return f"mailto:{contact.email_address}"
        if contact.matrix_id:
            return f"https://matrix.to/#/{contact.matrix_id}"
    return support.page or server.public_base_url or f"https://{server.name}/"


class Logging(NamedTuple):
    """What is written to standard error."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    requests: bool = True  # a line per request
