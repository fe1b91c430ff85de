"""Sections about people: `registration`, `addresses`, `passwords`, `sessions`, `presence`, `user_directory`."""

from dataclasses import dataclass, field
from typing import Literal

from config.secret import Secret


@dataclass(frozen=True, slots=True)
class Terms:
    """A document one must agree to when registering (m.login.terms)."""

    policy: str
    version: str
    name: str
    url: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Registration:
    enabled: bool = False  # may people make accounts for themselves?
    maximum_accounts: int = field(default=0, metadata={"minimum": 0})  # that people make for themselves; 0: any number
    requires_token: bool = True  # only with a token made by `chatme issue-token`; False: anyone (m.login.dummy)
    terms: tuple[Terms, ...] = ()
    email: Literal["none", "optional", "required"] = "none"  # may, or must, one prove an e-mail address?
    guests: bool = False
    shared_secret: Secret = Secret()  # opens /_synapse/admin/v1/register to tools that know it; empty: closed


@dataclass(frozen=True, slots=True)
class Addresses:
    """E-mail addresses of accounts, by which people log in and come to a new password. They need a mail server (section `mail`)."""

    changes: bool = True  # may people add and remove their own?
    domains: tuple[str, ...] = ()  # only addresses of these; empty: of any


@dataclass(frozen=True, slots=True)
class Passwords:
    login: bool = True  # may people log in with a password?
    minimum_length: int = field(default=8, metadata={"minimum": 1, "maximum": 512})
    maximum_length: int = field(default=512, metadata={"minimum": 8, "maximum": 4096})  # in bytes, looked at before anything is hashed
    # The cost of one argon2id hash.
    memory_kib: int = field(default=19_456, metadata={"minimum": 8, "maximum": 4_194_304})
    iterations: int = field(default=2, metadata={"minimum": 1, "maximum": 100})
    threads: int = field(default=1, metadata={"minimum": 1, "maximum": 64})  # hashes at the same time
    queue: int = field(default=100, metadata={"minimum": 1})  # logins that may wait for a hash; further ones are told to come back


@dataclass(frozen=True, slots=True)
class Sessions:
    """Lifetimes in seconds; 0: without end."""

    access_token_seconds: int = field(default=0, metadata={"minimum": 0})
    refreshable_access_token_seconds: int = field(default=300, metadata={"minimum": 1})  # for clients that can refresh theirs
    refresh_token_seconds: int = field(default=0, metadata={"minimum": 0})
    openid_token_seconds: int = field(default=3600, metadata={"minimum": 60, "maximum": 86_400})  # proves to other services who one is
    login_token_seconds: int = field(default=120, metadata={"minimum": 1, "maximum": 3600})  # /login/get_token
    interactive_auth_seconds: int = field(default=900, metadata={"minimum": 10})  # one run through user-interactive auth


@dataclass(frozen=True, slots=True)
class Presence:
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class UserDirectory:
    enabled: bool = True
    search_all_users: bool = False  # False: those in public rooms and those one shares a room with


@dataclass(frozen=True, slots=True)
class UserLimits:
    """How much one account may have; 0: any number. Uploads have limits of their own, in section `media`."""

    joined_rooms: int = field(default=20_000, metadata={"minimum": 0})
    devices: int = field(default=2_000, metadata={"minimum": 0})
    account_data_bytes: int = field(default=100_000_000, metadata={"minimum": 0})
    # A page that says more, for who has reached one ("https://…"); empty: that of the server.
    page: str = field(default="", metadata={"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"})
    can_upgrade: bool = False  # may one come to higher limits, as that page tells?


@dataclass(frozen=True, slots=True)
class ServerNotices:
    """What the administrators tell people, each in a room of one's own."""

    localpart: str = field(default="notices", metadata={"pattern": r"^[a-z0-9._=/+-]{1,100}$", "says": "a user name"})  # who sends them
    name: str = "Server notices"  # of the sender and of the rooms
    avatar_url: str = field(default="", metadata={"pattern": r"^(mxc://[^/\s]+/\S+)?$", "says": "an mxc:// address"})
