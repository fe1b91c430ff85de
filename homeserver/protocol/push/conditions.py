"""Conditions of push rules, compiled (client-server API, "Conditions"; appendices, "Dot-separated property paths")."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from homeserver.protocol.auth_rules import PowerLevels, may_notify
from homeserver.protocol.errors import NotAuthorised
from homeserver.protocol.push.glob import MAX_PATTERN, Glob, Text

BODY = ("content", "body")
ROOM_ID = ("room_id",)
SENDER = ("sender",)
MAX_PATH = 64  # properties
MAX_COUNT_DIGITS = 15
_ABSENT = object()
_OPERATORS = ("==", "<=", ">=", "<", ">")

Path = tuple[str, ...]


class Occasion:
    """An event as push rules see it, and how the room was when it came. Texts are prepared once, for all users' rules."""

    __slots__ = ("_event", "_texts", "levels", "member_count")

    def __init__(self, event: Mapping[str, Any], member_count: int, levels: PowerLevels | None) -> None:
        """`event` as clients get it; `levels` None: nothing is known of them, so nobody may call the room."""
        self._event = event
        self._texts: dict[Path, Text | None] = {}
        self.member_count = member_count
        self.levels = levels

    @property
    def sender(self) -> str:
        return str(self._event["sender"])

    def value(self, path: Path) -> Any:
        """What is there; `_ABSENT` is nothing that a rule can name."""
        value: Any = self._event
        for name in path:
            if not isinstance(value, dict) or name not in value:
                return _ABSENT
            value = value[name]
        return value

    def text(self, path: Path) -> Text | None:
        """The string there."""
        try:
            return self._texts[path]
        except KeyError:
            value = self.value(path)
            text = self._texts[path] = Text(value) if isinstance(value, str) else None
            return text


class Known(NamedTuple):
    """What is known of an event before it comes: its room, and if a type is named, that it is no state event."""

    room_id: str
    type: str | None = None

    def value(self, path: Path) -> str | None:
        if path == ROOM_ID:
            return self.room_id
        return self.type if path == ("type",) else None

    def is_absent(self, path: Path) -> bool:
        return self.type is not None and path[:1] == ("state_key",)


class Condition(Protocol):
    """Compared by value."""

    def holds(self, occasion: Occasion, display_name: str | None) -> bool: ...

    def settled(self, known: Known) -> bool | None:
        """What it says of every such event; None: that depends."""


class Matches(NamedTuple):
    path: Path
    glob: Glob

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        text = occasion.text(self.path)
        if text is None:
            return False
        return self.glob.matches_words(text) if self.path == BODY else self.glob.matches(text)

    def settled(self, known: Known) -> bool | None:
        if known.is_absent(self.path):
            return False
        value = known.value(self.path)
        return None if value is None else self.glob.matches(Text(value))


class Is(NamedTuple):
    path: Path
    value: Any
    type: type

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        found = occasion.value(self.path)
        return type(found) is self.type and found == self.value

    def settled(self, known: Known) -> bool | None:
        if known.is_absent(self.path):
            return False
        value = known.value(self.path)
        return None if value is None else value == self.value


class Contains(NamedTuple):
    path: Path
    value: Any
    type: type

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        found = occasion.value(self.path)
        return isinstance(found, list) and any(type(item) is self.type and item == self.value for item in found)

    def settled(self, known: Known) -> bool | None:
        return False if known.is_absent(self.path) or known.value(self.path) is not None else None


class NamesReader:
    """`contains_display_name`."""

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        text = occasion.text(BODY)
        if text is None or not display_name or len(display_name) > MAX_PATTERN:
            return False
        return Glob(display_name, literal=True).matches_words(text)

    def settled(self, known: Known) -> bool | None:
        return None


class MemberCount(NamedTuple):
    operator: str
    number: int

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        found = occasion.member_count
        match self.operator:
            case "<":
                return found < self.number
            case ">":
                return found > self.number
            case "<=":
                return found <= self.number
            case ">=":
                return found >= self.number
            case _:
                return found == self.number

    def settled(self, known: Known) -> bool | None:
        return None


class SenderMayNotify(NamedTuple):
    key: str

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        if occasion.levels is None:
            return False
        try:
            return may_notify(occasion.levels, occasion.sender, self.key)
        except NotAuthorised:  # what is there in place of a level is none
            return False

    def settled(self, known: Known) -> bool | None:
        return None


class SentBy(NamedTuple):
    """One of these sent it. No condition of the specification: it stands for whom a user ignores."""

    users: frozenset[str]

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        return occasion.sender in self.users

    def settled(self, known: Known) -> bool | None:
        return None


class Never:
    """What nobody knows, or what makes no sense."""

    def holds(self, occasion: Occasion, display_name: str | None) -> bool:
        return False

    def settled(self, known: Known) -> bool | None:
        return False


def compile_condition(condition: Any) -> Condition:
    """A condition that is unknown or malformed never holds."""
    if not isinstance(condition, dict):
        return Never()
    key = condition.get("key")
    path = path_of(key) if isinstance(key, str) else None
    match condition.get("kind"):
        case "event_match":
            return event_match(path, condition.get("pattern"))
        case "event_property_is" if path is not None and _is_plain(condition.get("value", _ABSENT)):
            return Is(path, condition["value"], type(condition["value"]))
        case "event_property_contains" if path is not None and _is_plain(condition.get("value", _ABSENT)):
            return Contains(path, condition["value"], type(condition["value"]))
        case "contains_display_name":
            return NamesReader()
        case "room_member_count":
            return _member_count(condition.get("is"))
        case "sender_notification_permission" if isinstance(key, str):
            return SenderMayNotify(key)
        case _:
            return Never()


def event_match(path: Path | None, pattern: Any) -> Condition:
    if path is None or not isinstance(pattern, str) or len(pattern) > MAX_PATTERN:
        return Never()
    return Matches(path, Glob(pattern))


def path_of(key: str) -> Path | None:
    """The names of a dot-separated path; None for one too long to be a property's."""
    names = [""]
    position = 0
    while position < len(key):
        character = key[position]
        if character == "\\" and key[position + 1 : position + 2] in (".", "\\"):
            position += 1
            names[-1] += key[position]
        elif character == ".":
            names.append("")
        else:
            names[-1] += character
        position += 1
    return tuple(names) if len(names) <= MAX_PATH else None


def _is_plain(value: Any) -> bool:
    return value is None or type(value) in (str, int, bool)


def _member_count(text: Any) -> Condition:
    if not isinstance(text, str):
        return Never()
    operator = next((sign for sign in _OPERATORS if text.startswith(sign)), "")
    digits = text[len(operator) :]
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_COUNT_DIGITS):
        return Never()
    return MemberCount(operator or "==", int(digits))
