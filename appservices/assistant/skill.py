"""What a skill is: a name, the words that call it, and `run(turn)`. A turn is one request of one person, with all that may be used to answer it."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Protocol

import orjson
from twisted.internet.defer import CancelledError, Deferred

from appservices.assistant.classify.classifier import Classifier
from appservices.assistant.delivery.grow import Audience, Growing
from appservices.assistant.delivery.voice import Voice
from appservices.assistant.journal.rooms import RoomRecord
from appservices.assistant.journal.sources import Source, SourceJournal
from appservices.assistant.journal.things import ThingJournal
from appservices.assistant.journal.turns import TurnRecord
from appservices.assistant.language.ask import Language
from appservices.assistant.language.trouble import TROUBLES, OptedOut, explain
from appservices.assistant.language.words import Prompt, Reply
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.events import Event
from appservices.assistant.rooms.consent import Consent
from appservices.assistant.rooms.history import History, Line
from appservices.assistant.rooms.markers import Markers
from appservices.assistant.rooms.people import People
from appservices.assistant.runtime import Clock
from appservices.assistant.safety.approvals import Approvals
from appservices.assistant.safety.framing import Material, build
from appservices.assistant.safety.guard import Guard
from appservices.assistant.settings import Settings
from appservices.assistant.streaming.publish import Publisher

_JUST_NOW_MS: Final = 30_000


@dataclass(frozen=True)
class Kit:
    """What skills work with."""

    settings: Settings
    homeserver: Homeserver
    clock: Clock
    consent: Consent
    people: People
    publisher: Publisher
    history: History
    markers: Markers
    language: Language
    things: ThingJournal
    sources: SourceJournal
    approvals: Approvals
    guard: Guard
    classifier: Classifier


class Stopped(Exception):
    """The asker wants no more of it."""


@dataclass
class Turn:
    record: TurnRecord
    event: Event  # by which it was asked for
    words: str
    room: RoomRecord
    kit: Kit
    voice: Voice
    skill: str  # its name
    asking: Deferred[Reply] | None = None
    is_stopped: bool = False
    heard: str = ""
    about: str = ""  # what it is about, where that is not the request itself
    replies: dict[bytes, Reply] = field(default_factory=dict)  # to questions of this turn that could not be said yet

    @property
    def asker(self) -> str:
        return self.record.sender

    @property
    def verb(self) -> str:
        return self.record.skill

    def stop(self) -> None:
        self.is_stopped = True
        if self.asking is not None:
            self.asking.cancel()

    def draw_on(self, lines: Iterable[Line]) -> None:
        """What is said from now on may repeat these: when they go, it goes."""
        sources: list[Source] = []
        for line in lines:
            sources.append(Source(line.event.id, line.event.sender, line.event.at))
            if line.is_mine:
                sources += self.kit.sources.of_answer(line.event.id)
        self.kit.sources.note(self.record.id, self.record.room, sources)

    def prompt(self, task: str, material: Material, request: str, more: Iterable[str] = ()) -> list[dict[str, Any]]:
        material.lines = [line for line in material.lines if not self.kit.history.is_gone(line.event)]
        self.draw_on(material.lines)
        return build(task, material, request, self.asker, more)

    async def consult(self, messages: list[dict[str, Any]]) -> str | None:
        """What the model says to that; None where it says nothing, which the asker is told."""
        try:
            return (await self.ask(messages)).text
        except Stopped:
            return None
        except TROUBLES as error:
            await self.voice.say(explain(error))
            return None

    async def ask(
        self, messages: list[dict[str, Any]], *, tools: Sequence[Mapping[str, Any]] = (), hear: Callable[[str], None] | None = None
    ) -> Reply:
        """The model, on the asker's account. Raises Stopped, OptedOut, and what `Language.ask` raises."""

        def listen(text: str) -> None:
            self.heard = text
            if hear is not None:
                hear(text)

        await self._check_wanted()
        self.heard = ""
        question_id = hashlib.sha256(orjson.dumps([messages, list(tools)])).digest()
        if (known := self.replies.get(question_id)) is not None:
            listen(known.text)
            return known
        reply = await self._put(Prompt(messages, list(tools), self.kit.settings.model.answer_tokens), listen)
        self.replies[question_id] = replace(reply, warning="")
        if reply.warning:
            await self.voice.say(reply.warning, "budget")
        return reply

    async def _check_wanted(self) -> None:
        """Raises where nothing may be asked any more; looked at after the wait."""
        is_out = await self.kit.people.is_out(self.asker, unknown=False)
        if self.is_stopped:
            raise Stopped
        if self.voice.is_closed:
            raise CancelledError
        if is_out:
            raise OptedOut

    async def _put(self, prompt: Prompt, listen: Callable[[str], None]) -> Reply:
        question = self.kit.language.ask(
            prompt,
            user=self.asker,
            room=self.record.room,
            event=self.record.event,
            skill=self.skill,
            on_text=listen,
            may_be_sent=self._is_all_read,
        )
        self.asking = Deferred.fromCoroutine(question)
        try:
            return await self.asking
        except CancelledError as error:
            if self.is_stopped:
                raise Stopped from error
            raise
        finally:
            self.asking = None

    def _is_all_read(self) -> bool:
        """Whether nobody whose words are in it has opted out since they were read."""
        return not any(self.kit.people.is_known_to_be_out(source.sender) for source in self.kit.sources.of_turn(self.record.id))

    async def grow(self, material: Material, keep: Callable[[str], str] = str) -> Growing:
        """An answer that may be shown as it comes, made safe by what the material holds; of that what is to be kept."""
        kit, room = self.kit, self.record.room
        audience = Audience(kit.publisher, room, self.asker, await kit.publisher.descriptor(room), await self._is_away())
        return self.voice.grow(lambda text: keep(kit.guard.clean(text, material)), audience)

    async def _is_away(self) -> bool:
        """Who has just asked is there; later it is a question."""
        if self.kit.clock.now_ms() - self.record.asked_at < _JUST_NOW_MS:
            return False
        presence = await self.kit.homeserver.presence(self.asker)
        return presence.get("presence") == "offline" and "last_active_ago" in presence

    async def tell(
        self,
        messages: list[dict[str, Any]],
        material: Material,
        keep: Callable[[str], str] = str,
        label: Callable[[str], str] = lambda _: "",
    ) -> None:
        """The model's answer, growing as it comes; of it what is to be kept, and at the end what is to be said of it."""
        if self.voice.is_final("answer"):
            return
        growing = await self.grow(material, keep)
        try:
            reply = await self.ask(messages, hear=growing.hear)
        except Stopped:
            await growing.finish(self.heard, "stopped")
        except TROUBLES as error:
            await growing.finish(self.heard, f"interrupted: {explain(error)}" if self.heard else explain(error))
        else:
            await growing.finish(reply.text, label(self.kit.guard.clean(reply.text, material)))


class Skill(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def verbs(self) -> tuple[str, ...]:
        """The words that call it; those with a hyphen are not for people."""

    @property
    def help(self) -> str: ...

    @property
    def with_model(self) -> str:
        """What a language model adds, as people without one are told."""

    async def run(self, turn: Turn) -> None: ...


class Watcher(Protocol):
    """A skill that a room may ask to look for something by itself."""

    def wants(self, event: Event) -> bool: ...
