"""The assistant: what a transaction brings is looked at, what asks for something becomes a turn, the rest is forgotten at once."""

import hashlib
import logging
from collections import OrderedDict, deque
from dataclasses import replace
from typing import Any, Final

from twisted.internet.interfaces import IDelayedCall

from appservices.assistant.delivery.remind import Reminders
from appservices.assistant.delivery.run import Runner
from appservices.assistant.delivery.voice import MARK, mark_of
from appservices.assistant.encryption.cover import ENCRYPTED, ENCRYPTION, Cover, letters_of
from appservices.assistant.figures import Figures
from appservices.assistant.journal.file import JournalFile
from appservices.assistant.journal.rooms import RoomRecord
from appservices.assistant.journal.turns import TurnJournal, TurnRecord
from appservices.assistant.matrix.contents import notice
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.matrix.events import Event, as_object, read_event
from appservices.assistant.rooms.addressing import Addressing
from appservices.assistant.rooms.consent import SETTINGS, WATCHED
from appservices.assistant.rooms.history import apply_edit
from appservices.assistant.safety.approvals import YES as APPROVAL
from appservices.assistant.skill import Kit
from appservices.assistant.skills.code import FindCode
from appservices.assistant.skills.files import LookAtFiles
from appservices.assistant.skills.links import LinkResources

_log = logging.getLogger(__name__)

REACTIONS: Final = {"📌": "pin-task", "✅": "close-task", "📝": "summary", "🌐": "translate", "💡": "suggest"}
YES: Final = (APPROVAL, "✅")
STOP: Final = "🛑"
STOP_WORD: Final = "stop"
_CLEAN_SECONDS: Final = 3600.0
_ERASE_SECONDS: Final = 30.0
_ONCE: Final = ("on", "off", "watch", "optout", "optin")  # done is done: editing the words does not do them again
_MOST_PEOPLE: Final = 5000


