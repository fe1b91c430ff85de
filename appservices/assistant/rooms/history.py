"""What there is to read in a room for the one who asks: only what that person may see ("Room history visibility"), as it is now.

Nothing is kept. It is read from the homeserver for each turn, so what was redacted, expired or opted out is not in the next prompt.
"""

import re
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from appservices.assistant.journal.sources import SourceJournal
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.events import Event, as_object, as_text, plain, read_event
from appservices.assistant.rooms.people import People
from appservices.assistant.runtime import Clock

MOST_EVENTS: Final = 1000
_MOST_PAGES: Final = 20  # of what is looked for by its type
_OF_SIGHT: Final = ("m.room.history_visibility", "m.room.member")
_MOST_GONE: Final = 1000
_LONGEST_NAME: Final = 200
URL: Final = re.compile(r"(?:https?://|matrix:|mxc://)[^\s<>\"'`\]\[{}|\\^]+")
_KINDS: Final = {"m.file": "file", "m.image": "image", "m.audio": "audio", "m.video": "video", "m.location": "location"}


@dataclass(frozen=True)
class Line:
    """One message."""

    event: Event
    name: str  # of the sender
    text: str
    kind: str = "text"
    is_mine: bool = False

    @property
    def urls(self) -> list[str]:
        return find_urls(self.text)


@dataclass
class Sight:
    """What the asker could see at the moments walked through, from now back ("shared" needs that they are joined now, which the walk begins with)."""

    visibility: str
    membership: str = "join"

    @property
    def is_open(self) -> bool:
        if self.visibility in ("world_readable", "shared"):
            return True
        return self.membership == "join" or (self.visibility == "invited" and self.membership == "invite")

    def step_back(self, event: Event, asker: str) -> None:
        before = as_object((event.unsigned or {}).get("prev_content"))
        if event.type == "m.room.history_visibility" and event.state_key == "":
            was_there = "replaces_state" in (event.unsigned or {})  # a server that does not tell what it replaced
            self.visibility = as_text(before.get("history_visibility")) or ("joined" if was_there else "shared")
        elif event.type == "m.room.member" and event.state_key == asker:
            self.membership = as_text(before.get("membership")) or "leave"


@dataclass(frozen=True)
class Wanted:
    """By places in the room, for servers may say of their events that they are of any time."""

    most: int = 100
    oldest: int = 0  # of whatever is older nothing is read
    thread: str | None = None
    since: str | None = None  # what stands after that event
    until: str | None = None  # what stands before that event
    only: str | None = None  # that event and its edits


@dataclass
class Walk:
    wanted: Wanted = field(default_factory=Wanted)
    names: Mapping[str, str] = field(default_factory=dict)
    is_later: bool = False  # not there yet, where the reading begins
    lines: list[Line] = field(default_factory=list)
    newer: dict[str, list[Event]] = field(default_factory=dict)  # edits, newest first
    reached: bool = False  # the place that was looked for
    oldest: int = 0  # what came before is past


