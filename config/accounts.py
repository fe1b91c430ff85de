"""Sections about people: `registration`, `addresses`, `passwords`, `sessions`, `presence`, `user_directory`, `user_limits`, `server_notices`."""

from typing import Annotated, Literal, NamedTuple

from config.secret import Secret


class Terms(NamedTuple):
    """A document one must agree to when registering (m.login.terms)."""

    policy: str
    version: str
    name: str
    url: str
    language: str = "en"


class Registration(NamedTuple):
    enabled: bool = False  # may people make accounts for themselves?
    maximum_accounts: Annotated[int, {"minimum": 0}] = 0  # that people make for themselves; 0: any number
    requires_token: bool = True  # only with a token made by `chatme issue-token`; False: anyone (m.login.dummy)
    terms: tuple[Terms, ...] = ()
    email: Literal["none", "optional", "required"] = "none"  # may, or must, one prove an e-mail address?
    guests: bool = False
    shared_secret: Secret = Secret()  # opens /_synapse/admin/v1/register to tools that know it; empty: closed


class Addresses(NamedTuple):
    """E-mail addresses of accounts, by which people log in and come to a new password. They need a mail server (section `mail`)."""

    changes: bool = True  # may people add and remove their own?
    domains: tuple[
        Annotated[str, {"pattern": r"^[^\s@/:]+$", "says": "domains, like example.org"}], ...
    ] = ()  # only addresses of these; empty: of any


class Passwords(NamedTuple):
    login: bool = True  # may people log in with a password?
    minimum_length: Annotated[int, {"minimum": 1, "maximum": 512}] = 8
    maximum_length: Annotated[int, {"minimum": 8, "maximum": 4096}] = 512  # in bytes, looked at before anything is hashed
    # The cost of one argon2id hash.
    memory_kib: Annotated[int, {"minimum": 8, "maximum": 4_194_304}] = 19_456
    iterations: Annotated[int, {"minimum": 1, "maximum": 100}] = 2
    threads: Annotated[int, {"minimum": 1, "maximum": 64}] = 1  # hashes at the same time
    queue: Annotated[int, {"minimum": 1}] = 100  # logins that may wait for a hash; further ones are told to come back


class Sessions(NamedTuple):
    """Lifetimes in seconds; 0: without end."""

    access_token_seconds: Annotated[int, {"minimum": 0}] = 0
    refreshable_access_token_seconds: Annotated[int, {"minimum": 1}] = 300  # for clients that can refresh theirs
    refresh_token_seconds: Annotated[int, {"minimum": 0}] = 0
    openid_token_seconds: Annotated[int, {"minimum": 60, "maximum": 86_400}] = 3600  # proves to other services who one is
    login_token_seconds: Annotated[int, {"minimum": 1, "maximum": 3600}] = 120  # /login/get_token
    interactive_auth_seconds: Annotated[int, {"minimum": 10}] = 900  # one run through user-interactive auth


class Presence(NamedTuple):
    enabled: bool = True


class UserDirectory(NamedTuple):
    enabled: bool = True
    search_all_users: bool = False  # False: those in public rooms and those one shares a room with


class UserLimits(NamedTuple):
    """How much one account may have; 0: any number. Uploads have limits of their own, in section `media`."""

    joined_rooms: Annotated[int, {"minimum": 0}] = 20_000
    devices: Annotated[int, {"minimum": 0}] = 2_000
    account_data_bytes: Annotated[int, {"minimum": 0}] = 100_000_000
    # A page that says more, for who has reached one ("https://…"); empty: that of the server.
    page: Annotated[str, {"pattern": r"^(https?://\S+)?$", "says": "an http(s) address"}] = ""
    can_upgrade: bool = False  # may one come to higher limits, as that page tells?


class ServerNotices(NamedTuple):
    """What the administrators tell people, each in a room of one's own."""

    localpart: Annotated[str, {"pattern": r"^[a-z0-9._=/+-]{1,100}$", "says": "a user name"}] = "notices"  # who sends them
    name: str = "Server notices"  # of the sender and of the rooms
    avatar_url: Annotated[str, {"pattern": r"^(mxc://[^/\s]+/\S+)?$", "says": "an mxc:// address"}] = ""