class Assistant:
    def __init__(
        self,
        kit: Kit,
        file: JournalFile,
        cover: Cover,
        journal: TurnJournal,
        addressing: Addressing,
        runner: Runner,
        reminders: Reminders,
        figures: Figures,
    ) -> None:
        self._kit = kit
        self._file = file
        self._cover = cover
        self._journal = journal
        self._addressing = addressing
        self._runner = runner
        self._reminders = reminders
        self._figures = figures
        self._me = kit.settings.user_id
        self._watchers = (("code", FindCode()), ("links", LinkResources()), ("files", LookAtFiles()))
        self._recent: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()
        self._cleaning: list[IDelayedCall] = []

    async def start(self) -> None:
        settings = self._kit.settings
        await self._kit.homeserver.become(settings.localpart, settings.user_id, settings.display_name)
        await self._cover.begin()
        self._runner.take_up()
        self._reminders.start()
        self._cleaning = [self._kit.clock.call_later(0, self._clean), self._kit.clock.call_later(0, self._erase)]
        await self._kit.publisher.start(settings.display_name)

    async def stop(self) -> None:
        for timer in self._cleaning:
            if timer.active():
                timer.cancel()
        self._reminders.stop()
        await self._runner.close()
        self._cover.close()
        await self._kit.homeserver.close()
        self._file.close()

    def _clean(self) -> None:
        self._cleaning[0] = self._kit.clock.call_later(_CLEAN_SECONDS, self._clean)  # first, for a full disk passes
        self._file.clean(self._kit.clock.now_ms(), self._kit.settings.audit_days)
        self._cover.clean()

    def _erase(self) -> None:
        self._cleaning[1] = self._kit.clock.call_later(_ERASE_SECONDS, self._erase)
        self._kit.things.drop_old_proposals(self._kit.clock.now_ms())

    async def take(self, txn: str, body: dict[str, Any]) -> None:
        """A transaction of the homeserver: when this returns, what there is to do is on disk."""
        txn = _name(txn, body)
        if self._journal.is_known(txn):
            return
        for letter in body.get("de.sorunome.msc2409.to_device") or ():
            await self._kit.publisher.take(as_object(letter))
        await self._cover.take(body)
        late = self._cover.came_late()
        turns: list[TurnRecord] = []
        for found in [*body["events"], *[await self._kit.homeserver.event(*place) for place in late]]:
            event = read_event(await self._cover.open(as_object(found)))
            if event is None:
                continue
            self._cover.note(event)
            if event.sender == self._me and event.type != "m.room.member":
                continue
            if (turn := await self._asked_by(event)) is not None:
                turns.append(turn)
        for edu in [*(body.get("ephemeral") or ()), *(body.get("de.sorunome.msc2409.ephemeral") or ())]:
            self._kit.markers.take(as_object(edu))
        fresh = self._journal.take(txn, self._kit.clock.now_ms(), turns)
        for _, event_id in late:
            self._cover.no_longer_waits(event_id)
        await self._file.settle()
        for turn in fresh:
            self._runner.run_soon(turn)

    async def _asked_by(self, event: Event) -> TurnRecord | None:
        """What the homeserver will say no to each time must not hold up what comes behind it."""
        try:
            return await self._look_at(event)
        except Refused as error:
            if error.status == 429 or error.status >= 500:
                raise
            _log.warning("nothing comes of %s: %s", event.id, error)
            return None

    async def _look_at(self, event: Event) -> TurnRecord | None:
        if event.type == "m.room.member" and event.state_key == self._me:
            await self._membership(event)
            return None
        if event.type == "m.room.member" and event.state_key is not None:
            await self._others_membership(event, event.state_key)
            return None
        if event.type == SETTINGS and event.state_key == "":
            await self._settings_changed(event)
            return None
        if event.type == "m.room.redaction" and event.redacts is not None:
            await self._redacted(event.room, event.redacts)
            return None
        if event.type == ENCRYPTED:
            self._cover.wait(event)
            return None
        if event.type == ENCRYPTION:
            await self._cover.expect(event)
            return None
        room = self._kit.consent.room(event.room)
        if not room.is_on:
            command = self._addressing.command(event) if event.type == "m.room.message" and event.msgtype == "m.text" else None
            return self._admit(event, "on") if command is not None and command.verb == "on" else None
        if event.type == "m.reaction":
            return await self._reaction(event)
        if event.type != "m.room.message":
            return None
        if event.replaces is not None:
            return await self._edited(event, event.replaces, room)
        asked = self._addressing.asked(event, room)
        if asked is not None and asked.verb == STOP_WORD:
            for turn_id in self._runner.of_person(event.room, event.sender):
                self._runner.stop(turn_id)
            return None
        if asked is not None:
            return self._admit(event, asked.verb)
        return self._watched(event, room.watch)

    async def _edited(self, edit: Event, event_id: str, room: RoomRecord) -> TurnRecord | None:
        """A request that was changed while its answer is new is another request; one that is none any more is withdrawn."""
        now, fresh = self._kit.clock.now_ms(), self._kit.settings.freshness_seconds * 1000
        asked = [each for each in self._journal.asked_by(event_id) if each.sender == edit.sender and each.asked_at > now - fresh]
        asked = [each for each in asked if each.skill not in _ONCE and "-" not in each.skill]
        if any(each.edit and each.asked_at >= edit.at for each in asked):
            return None  # this one was brought again, or a later one came first
        original = await self._kit.history.fetch(edit.room, event_id) if asked else None
        if original is None or original.is_redacted:
            return None
        await self._withdraw(edit.room, [each.id for each in asked])
        wanted = self._addressing.asked(apply_edit(original, edit), room)
        if wanted is None or wanted.verb in (*_ONCE, STOP_WORD):
            return None
        turn = self._admit(original, wanted.verb)
        return None if turn is None else replace(turn, id=f"{turn.id}/{edit.id}", edit=edit.id, asked_at=edit.at)

    def _admit(self, event: Event, verb: str, target: str = "") -> TurnRecord | None:
        """Not more turns of one person than a person needs. What a transaction brings again is the same turn."""
        turn = self._turn(event, verb, target)
        now, times = self._kit.clock.monotonic(), self._recent.setdefault(event.sender, deque())
        self._recent.move_to_end(event.sender)
        while len(self._recent) > _MOST_PEOPLE:
            self._recent.popitem(last=False)
        while times and times[0][0] < now - 60:
            times.popleft()
        if any(known == turn.id for _, known in times):
            return turn
        if len(times) >= self._kit.settings.turns_a_minute:
            self._figures.refused(self._runner.skill_of(verb), "rate")
            return None
        times.append((now, turn.id))
        return turn

    def _turn(self, event: Event, verb: str, target: str = "") -> TurnRecord:
        return TurnRecord(f"{event.id}/{verb}", event.room, event.id, event.sender, verb, target, event.at)

    def _watched(self, event: Event, watch: tuple[str, ...]) -> TurnRecord | None:
        if event.replaces is not None or event.sender in self._kit.settings.other_bots or self._kit.consent.is_out(event.sender):
            return None
        for name, watcher in self._watchers:
            if name in watch and watcher.wants(event):
                return self._admit(event, f"watch-{name}", event.id)
        return None

    async def _reaction(self, event: Event) -> TurnRecord | None:
        key, target = str(event.relation.get("key", "")).replace("\ufe0f", ""), event.target
        if target is None or event.sender in self._kit.settings.other_bots:
            return None
        if key == STOP:
            await self._stop(event.room, event.sender, target)
            return None
        if key in YES and self._is_approval(event, key, target):
            return self._admit(event, "approve-it", target)
        if key in REACTIONS:
            return self._admit(event, REACTIONS[key], target)
        return None

    def _is_approval(self, event: Event, key: str, target: str) -> bool:
        """Also of what is being proposed right now: the room may have a proposal before the homeserver's answer tells its ID. Whatever it turns out
        to be, it comes behind the turn that proposes, for one person's turns wait for each other."""
        is_proposing = key == APPROVAL and bool(self._runner.of_person(event.room, event.sender))
        return is_proposing or self._kit.things.proposal(target) is not None

    async def _stop(self, room: str, user: str, said: str) -> None:
        """By a reaction to the answer, or to the request."""
        answered = self._journal.turn_that_said(said)
        turns = [answered] if answered is not None else self._journal.of_event(room, said) or await self._turns_saying(room, user, said)
        for turn_id in turns:
            if self._journal.sender_of(turn_id) == user:
                self._runner.stop(turn_id)

    async def _turns_saying(self, room: str, user: str, said: str) -> list[str]:
        """The one of the person's turns whose message it is: the room may have that before the homeserver's answer tells its ID."""
        if not self._runner.of_person(room, user):
            return []
        event = await self._kit.history.fetch(room, said)
        mark = as_object(event.content.get(MARK)).get("id") if event is not None and event.sender == self._me else None
        return [turn_id for turn_id in self._runner.of_person(room, user) if mark_of(turn_id) == mark]

    async def _membership(self, event: Event) -> None:
        membership = event.content.get("membership")
        if membership == "invite" and not self._may_be_in(event):
            _log.info("the invitation to %s is not for the assistant, by its settings", event.room)
        elif membership == "invite":
            self._kit.consent.know_direct(event.room, event.content.get("is_direct") is True)
            await self._cover.expect(event)
            try:
                await self._kit.homeserver.join(event.room)
                await self._count(event.room)
                await self._greet(event)
            except (Refused, Unreachable) as error:
                _log.warning("%s could not be joined: %s", event.room, error)
        elif membership in ("leave", "ban"):
            self._runner.stop_room(event.room)
            self._kit.consent.leave(event.room)
            self._kit.markers.forget(event.room)

    def _may_be_in(self, event: Event) -> bool:
        settings = self._kit.settings
        is_stranger = event.sender.partition(":")[2] != settings.server_name
        return (not settings.rooms or event.room in settings.rooms) and (settings.strangers_may_invite or not is_stranger)

    async def _greet(self, event: Event) -> None:
        prefix = self._kit.settings.command
        text = (
            f"I am off in this room and read nothing, until somebody with a power level of {self._kit.settings.consent_power} or more says "
            f"`{prefix} on`. {await self._kit.consent.terms(event.room)}"
        )
        await self._kit.homeserver.send(event.room, "m.room.message", notice(text), f"greet{event.id}")

    async def _others_membership(self, event: Event, user: str) -> None:
        """Who leaves takes along what waits for them. Where a third one comes, people may speak to each other."""
        membership, kit = event.content.get("membership"), self._kit
        if membership in ("leave", "ban"):
            for turn_id in self._runner.of_person(event.room, user):
                self._runner.cancel(turn_id)
            kit.things.drop_proposals_of(event.room, user)
            kit.publisher.leave(event.room, user)
            kit.markers.forget(event.room, user)
        elif membership == "join":
            await self._count(event.room)

    async def _count(self, room: str) -> None:
        """A chat of more than two is no direct one, whoever called it so."""
        if not self._kit.consent.room(room).is_direct:
            return
        try:
            members = await self._kit.homeserver.joined_members(room)
        except Refused as error:
            _log.info("who is in %s cannot be known: %s", room, error)  # it was removed, and hears of that next
            return
        if len(members) > 2:
            self._kit.consent.know_direct(room, False)

    async def _settings_changed(self, event: Event) -> None:
        """Turned on or off by state event. Who may set it says the room; who may decide, the settings."""
        consent = self._kit.consent
        if not await consent.may_decide(event.room, event.sender):
            return
        if event.content.get("enabled") is True:
            watch = event.content.get("watch")
            names = tuple(name for name in WATCHED if isinstance(watch, list) and name in watch)
            was_on = consent.is_on(event.room)
            consent.turn_on(event.room, event.sender, event.id)
            if isinstance(watch, list):
                consent.watch(event.room, names)
            if not was_on:
                await self._kit.homeserver.send(
                    event.room, "m.room.message", notice(f"I am on in this room. {await consent.terms(event.room)}"), f"on{event.id}"
                )
        elif consent.is_on(event.room):
            self._runner.stop_room(event.room)
            consent.turn_off(event.room, event.sender, event.id)
            self._kit.markers.forget(event.room)

    async def _redacted(self, room: str, event_id: str) -> None:
        """What was asked, said about it or drawn from it goes too."""
        turns = dict.fromkeys([*self._journal.of_event(room, event_id), *self._kit.sources.turns_from(room, event_id)])
        self._forget(room, event_id)
        self._kit.history.forget(room, event_id)
        await self._withdraw(room, list(turns))

    async def _withdraw(self, room: str, turns: list[str]) -> None:
        for turn_id in turns:
            self._runner.cancel(turn_id)
            for said in self._journal.said_in(turn_id):
                self._forget(room, said)
                try:
                    await self._kit.homeserver.redact(room, said, f"gone{said}")
                except Refused as error:
                    _log.info("%s could not be taken back: %s", said, error)

    def _forget(self, room: str, event_id: str) -> None:
        self._file.forget_event(room, event_id)
        self._kit.things.forget_task(room, event_id)
        self._kit.things.forget_meeting(room, event_id)

    def is_idle(self) -> bool:
        return self._runner.is_idle()


def _name(txn: str, body: dict[str, Any]) -> str:
    """There are homeservers that count transactions from one again after a restart: only the same ID with the same events and letters is the same."""
    ids = "\n".join([*(str(as_object(event).get("event_id")) for event in body["events"]), *letters_of(body)])
    return f"{txn} {hashlib.sha256(ids.encode()).hexdigest()}"
