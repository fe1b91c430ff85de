"""Sections `outgoing`, `mail` and `turn`: the requests and letters that this server sends by itself, and the server for calls."""

from dataclasses import dataclass, field
from typing import Literal

from config.secret import Secret

SENDER = r"^$|^(?:[^<>@\"\x00-\x1f]+ <[^<>@\s\"]+@[^<>@\s\"]+>|[^<>@\s\"]+@[^<>@\s\"]+)$"


@dataclass(frozen=True, slots=True)
class Outgoing:
    private_addresses: bool = False  # may they reach private or loopback addresses?


@dataclass(frozen=True, slots=True)
class Mail:
    """The mail server that takes our letters (SMTP)."""

    host: str = ""  # empty: this server sends no mail
    port: int = field(default=587, metadata={"minimum": 1, "maximum": 65535})
    # starttls: required after the greeting (port 587); tls: from the first byte (port 465); none: only to a server of this machine or network.
    tls: Literal["starttls", "tls", "none"] = "starttls"
    authority: str = field(default="", metadata={"path": True})  # PEM file of the authority that vouches for it; empty: those of the system
    user: str = ""
    password: Secret = Secret()
    sender: str = field(default="", metadata={"pattern": SENDER, "says": "an address, or a name and <an address>"})
    link_seconds: int = field(default=3600, metadata={"minimum": 60, "maximum": 604_800})  # how long a link in a letter is good for
    # Letters about unread messages, for those who ask for them: what is read within the first time is not told; then at most one letter in the second.
    notifications: bool = True
    notify_after_seconds: int = field(default=600, metadata={"minimum": 0})
    notify_every_seconds: int = field(default=3600, metadata={"minimum": 1})


@dataclass(frozen=True, slots=True)
class Turn:
    """The TURN server through which calls find their way.

    Credentials come from the shared secret (coturn: use-auth-secret, static-auth-secret); without one, name and password are told as they are.
    """

    uris: tuple[str, ...] = ()
    shared_secret: Secret = Secret()
    username: str = ""
    password: Secret = Secret()
    ttl_seconds: int = field(default=86_400, metadata={"minimum": 60, "maximum": 31_536_000})
    guests: bool = True
