"""Sections `outgoing`, `mail` and `turn`: the requests and letters that this server sends by itself, and the server for calls."""

from typing import Annotated, Literal, NamedTuple

from config.secret import Secret

SENDER = r"^$|^(?:[^<>@\"\x00-\x1f]+ <[^<>@\s\"]+@[^<>@\s\"]+>|[^<>@\s\"]+@[^<>@\s\"]+)$"


class Outgoing(NamedTuple):
    private_addresses: bool = False  # may they reach private or loopback addresses?


class Mail(NamedTuple):
    """The mail server that takes our letters (SMTP)."""

    host: str = ""  # empty: this server sends no mail
    port: Annotated[int, {"minimum": 1, "maximum": 65535}] = 587
    # starttls: required after the greeting (port 587); tls: from the first byte (port 465); none: only to a server of this machine or network.
    tls: Literal["starttls", "tls", "none"] = "starttls"
    authority: Annotated[str, {"path": True}] = ""  # PEM file of the authority that vouches for it; empty: those of the system
    user: str = ""
    password: Secret = Secret()
    sender: Annotated[str, {"pattern": SENDER, "says": "an address, or a name and <an address>"}] = ""
    link_seconds: Annotated[int, {"minimum": 60, "maximum": 604_800}] = 3600  # how long a link in a letter is good for
    # Letters about unread messages, for those who ask for them: what is read within the first time is not told; then at most one letter in the second.
    notifications: bool = True
    notify_after_seconds: Annotated[int, {"minimum": 0}] = 600
    notify_every_seconds: Annotated[int, {"minimum": 1}] = 3600


class Turn(NamedTuple):
    """The TURN server through which calls find their way.

    Credentials come from the shared secret (coturn: use-auth-secret, static-auth-secret); without one, name and password are told as they are.
    """

    uris: tuple[Annotated[str, {"pattern": r"^(turns?|stuns?):\S+$", "says": "addresses like turn:turn.example.org"}], ...] = ()
    shared_secret: Secret = Secret()
    username: str = ""
    password: Secret = Secret()
    ttl_seconds: Annotated[int, {"minimum": 60, "maximum": 31_536_000}] = 86_400
    guests: bool = True
