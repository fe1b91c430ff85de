"""What is said in one turn. Every message has a transaction ID that follows from the turn and its place in it, and says so in its content: so what was
sent before a crash is found again, by the homeserver or in the room, and nothing is said twice."""

import hashlib
from collections.abc import Callable, Mapping
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred

from appservices.assistant.delivery.grow import Audience, Growing
from appservices.assistant.journal.turns import TurnJournal
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.contents import Content, in_reply, in_thread, notice
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.runtime import Clock

MARK: Final = "chat.chatme.turn"
_PART_BYTES: Final = 10_000  # an edit holds it four times, an event 65,536 bytes
_MOST_PARTS: Final = 4
_LOOK_BACK: Final = 5

Send = Callable[[str, str, Mapping[str, Any], str], Any]


class Voice:
    def __init__(
        self,
        homeserver: Homeserver,
        journal: TurnJournal,
        clock: Clock,
        me: str,
        turn_id: str,
        room: str,
        root: str,
        reply_to: str,
        asked_at: int,
    ) -> None:
        self._homeserver = homeserver
        self._journal = journal
        self._clock = clock
        self._me = me
        self._turn_id = turn_id
        self._room = room
        self._root = root
        self._reply_to = reply_to
        self._asked_at = asked_at
        self._said: dict[str, tuple[str, Mapping[str, Any]]] = {}  # key to what an earlier life said
        self._beside: Deferred[None] | None = None
        self._growing: Growing | None = None
        self.is_closed = False  # what asked is gone

    def close(self) -> None:
        self.is_closed = True

    def goes_on(self, work: Deferred[None]) -> None:
        """Something is being said beside the turn, which does not end with it."""
        self._beside = work

    async def fall_silent(self) -> None:
        """Until nothing is on its way any more."""
        if self._beside is not None:
            await self._beside

    def txn(self, key: str) -> str:
        return "ca" + hashlib.sha256(f"{self._turn_id}\n{key}".encode()).hexdigest()[:40]

    @property
    def mark(self) -> str:
        return mark_of(self._turn_id)

    async def remember(self) -> None:
        """What was said of this turn before, as the room has it."""
        start = None
        for _ in range(_LOOK_BACK):
            page = await self._homeserver.messages(self._room, start)
            chunk = page.get("chunk") or []
            for event in chunk:
                marked = as_object(as_object(event.get("content")).get(MARK))
                if event.get("sender") == self._me and marked.get("id") == self.mark:
                    self._said[as_text(marked.get("key"))] = (str(event["event_id"]), event["content"])
            start = page.get("end")
            if not start or not chunk or chunk[-1].get("origin_server_ts", 0) < self._asked_at - 60_000:
                return

    def all_said(self) -> list[tuple[str, str]]:
        return [(event_id, key) for key, (event_id, _) in self._said.items()]

    def earlier(self, key: str) -> tuple[str, Mapping[str, Any]] | None:
        return self._said.get(key)

    def is_final(self, key: str) -> bool:
        """Whether an earlier life said all of that."""
        return any(as_object(said.get(MARK)).get("final") == key for _, said in self._said.values())

    async def send(self, content: Mapping[str, Any], key: str, kind: str = "m.room.message", *, ends: str = "") -> str:
        if self.is_closed:
            raise CancelledError
        if (known := self._said.get(key)) is not None:
            self._journal.say(known[0], self._room, self._turn_id, self._clock.now_ms())
            return known[0]
        marked = dict(content) | {MARK: {"id": self.mark, "key": key} | ({"final": ends} if ends else {})}
        if "m.new_content" in marked:
            marked["m.new_content"] = dict(marked["m.new_content"]) | {MARK: marked[MARK]}
        event_id = await self._homeserver.send(self._room, kind, marked, self.txn(key))
        self._journal.say(event_id, self._room, self._turn_id, self._clock.now_ms())
        return event_id

    async def say(self, text: str, key: str = "answer", *, mentions: tuple[str, ...] = (), extra: Mapping[str, Any] | None = None) -> str:
        """In the thread; a long text in parts, a very long one as a file."""
        parts = split(text, _PART_BYTES)
        if len(parts) > _MOST_PARTS:
            first = await self.send(self._threaded(notice(parts[0] + "\n\n(The whole is attached.)", mentions=mentions, extra=extra)), key)
            await self._attach(text, key)
            return first
        first = await self.send(self._threaded(notice(parts[0], mentions=mentions, extra=extra)), key)
        for number, part in enumerate(parts[1:], 2):
            await self.send(self._threaded(notice(part)), f"{key}/part{number}")
        return first

    async def say_plainly(self, content: Content, key: str, kind: str = "m.room.message") -> str:
        """In the room itself."""
        return await self.send(content, key, kind)

    def grow(self, clean: Callable[[str], str], audience: Audience, key: str = "answer") -> Growing:
        self._growing = Growing(self, self._clock, clean, key, self._typing, audience)
        return self._growing

    def grow_no_more(self) -> None:
        """The turn is over, however it ended."""
        if self._growing is not None:
            self._growing.let_go()

    async def rest_of(self, parts: list[str], text: str, key: str) -> None:
        """What follows a first part that was edited into place."""
        if len(parts) > _MOST_PARTS:
            await self._attach(text, key)
            return
        for number, part in enumerate(parts[1:], 2):
            await self.send(self._threaded(notice(part)), f"{key}/part{number}")

    async def take_back(self, event_id: str, key: str) -> None:
        await self._homeserver.redact(self._room, event_id, self.txn(f"{key}/redact"))

    async def attach(self, data: bytes, name: str, kind: str, key: str, extra: Mapping[str, Any] | None = None) -> str:
        if (known := self._said.get(key)) is not None:
            return known[0]
        where = await self._homeserver.upload(self._room, data, kind, name)
        content = {"msgtype": "m.file", "body": name, "filename": name, "info": {"mimetype": kind, "size": len(data)}} | where
        return await self.send(self._threaded(content | dict(extra or {})), key)

    async def _attach(self, text: str, key: str) -> None:
        await self.attach(text.encode(), "answer.md", "text/markdown", f"{key}/file")

    async def _typing(self, is_typing: bool) -> None:
        await self._homeserver.typing(self._room, self._me, is_typing)

    def _threaded(self, content: Content) -> Content:
        return in_thread(content, self._root, self._reply_to) if self._root else in_reply(content, self._reply_to)

    def threaded(self, content: Content) -> Content:
        return self._threaded(content)


def mark_of(turn_id: str) -> str:
    """What its messages bear."""
    return hashlib.sha256(turn_id.encode()).hexdigest()[:24]


def split(text: str, most: int) -> list[str]:
    """At paragraphs, else lines, else words, else anywhere; no part above that many bytes."""
    parts, rest = [], text
    while len(rest.encode()) > most:
        window = rest.encode()[:most].decode("utf-8", "ignore")
        cut = max(window.rfind("\n\n"), 0) or max(window.rfind("\n"), 0) or max(window.rfind(" "), 0) or len(window)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip("\n ")
    return [*parts, rest] if rest or not parts else parts
