"""Every part built by its constructor, in order; the door where the homeserver knocks."""

import logging
from typing import Final

from prometheus_client import CollectorRegistry
from twisted.internet.defer import CancelledError, Deferred

from appservices.assistant.assistant import STOP_WORD, Assistant
from appservices.assistant.classify.classifier import Classifier
from appservices.assistant.delivery.remind import Reminders
from appservices.assistant.delivery.run import Runner
from appservices.assistant.encryption.cover import Cover
from appservices.assistant.figures import Figures
from appservices.assistant.journal.accounts import AuditLog, SpendingJournal
from appservices.assistant.journal.file import JournalFile
from appservices.assistant.journal.rooms import RoomJournal
from appservices.assistant.journal.sources import SourceJournal
from appservices.assistant.journal.things import ThingJournal
from appservices.assistant.journal.turns import TurnJournal
from appservices.assistant.language.ask import Language
from appservices.assistant.language.breaker import Breakers
from appservices.assistant.language.budgets import Purse
from appservices.assistant.language.privacy import Privacy
from appservices.assistant.language.words import LanguageModel
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.door import Door
from appservices.assistant.matrix.web import Web
from appservices.assistant.model import OpenAiModel
from appservices.assistant.rooms.addressing import Addressing
from appservices.assistant.rooms.consent import Consent
from appservices.assistant.rooms.history import History
from appservices.assistant.rooms.markers import Markers
from appservices.assistant.rooms.people import People
from appservices.assistant.runtime import Chance, Clock, MachineChance, Workers
from appservices.assistant.safety.approvals import Approvals
from appservices.assistant.safety.guard import Guard
from appservices.assistant.settings import Settings
from appservices.assistant.skill import Kit
from appservices.assistant.skills import SKILLS
from appservices.assistant.streaming.publish import Publisher

_log = logging.getLogger(__name__)
_AGAIN_SECONDS: Final = 5.0


class Built:
    """The assistant and its door. What it counts goes into `registry`, which it shares with a homeserver that holds it."""

    def __init__(
        self,
        settings: Settings,
        web: Web,
        clock: Clock,
        workers: Workers,
        registry: CollectorRegistry | None = None,
        chance: Chance | None = None,
    ) -> None:
        self._clock = clock
        self._starting: Deferred[None] | None = None
        file = JournalFile(settings.database, workers)
        self.figures, audit = Figures(registry or CollectorRegistry()), AuditLog(file)
        model: LanguageModel | None = OpenAiModel(settings.model, workers, clock) if settings.model.is_there else None
        purse = Purse(settings.budgets, settings.model, SpendingJournal(file), clock)
        self.homeserver = Homeserver(web, clock, settings.homeserver_url, settings.as_token)
        cover = Cover(self.homeserver, file, settings, clock, chance or MachineChance())
        self.homeserver.wear(cover)
        privacy = Privacy(settings, self.homeserver)
        language = Language(model, settings.model, purse, Breakers(clock), privacy, self.figures, audit, clock)
        kit = _make_kit(settings, file, self.homeserver, cover, privacy, language, audit, clock)
        skills = {verb: skill for skill in SKILLS for verb in skill.verbs} | {"": SKILLS[0]}
        turns = TurnJournal(file)
        spoken = frozenset(verb for verb in skills if verb and "-" not in verb) | {STOP_WORD}
        addressing = Addressing(settings, turns, clock, spoken)
        runner = Runner(kit, turns, addressing, skills, self.figures, audit)
        reminders = Reminders(kit.things, self.homeserver, kit.consent, clock, settings.user_id)
        self.assistant = Assistant(kit, file, cover, turns, addressing, runner, reminders, self.figures)
        self.kit = kit
        self.door = Door(settings.hs_token, self.assistant.take, self.figures.show)

    def begin(self) -> None:
        """Start, as soon as the homeserver can be used."""
        self._starting = Deferred.fromCoroutine(self._begin())

    async def _begin(self) -> None:
        while True:
            try:
                await self.start()
            except CancelledError:
                return
            except Exception as error:  # of whatever kind: it is not there yet, or not yet as it should be
                _log.warning("the homeserver cannot be used yet: %s", error)
                await self._clock.sleep(_AGAIN_SECONDS)
            else:
                return

    async def start(self) -> None:
        await self.assistant.start()

    async def stop(self) -> None:
        self.door.close()
        if self._starting is not None:
            self._starting.addErrback(lambda failure: failure.trap(CancelledError))
            self._starting.cancel()
        await self.assistant.stop()


def _make_kit(
    settings: Settings,
    file: JournalFile,
    homeserver: Homeserver,
    cover: Cover,
    privacy: Privacy,
    language: Language,
    audit: AuditLog,
    clock: Clock,
) -> Kit:
    rooms, things, sources = RoomJournal(file), ThingJournal(file), SourceJournal(file)
    people = People(homeserver, rooms, clock, settings.server_name)
    consent = Consent(settings, homeserver, people, rooms, cover, privacy, audit, clock)
    history = History(homeserver, people, sources, clock, settings.user_id, settings.command)
    return Kit(
        settings=settings,
        homeserver=homeserver,
        clock=clock,
        consent=consent,
        people=people,
        history=history,
        publisher=Publisher(homeserver, people, history, clock),
        markers=Markers(clock, consent.is_on),
        language=language,
        things=things,
        sources=sources,
        approvals=Approvals(things, clock),
        guard=Guard(settings.permalink_url, settings.server_name),
        classifier=Classifier(),
    )
