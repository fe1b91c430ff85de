"""An answer that grows by edits, slower and slower: each edit is an event that the room keeps, so there are at most 20 of a message.

Where the asker's own client watches it grow (`streaming/`), the room is spared the edits but the last."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall

from appservices.assistant.matrix.contents import Content, notice, replacing
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.runtime import Clock
from appservices.assistant.safety.guard import whole_words
from appservices.assistant.streaming.publish import Publisher
from appservices.assistant.streaming.stream import Stream

if TYPE_CHECKING:
    from appservices.assistant.delivery.voice import Voice

_log = logging.getLogger(__name__)

MOST: Final = 20  # messages of one answer: the first, its edits, the last edit
_PART_BYTES: Final = 10_000
_FIRST_SECONDS: Final = 0.5
_SLOWEST_SECONDS: Final = 5.0
_RAMP: Final = 1.3
_FIRST_GROWTH: Final = 48  # characters
_MOST_GROWTH: Final = 240


@dataclass(frozen=True)
class Audience:
    """Who looks on: by a stream, by edits, or nobody."""

    publisher: Publisher
    room: str
    asker: str
    descriptor: Mapping[str, Any] = field(default_factory=dict)
    is_away: bool = False


class Growing:
    def __init__(
        self,
        voice: "Voice",
        clock: Clock,
        clean: Callable[[str], str],
        key: str,
        typing: Callable[[bool], Awaitable[None]],
        audience: Audience,
    ) -> None:
        self._audience = audience
        self._stream: Stream | None = None
        self._voice = voice
        self._clock = clock
        self._clean = clean
        self._key = key
        self._typing = typing
        known = voice.earlier(key)
        self._event: str | None = None if known is None else known[0]
        self._text = ""
        self._shown = 0
        self._sends = 0 if known is None else MOST - 1  # an earlier life may have used them all: only the last edit is left
        self._wait = _FIRST_SECONDS
        self._growth = float(_FIRST_GROWTH)
        self._next = clock.monotonic() + _FIRST_SECONDS
        self._timer: IDelayedCall | None = None
        self._sending: Deferred[None] | None = None
        self._is_over = False
        Deferred.fromCoroutine(_quietly(typing(True)))

    def hear(self, text: str) -> None:
        self._text = text
        if self._stream is not None:
            self._stream.tell(self._shown_text)
        self._consider()

    def _shown_text(self) -> str:
        return self._clean(whole_words(self._text))

    def _consider(self) -> None:
        if self._audience.is_away or (self._stream is not None and self._stream.is_watched):
            return
        if self._is_over or self._sending is not None or self._timer is not None or self._sends >= MOST - 1:
            return
        if len(self._text) - self._shown < self._growth:
            return
        wait = self._next - self._clock.monotonic()
        if wait > 0:
            self._timer = self._clock.call_later(wait, self._wake)
        else:
            sending = Deferred.fromCoroutine(self._show())
            if not sending.called:
                self._sending = sending
                self._voice.goes_on(sending)

    def _wake(self) -> None:
        self._timer = None
        self._consider()

    async def _show(self) -> None:
        self._shown = len(self._text)
        try:
            shown = self._shown_text().encode()[:_PART_BYTES].decode("utf-8", "ignore")
            if shown:
                await self._put(notice(f"{shown} …") | dict(self._audience.descriptor), f"{self._key}/{self._sends}")
                self._open()
        except (Refused, Unreachable, CancelledError) as error:
            _log.warning("a partial answer could not be shown: %s", type(error).__name__)
        finally:
            self._wait = min(self._wait * _RAMP, _SLOWEST_SECONDS)
            self._growth = min(self._growth * _RAMP, _MOST_GROWTH)
            self._next = self._clock.monotonic() + self._wait
            self._sending = None
        self._clock.call_later(0, self._consider)

    def _open(self) -> None:
        if self._audience.descriptor and self._stream is None and self._event is not None and not self._is_over:
            self._stream = self._audience.publisher.open(self._audience.room, self._event, self._audience.asker)

    async def _put(self, content: Content, edit_key: str, ends: str = "") -> None:
        self._sends += 1
        if self._event is None:
            self._event = await self._voice.send(self._voice.threaded(content), self._key, ends=ends)
        else:
            await self._voice.send(replacing(content, self._event), edit_key, ends=ends)

    async def finish(self, text: str, label: str = "") -> None:
        from appservices.assistant.delivery.voice import split

        await self._end()
        whole = self._clean(text)
        if label:
            whole = f"{whole}\n\n({label})" if whole else f"({label})"
        parts = split(whole or "(The model gave no answer.)", _PART_BYTES)
        await self._put(notice(parts[0]), f"{self._key}/final", ends=self._key)
        if len(parts) > 1:
            await self._voice.rest_of(parts, whole, self._key)

    def let_go(self) -> None:
        """No more of it is shown, nor told to those who watch."""
        self._is_over = True
        if self._stream is not None:
            self._audience.publisher.close(self._stream)
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    async def _end(self) -> None:
        self.let_go()
        if self._sending is not None:
            await self._sending
        await _quietly(self._typing(False))


async def _quietly(hint: Awaitable[None]) -> None:
    """Typing is a hint."""
    await hint
