"""Edits: first quick, then slower, never more than twenty; the last one says it all."""

import itertools
from collections.abc import Callable, Mapping
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from appservices.assistant.delivery.grow import MOST, Audience, Growing
from appservices.assistant.delivery.voice import Voice
from appservices.assistant.streaming.publish import Publisher


class Ticking:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.clock = Clock()

    def now_ms(self) -> int:
        return int(self.clock.seconds() * 1000)

    def monotonic(self) -> float:
        return float(self.clock.seconds())

    def call_later(self, seconds: float, call: Callable[..., Any], *args: Any) -> IDelayedCall:
        return self.clock.callLater(seconds, call, *args)

    def sleep(self, seconds: float) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.clock.callLater(seconds, done.callback, None)
        return done


class Listening:
    """A voice that keeps what it was given."""

    def __init__(self, clock: Ticking) -> None:
        self.clock = clock
        self.said: list[tuple[float, Mapping[str, Any]]] = []

    def earlier(self, key: str) -> None:
        return None

    def threaded(self, content: Mapping[str, Any]) -> Mapping[str, Any]:
        return content

    async def send(self, content: Mapping[str, Any], key: str, kind: str = "m.room.message", *, ends: str = "") -> str:
        self.said.append((self.clock.monotonic(), content))
        return "$first"

    async def rest_of(self, parts: list[str], text: str, key: str) -> None:
        self.said.append((self.clock.monotonic(), {"parts": len(parts)}))


async def hushed(_: bool) -> None:
    """Nobody is told that somebody types."""


def growing(clock: Ticking, voice: Listening) -> Growing:
    audience = Audience(cast(Publisher, None), "!r", "@bob:test")
    return Growing(cast(Voice, voice), clock, lambda text: text, "answer", hushed, audience)


def test_an_hour_of_talk_is_twenty_messages() -> None:
    clock = Ticking()
    voice = Listening(clock)
    grows = growing(clock, voice)
    for second in range(36_000):
        grows.hear("some words " * (second + 1))
        clock.clock.advance(0.1)
    Deferred.fromCoroutine(grows.finish("all of it"))
    assert len(voice.said) == MOST == 20
    assert voice.said[-1][1]["m.new_content"]["body"] == "all of it"
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(voice.said[:-1])]
    assert all(later >= earlier - 0.11 for earlier, later in itertools.pairwise(gaps))
    assert gaps[0] < 1.0
    assert 4.5 < gaps[-1] < 5.5


def test_a_trickle_is_not_an_edit_for_each_word() -> None:
    clock = Ticking()
    voice = Listening(clock)
    grows = growing(clock, voice)
    for count in range(60):
        grows.hear("word " * count)  # five characters a second
        clock.clock.advance(1.0)
    Deferred.fromCoroutine(grows.finish("done"))
    assert len(voice.said) <= 8


def test_a_short_answer_is_one_message() -> None:
    clock = Ticking()
    voice = Listening(clock)
    grows = growing(clock, voice)
    grows.hear("Yes.")
    Deferred.fromCoroutine(grows.finish("Yes."))
    assert [content["body"] for _, content in voice.said] == ["Yes."]
