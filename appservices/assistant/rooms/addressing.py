"""When the assistant is spoken to: a mention, a reply to it, a direct message, a command, a reaction. Never plain chatter.

Notices, its own messages and other bots set nothing off. A sender that answers at once, again and again, is taken for a bot too.
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final, TypeVar

from appservices.assistant.journal.rooms import RoomRecord
from appservices.assistant.journal.turns import TurnJournal
from appservices.assistant.matrix.events import Event
from appservices.assistant.runtime import Clock
from appservices.assistant.settings import Settings

_LOOP_TURNS: Final = 3
_LOOP_MS: Final = 3000  # no person reads an answer and writes one in this time
_QUIET_SECONDS: Final = 3600.0
_MOST: Final = 5000
SPOKEN: Final = ("m.text", "m.emote", "m.file", "m.image")
T = TypeVar("T")


@dataclass(frozen=True)
class Asked:
    verb: str  # nothing: an answer is wanted
    words: str


def words_of(event: Event, settings: Settings) -> str:
    """What was said, without the name of whom it was said to."""
    text = event.body.strip()
    for name in (settings.user_id, f"@{settings.display_name}", settings.display_name):
        if text.lower().startswith(name.lower()):
            return text[len(name) :].lstrip(" :,\u00a0")
    return text


class Addressing:
    def __init__(self, settings: Settings, journal: TurnJournal, clock: Clock, verbs: frozenset[str]) -> None:
        self._settings = settings
        self._journal = journal
        self._clock = clock
        self._verbs = verbs
        self._answered: OrderedDict[tuple[str, str], int] = OrderedDict()  # when we last answered whom
        self._hasty: OrderedDict[tuple[str, str], int] = OrderedDict()  # how often in a row they were too quick for a person
        self._quiet: OrderedDict[tuple[str, str], float] = OrderedDict()

    def command(self, event: Event) -> Asked | None:
        """`!ai verb words`, or `!verb words` for those that people know by themselves."""
        text = event.body.strip()
        prefix = self._settings.command
        if text == prefix or text.startswith(prefix + " "):
            verb, _, words = text[len(prefix) :].strip().partition(" ")
            if verb.lower() in self._verbs:
                return Asked(verb.lower(), words.strip())
            return Asked("", text[len(prefix) :].strip()) if verb else Asked("help", "")
        verb, _, words = text.partition(" ")
        if verb in ("!task", "!tasks", "!meet"):
            return Asked(verb[1:], words.strip())
        return None

    def words(self, event: Event) -> Asked:
        """What it asks for, given that it does."""
        found = self.command(event)
        if found is not None:
            return found
        words = words_of(event, self._settings)
        verb, _, rest = words.partition(" ")
        verb = verb.lower().rstrip(":")
        return Asked(verb, rest.strip()) if verb in self._verbs and len(rest) < 200 else Asked("", words)

    def asked(self, event: Event, room: RoomRecord) -> Asked | None:
        if not self._is_person(event):
            return None
        if self.command(event) is None and not self._is_for_me(event, room):
            return None
        return self.words(event) if self._is_no_loop(event) else None

    def _is_person(self, event: Event) -> bool:
        if event.sender == self._settings.user_id or event.sender in self._settings.other_bots:
            return False
        limit = event.content.get("m.bounce_limit", event.content.get("org.matrix.msc4295.bounce_limit"))
        return event.msgtype in SPOKEN and not (isinstance(limit, int) and limit <= 0)

    def _is_for_me(self, event: Event, room: RoomRecord) -> bool:
        if room.is_direct or event.mentions(self._settings.user_id):
            return True
        replied = event.replies_to
        return replied is not None and self._journal.turn_that_said(replied) is not None

    def _is_no_loop(self, event: Event) -> bool:
        who = (event.room, event.sender)
        if self._quiet.get(who, 0.0) > self._clock.monotonic():
            return False
        answered = self._answered.pop(who, None)
        is_hasty = answered is not None and self._clock.now_ms() - answered < _LOOP_MS and self.command(event) is None
        count = self._hasty.get(who, 0) + 1 if is_hasty else 0
        _keep(self._hasty, who, count)
        if count >= _LOOP_TURNS:
            _keep(self._quiet, who, self._clock.monotonic() + _QUIET_SECONDS)
            return False
        return True

    def answered(self, room: str, user: str) -> None:
        _keep(self._answered, (room, user), self._clock.now_ms())


def _keep(table: OrderedDict[tuple[str, str], T], key: tuple[str, str], value: T) -> None:
    table[key] = value
    table.move_to_end(key)
    while len(table) > _MOST:
        table.popitem(last=False)
