"""Registrations: YAML files in which application services say who they are and what is theirs (application-service API, "Registration").

Keys that the ecosystem writes before they are in the specification are understood, keys that nobody here knows are passed over.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from appservices.errors import BadRegistration
from appservices.patterns.automaton import Pattern
from appservices.patterns.errors import BadPattern
from config.secret import Secret

MOST_BYTES: Final = 2**20
MOST_NAMESPACES: Final = 200
_EPHEMERAL: Final = ("receive_ephemeral", "de.sorunome.msc2409.push_ephemeral", "push_ephemeral")  # the name of the specification first
_ENCRYPTED: Final = ("org.matrix.msc3202", "msc3202")


class Namespace(NamedTuple):
    pattern: Pattern
    exclusive: bool


class Registration(NamedTuple):
    file: str
    id: str
    url: str  # without a slash at the end; empty: it wants no requests
    as_token: Secret
    hs_token: Secret
    sender_localpart: str
    users: tuple[Namespace, ...] = ()
    aliases: tuple[Namespace, ...] = ()
    rooms: tuple[Namespace, ...] = ()
    rate_limited: bool = True
    protocols: tuple[str, ...] = ()
    receive_ephemeral: bool = False
    early_ephemeral: bool = (
        False  # it asked (also) by the name from before the specification (MSC2409), and looks for that one in transactions
    )
    encrypted: bool = False  # it wants to be told of devices and keys (MSC3202)


def read_registrations(files: Sequence[str]) -> tuple[Registration, ...]:
    """Raises BadRegistration. IDs and tokens differ."""
    found: list[Registration] = []
    for file in files:
        read = _read(file)
        for other in found:
            if other.id == read.id:
                raise BadRegistration(f"{file}: id: {other.file} has the same one, {read.id}")
            if other.as_token == read.as_token:
                raise BadRegistration(f"{file}: as_token: {other.file} has the same one")
        found.append(read)
    return tuple(found)


def _read(file: str) -> Registration:
    import yaml  # 15 ms, and of use to few

    try:
        with Path(file).open("rb") as opened:
            text = opened.read(MOST_BYTES + 1)
    except OSError as error:
        raise BadRegistration(f"{file}: cannot be read: {error.strerror}") from error
    if len(text) > MOST_BYTES:
        raise BadRegistration(f"{file}: is larger than any registration")
    try:
        tree = yaml.safe_load(text)
    except (yaml.YAMLError, UnicodeDecodeError, ValueError, RecursionError) as error:
        raise BadRegistration(f"{file}: is no valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(tree, dict):
        raise BadRegistration(f"{file}: is no registration, which is a table of keys")
    return _Table(file, tree).registration()


class _Table:
    """What was read, and complaints that name the key."""

    def __init__(self, file: str, tree: dict[Any, Any]) -> None:
        self._file = file
        self._tree = tree

    def registration(self) -> Registration:
        namespaces = self._tree.get("namespaces")
        if not isinstance(namespaces, dict):
            raise self._wrong("namespaces", "must be a table of users, aliases and rooms" if namespaces else "is missing")
        return Registration(
            file=self._file,
            id=self._text("id"),
            url=self._url(),
            as_token=Secret(self._token("as_token")),
            hs_token=Secret(self._token("hs_token")),
            sender_localpart=self._sender(),
            users=tuple(self._namespaces(namespaces, "users")),
            aliases=tuple(self._namespaces(namespaces, "aliases")),
            rooms=tuple(self._namespaces(namespaces, "rooms")),
            rate_limited=self._flag("rate_limited", default=True),
            protocols=self._protocols(),
            receive_ephemeral=any(self._flag(key) for key in _EPHEMERAL),
            early_ephemeral=any(self._flag(key) for key in _EPHEMERAL[1:]),
            encrypted=any(self._flag(key) for key in _ENCRYPTED),
        )

    def _wrong(self, key: str, what: str) -> BadRegistration:
        return BadRegistration(f"{self._file}: {key}: {what}")

    def _text(self, key: str) -> str:
        value = self._tree.get(key)
        if value is None:
            raise self._wrong(key, "is missing")
        if not isinstance(value, str) or not value:
            raise self._wrong(key, "must be text")
        return value

    def _token(self, key: str) -> str:
        value = self._text(key)
        if not (value.isascii() and value.isprintable()) or " " in value:
            raise self._wrong(key, "must consist of printable ASCII characters without spaces")
        return value

    def _sender(self) -> str:
        value = self._text("sender_localpart")
        if not (value.isascii() and value.isprintable()) or set(value) & {" ", ":"} or value.startswith("@"):
            raise self._wrong("sender_localpart", "must be the part of a user ID between @ and :")
        return value

    def _flag(self, key: str, *, default: bool = False) -> bool:
        value = self._tree.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise self._wrong(key, "must be true or false")
        return value

    def _url(self) -> str:
        if "url" not in self._tree:
            raise self._wrong("url", "is missing (null: the service wants no requests)")
        url = self._tree["url"]
        if url is None or url == "":
            return ""
        if not isinstance(url, str) or not _is_address(url):
            raise self._wrong("url", "must be an address of the form http://host:port or https://host, or null")
        return url.rstrip("/")

    def _protocols(self) -> tuple[str, ...]:
        value = self._tree.get("protocols") or []
        if not isinstance(value, list) or not all(isinstance(protocol, str) and protocol for protocol in value):
            raise self._wrong("protocols", "must be a list of names")
        return tuple(dict.fromkeys(value))

    def _namespaces(self, tree: dict[Any, Any], kind: str) -> Iterator[Namespace]:
        value = tree.get(kind) or []
        if not isinstance(value, list):
            raise self._wrong(f"namespaces.{kind}", "must be a list")
        if len(value) > MOST_NAMESPACES:
            raise self._wrong(f"namespaces.{kind}", f"has more than {MOST_NAMESPACES} entries")
        for number, entry in enumerate(value):
            key = f"namespaces.{kind}[{number}]"
            if not isinstance(entry, dict):
                raise self._wrong(key, "must be a table of exclusive and regex")
            exclusive, regex = entry.get("exclusive", False), entry.get("regex")
            if not isinstance(exclusive, bool):
                raise self._wrong(f"{key}.exclusive", "must be true or false")
            if not isinstance(regex, str):
                raise self._wrong(f"{key}.regex", "is missing" if regex is None else "must be text")
            try:
                yield Namespace(Pattern(regex), exclusive)
            except BadPattern as error:
                raise self._wrong(f"{key}.regex", str(error)) from error


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        names_a_place = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False
    is_plain = url.isascii() and url.isprintable() and " " not in url
    return names_a_place and is_plain and not parts.query and not parts.fragment and "@" not in parts.netloc
