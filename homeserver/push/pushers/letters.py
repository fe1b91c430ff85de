"""What waits to be told to one person by e-mail: gathered for a while, left out if it was read meanwhile, and not too often."""

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from config.outgoing import Mail
from homeserver.errors import Unavailable
from homeserver.mail.letter import Letter, Postman
from homeserver.mail.texts import Html, Plain, Texts
from homeserver.push.pushers.line import LONGEST_PAUSE_S, STALE_MS, Means, Waiting
from homeserver.push.pushers.store import Progress, Pusher
from homeserver.rooms.store import REDACTED, StoredEvent

UNSUBSCRIBE_PATH = "/_matrix/chatme/email/unsubscribe"
MAX_EVENTS = 50  # in one letter, and the newest of them
SHOWN_CHARACTERS = 300  # of one message


class Post(NamedTuple):
    """What all letters share."""

    settings: Mail
    postman: Postman
    texts: Texts
    public_base_url: str


class LetterLine:
    """Like `Line`, for a pusher of the kind email."""

    _log = Logger()

    def __init__(self, pusher: Pusher, start: int, means: Means, post: Post) -> None:
        self.pusher = pusher
        self.start = start
        self._means = means
        self._post = post
        self._waiting: deque[Waiting] = deque()
        self._first = start  # what was told
        self._sent_ts = pusher.sent_ts or 0
        self._timer: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._stopped = False

    @property
    def behind(self) -> Progress | None:
        return Progress(self.pusher.key, self._first) if self._waiting else None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, waiting: Waiting) -> None:
        if not self._waiting:
            self._first = waiting.position - 1
        self._waiting.append(waiting)
        if len(self._waiting) > MAX_EVENTS:
            self._waiting.popleft()
        if self._timer is None and self._running is None and not self._stopped:
            self._wait()

    def counts_may_have_fallen(self) -> None:
        """What was read is left out when the time has come."""

    async def stop(self) -> None:
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running is not None:
            await self._running

    def _wait(self, least: float = 0.0) -> None:
        settings, now_ms = self._post.settings, self._means.clock.now_ms()
        again = (self._sent_ts - now_ms) / 1000 + settings.notify_every_seconds
        self._timer = self._means.clock.call_later(max(settings.notify_after_seconds, again, least), self._due)

    def _due(self) -> None:
        self._timer = None
        running = self._running = Deferred.fromCoroutine(self._run())
        if running.called:
            self._running = None

    async def _run(self) -> None:
        waiting = list(self._waiting)
        try:
            events = await self._unread(waiting)
            if events:
                await self._post.postman.send(await self._letter(events))
                self._sent_ts = self._means.clock.now_ms()
            for _ in waiting:
                if self._waiting and self._waiting[0] in waiting:
                    self._waiting.popleft()
            await self._means.store.told(Progress(self.pusher.key, waiting[-1].position), self._sent_ts)
            self._first = waiting[-1].position
        except Unavailable:
            self._wait_again()
        except Exception:
            self._log.failure("a letter to {user} could not be written", user=self.pusher.key.user_id)
            self._wait_again()
        else:
            if self._waiting and not self._stopped:
                self._wait()
        finally:
            self._running = None

    def _wait_again(self) -> None:
        if not self._stopped:
            self._wait(LONGEST_PAUSE_S)

    async def _unread(self, waiting: Sequence[Waiting]) -> list[StoredEvent]:
        """Of each room as many of the newest as are unread there."""
        stale = self._means.clock.now_ms() - STALE_MS
        rooms: dict[str, list[StoredEvent]] = {}
        for each in waiting:
            event = await self._means.event(each.event_id) if each.ts > stale else None
            if event is not None and not event.flags & REDACTED:
                rooms.setdefault(event.room_id, []).append(event)
        found = []
        for room_id, events in rooms.items():
            unread = await self._means.badges.unread_in(self.pusher.key.user_id, room_id)
            found += events[-unread:] if unread else [event for event in events if event.state_key == self.pusher.key.user_id]
        return found

    async def _letter(self, events: Sequence[StoredEvent]) -> Letter:
        rooms: dict[str, list[StoredEvent]] = {}
        for event in events:
            rooms.setdefault(event.room_id, []).append(event)
        texts, plain, html = self._post.texts, [], []
        for room_id, said in rooms.items():
            name = await self._means.words.room(room_id, self.pusher.key.user_id) or "A room"
            lines = [{"sender": await self._means.words.sender(event), "text": text_of(event)} for event in said]
            known: dict[str, Any] = {"room": name}
            plain.append(
                texts.plain("news_room", {**known, "messages": Plain("".join(texts.plain("news_message", line) for line in lines))})
            )
            html.append(texts.html("news_room", {**known, "messages": Html("".join(texts.html("news_message", line) for line in lines))}))
        link = f"{self._post.public_base_url.rstrip('/')}{UNSUBSCRIBE_PATH}?{urlencode({'token': self.pusher.unsubscribe or ''})}"
        count = f"{len(events)} unread message{'s' if len(events) > 1 else ''}"
        return texts.letter(
            "news",
            self.pusher.key.pushkey,
            unsubscribe=link,
            link=link,
            count=count,
            rooms=Plain("\n".join(plain)),
            rooms_html=Html("".join(html)),
        )


def text_of(event: StoredEvent) -> str:
    """What a letter shows of an event."""
    if event.type == "m.room.encrypted":
        return "sent an encrypted message"
    if event.type == "m.room.member":
        return "invited you"
    body = event.content.get("body")
    if event.type != "m.room.message" or not isinstance(body, str):
        return "sent something that does not fit into a letter"
    return body if len(body) <= SHOWN_CHARACTERS else body[:SHOWN_CHARACTERS] + "…"