class History:
    def __init__(
        self,
        homeserver: Homeserver,
        people: People,
        sources: SourceJournal,
        clock: Clock,
        me: str,
        command: str,
    ) -> None:
        self._homeserver = homeserver
        self._people = people
        self._sources = sources
        self._clock = clock
        self._me = me
        self._commands = (command, "!task", "!meet")
        self._gone: OrderedDict[tuple[str, str], None] = OrderedDict()  # redacted a moment ago, while a turn may have read it already

    def forget(self, room: str, event_id: str) -> None:
        self._gone[room, event_id] = None
        while len(self._gone) > _MOST_GONE:
            self._gone.popitem(last=False)

    def is_gone(self, event: Event) -> bool:
        return (event.room, event.id) in self._gone

    async def read(
        self,
        room: str,
        asker: str,
        *,
        most: int = 100,
        thread: str | None = None,
        since: str | None = None,
        since_ms: int = 0,
        until: Event | None = None,
        only: str | None = None,
    ) -> Walk:
        """The last messages, oldest first: of a thread, after an event or a time, before the event that asked; or that one."""
        walk = Walk(is_later=until is not None)
        if not await self._people.is_joined(room, asker):
            return walk
        sight = Sight(await self._visibility(room))
        lifetime = await self.lifetime(room)
        walk.oldest = self._clock.now_ms() - lifetime if lifetime else 0
        walk.wanted = Wanted(most, max(since_ms, walk.oldest), thread, since, None if until is None else until.id, only)
        walk.names = await self._homeserver.joined_members(room)
        start, read = None, 0
        while read < MOST_EVENTS:
            page = await self._homeserver.messages(room, start)
            chunk = page.get("chunk") or []
            goes_on = await self._look_through(list(_events(room, chunk)), asker, sight, walk)
            read += len(chunk)
            start = page.get("end")
            if not start or not chunk or not goes_on:
                break
        walk.lines = [line for line in reversed(walk.lines) if not self.is_gone(line.event)]  # since it was read
        return walk

    async def _visibility(self, room: str) -> str:
        return as_text((await self._homeserver.state(room, "m.room.history_visibility") or {}).get("history_visibility")) or "shared"

    async def _look_through(self, events: list[Event], asker: str, sight: Sight, walk: Walk) -> bool:
        """Whether there may be more before them."""
        wanted = walk.wanted
        for event in events:
            if event.id == wanted.since:
                walk.reached = True
                return False
            await self._look_at(event, asker, sight, walk)
            if len(walk.lines) >= wanted.most or event.id == wanted.only:
                return False
        times = [event.at for event in events if event.state_key is None]
        return not times or max(times) >= wanted.oldest

    async def _look_at(self, event: Event, asker: str, sight: Sight, walk: Walk) -> None:
        if event.state_key is not None:
            sight.step_back(event, asker)
            return
        if walk.is_later or event.id == walk.wanted.until:
            walk.is_later = event.id != walk.wanted.until
            return
        if not sight.is_open or event.is_redacted or event.at < walk.wanted.oldest:
            return
        if walk.wanted.only not in (None, event.id, event.replaces):
            return
        if await self._people.is_out(event.sender) or (event.sender == self._me and not await self._may_repeat(event, walk.oldest)):
            return
        if event.replaces is not None:
            walk.newer.setdefault(event.replaces, []).append(event)
            return
        if walk.wanted.thread not in (None, event.id, event.thread):
            return
        event = _as_edited(event, walk)
        if (line := self._line(event, walk.names)) is not None:
            walk.lines.append(line)

    async def _may_repeat(self, event: Event, oldest: int) -> bool:
        """An answer of ours says again what others said: not what has expired since, nor what people who opted out said."""
        if event.replaces is not None:
            return True  # decided with what it replaces
        if not self._sources.is_known(event.id):
            return False
        for source in self._sources.of_answer(event.id):
            if source.at < oldest or await self._people.is_out(source.sender):
                return False
        return True

    def _line(self, event: Event, names: Mapping[str, str]) -> Line | None:
        is_mine = event.sender == self._me
        said = as_text(as_object(event.content.get("chat.chatme.turn")).get("key"))
        if (is_mine and not said.startswith("answer")) or event.body.startswith(self._commands):
            return None
        name = shown_name(names.get(event.sender, ""), event.sender)
        if event.type == "m.room.message" and event.body:
            return Line(event, name, event.body, _KINDS.get(event.msgtype, "text"), is_mine)
        return None

    async def one(self, room: str, asker: str, event_id: str) -> Line | None:
        """A single event, where the asker may see it."""
        event = await self.fetch(room, event_id)
        if event is None or event.is_redacted or await self._people.is_out(event.sender):
            return None
        walk = await self.read(room, asker, only=event_id)
        return next(iter(walk.lines), None)

    async def seen(self, room: str, asker: str, kind: str, events: Iterable[str]) -> set[str]:
        """Those of these events, which are of that type, that the asker may see. What lies between is not read, so they may be old."""
        wanted, found, start = set(events), set[str](), None
        if not wanted or not await self._people.is_joined(room, asker):
            return found
        sight = Sight(await self._visibility(room))
        for _ in range(_MOST_PAGES):
            page = await self._homeserver.messages(room, start, kinds=(kind, "m.room.encrypted", *_OF_SIGHT))
            for event in _events(room, page.get("chunk") or ()):
                if event.state_key is not None:
                    sight.step_back(event, asker)
                elif event.id in wanted:
                    wanted.discard(event.id)
                    found |= {event.id} if sight.is_open else set()
            start = page.get("end")
            if not start or not wanted:
                break
        return found

    async def fetch(self, room: str, event_id: str, edit_id: str = "") -> Event | None:
        """As the assistant sees it, to see what it was asked for; as that edit made it."""
        event = await self._fetch(room, event_id)
        edit = await self._fetch(room, edit_id) if event is not None and edit_id else None
        return event if event is None or edit is None else apply_edit(event, edit)

    async def _fetch(self, room: str, event_id: str) -> Event | None:
        found = await self._homeserver.event(room, event_id)
        return read_event({"room_id": room} | found) if found is not None else None

    async def lifetime(self, room: str) -> int:
        """How long messages are kept ("m.room.retention"), in milliseconds; 0: for ever."""
        lifetime = (await self._homeserver.state(room, "m.room.retention") or {}).get("max_lifetime")
        return lifetime if isinstance(lifetime, int) and lifetime > 0 else 0


def _events(room: str, chunk: Iterable[Any]) -> Iterator[Event]:
    for found in chunk:
        event = read_event({"room_id": room} | found) if isinstance(found, dict) else None
        if event is not None:
            yield event


def shown_name(name: str, user: str) -> str:
    """In one line, of a length that names have, and nothing in it that nobody sees."""
    visible = "".join(each if each.isprintable() else " " if each.isspace() else "" for each in name[:_LONGEST_NAME])
    return " ".join(visible.split()) or user


def _as_edited(event: Event, walk: Walk) -> Event:
    edits = [edit for edit in walk.newer.get(event.id, ()) if edit.sender == event.sender]
    content: Any = edits[0].content.get("m.new_content") if edits else None
    if content is None:
        bundled = as_object(as_object((event.unsigned or {}).get("m.relations")).get("m.replace"))
        content = as_object(bundled.get("content")).get("m.new_content")
    return _with_content(event, content)


def apply_edit(event: Event, edit: Event) -> Event:
    """What it says after that, where it is one: of the same sender, and not redacted."""
    return _with_content(event, edit.content.get("m.new_content")) if edit.sender == event.sender and edit.replaces == event.id else event


def _with_content(event: Event, content: Any) -> Event:
    if not isinstance(content, Mapping):
        return event
    kept = {"m.relates_to": event.content["m.relates_to"]} if "m.relates_to" in event.content else {}
    return Event(event.id, event.room, event.sender, event.type, {**content, **kept}, event.at, None, event.unsigned)


def find_urls(text: str) -> list[str]:
    return [url.rstrip(".,;:!?)*_") for url in URL.findall(plain(text) if "<" in text else text)]
