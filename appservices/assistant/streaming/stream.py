"""One answer that grows, and the devices that watch it. Each of them is told what it does not know yet; while that is under way, more gathers."""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from appservices.assistant.runtime import Clock

MOST_WATCHERS: Final = 100
MOST_SECONDS: Final = 300.0  # then a device has to ask again
_PACE_SECONDS: Final = 0.15
_MOST_BYTES: Final = 30_000

Messages = dict[str, dict[str, dict[str, Any]]]
Send = Callable[[str, Messages], Awaitable[None]]  # transaction ID, user to device to content


@dataclass
class Watcher:
    until: float
    seq: int = 0
    told: str | None = None  # nothing yet: needs all of it


class Stream:
    def __init__(self, room: str, event: str, asker: str, clock: Clock, send: Send) -> None:
        self.room = room
        self.event = event
        self._asker = asker
        self._clock = clock
        self._send = send
        self._text: Callable[[], str] = lambda: ""
        self._watchers: dict[tuple[str, str], Watcher] = {}
        self._sending: Deferred[None] | None = None
        self._timer: IDelayedCall | None = None
        self._count = 0
        self._is_over = False

    @property
    def is_watched(self) -> bool:
        """By the one who asked."""
        now = self._clock.monotonic()
        return any(user == self._asker and watcher.until > now for (user, _), watcher in self._watchers.items())

    def knows(self, user: str) -> bool:
        return any(who == user for who, _ in self._watchers)

    @property
    def is_full(self) -> bool:
        now = self._clock.monotonic()
        for gone in [key for key, watcher in self._watchers.items() if watcher.until <= now]:
            del self._watchers[gone]
        return len(self._watchers) >= MOST_WATCHERS

    def watch(self, user: str, device: str, seconds: float, anew: bool) -> None:
        until = self._clock.monotonic() + min(seconds, MOST_SECONDS)
        known = self._watchers.setdefault((user, device), Watcher(until))
        known.until = until
        if anew:
            known.told = None
        self._consider()

    def leave(self, user: str) -> None:
        for key in [key for key in self._watchers if key[0] == user]:
            del self._watchers[key]

    def tell(self, text: Callable[[], str]) -> None:
        """There is more; what it is, is asked when it is sent."""
        self._text = text
        self._consider()

    def close(self) -> None:
        self._is_over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        if self._sending is not None:
            self._sending.cancel()

    def _consider(self) -> None:
        if not self._is_over and self._watchers and self._sending is None and self._timer is None and (messages := self._news()):
            self._count += 1
            txn = "cs" + hashlib.sha256(f"{self.event}\n{self._count}".encode()).hexdigest()[:40]
            sending = self._sending = Deferred.fromCoroutine(self._tell(txn, messages))
            sending.addBoth(self._told)

    async def _tell(self, txn: str, messages: Messages) -> None:
        await self._send(txn, messages)

    def _told(self, _: object) -> None:
        """Or not: it is a hint, and the last edit says it all."""
        self._sending = None
        if not self._is_over:
            self._timer = self._clock.call_later(_PACE_SECONDS, self._wake)

    def _wake(self) -> None:
        self._timer = None
        self._consider()

    def _news(self) -> Messages:
        text, now, messages = self._text().encode()[:_MOST_BYTES].decode("utf-8", "ignore"), self._clock.monotonic(), Messages()
        for (user, device), watcher in self._watchers.items():
            if watcher.until <= now or watcher.told == text:
                continue
            is_more = watcher.told is not None and text.startswith(watcher.told)
            body = text[len(watcher.told or "") :] if is_more else text
            watcher.seq, watcher.told = watcher.seq + 1, text
            content = {"room_id": self.room, "event_id": self.event, "seq": watcher.seq, "op": "append" if is_more else "replace"}
            messages.setdefault(user, {})[device] = content | {"content": {"body": body}}
        return messages
