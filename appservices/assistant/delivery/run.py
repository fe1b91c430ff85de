"""Running turns: one after the other for each person in each room, many at once in all; begun, finished and taken up again after a crash.

1. written down with its transaction (`journal/turns.py`)   2. begun   3. said, under names that follow from the turn   4. done
Killed before 3 it begins anew, after 3 it finds what it said. Too old, it is dropped; what was half said then is labelled.
"""

import logging
from collections import deque
from dataclasses import replace
from typing import Final

from twisted.internet.defer import CancelledError, Deferred

from appservices.assistant.delivery.voice import Voice
from appservices.assistant.figures import Figures
from appservices.assistant.journal.accounts import AuditLog
from appservices.assistant.journal.turns import TurnJournal, TurnRecord
from appservices.assistant.matrix.contents import notice, replacing
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.matrix.events import Event, as_text
from appservices.assistant.rooms.addressing import Addressing
from appservices.assistant.skill import Kit, Skill, Turn

_log = logging.getLogger(__name__)

_AGAIN_SECONDS: Final = 5.0
ANSWER: Final = "answer"
NEVER_STALE: Final = ("off", "optout")  # nobody who wants an end to it has to say so twice


class Runner:
    def __init__(
        self, kit: Kit, journal: TurnJournal, addressing: Addressing, skills: dict[str, Skill], figures: Figures, audit: AuditLog
    ) -> None:
        self._kit = kit
        self._journal = journal
        self._addressing = addressing
        self._skills = skills
        self._figures = figures
        self._audit = audit
        self._queues: dict[tuple[str, str], deque[TurnRecord]] = {}
        self._running: dict[str, tuple[Deferred[None], Turn | None]] = {}
        self._resting: list[Deferred[None]] = []
        self._is_over = False

    def take_up(self) -> None:
        """After a start: what was open when the last life ended."""
        for record in self._journal.open_turns():
            self.run_soon(record, is_new=False)  # a power cut may have taken back that it was begun

    def run_soon(self, record: TurnRecord, *, is_new: bool = True) -> None:
        who = (record.room, record.sender)
        if any(waiting.id == record.id for waiting in self._queues.get(who, ())):
            return
        if not is_new:
            record = replace(record, state="begun")
        if who in self._queues:
            self._queues[who].append(record)
        else:
            self._queues[who] = deque([record])
            self._start(who)

    def waiting(self, room: str, user: str) -> int:
        return len(self._queues.get((room, user), ()))

    def stop(self, turn_id: str) -> None:
        """The asker wants no more of it; what was said stays, labelled."""
        _, turn = self._running.get(turn_id, (None, None))
        if turn is not None:
            turn.stop()
        else:
            self._drop(turn_id, "stopped")

    def cancel(self, turn_id: str) -> None:
        """What asked is gone: so is the answer."""
        _, turn = self._running.get(turn_id, (None, None))
        if turn is not None:
            turn.voice.close()
        self._drop(turn_id, "withdrawn")

    def _drop(self, turn_id: str, outcome: str) -> None:
        running, _ = self._running.get(turn_id, (None, None))
        if running is not None:
            running.cancel()
            return
        for queue in self._queues.values():
            for record in queue:
                if record.id == turn_id:
                    self._end(record, outcome)

    def of_person(self, room: str, user: str) -> list[str]:
        """Their turns, running and waiting."""
        return [record.id for record in self._queues.get((room, user), ())]

    def stop_room(self, room: str, besides: str = "") -> None:
        for turn_id, (running, turn) in list(self._running.items()):
            if turn is not None and turn.record.room == room and turn_id != besides:
                turn.voice.close()
                running.cancel()

    async def close(self) -> None:
        self._is_over = True
        for running, turn in list(self._running.values()):
            if turn is not None:
                turn.voice.close()
            running.cancel()
        for resting in list(self._resting):
            resting.cancel()

    def _was_closed(self) -> bool:
        return self._is_over

    def is_idle(self) -> bool:
        return not self._queues

    def _start(self, who: tuple[str, str]) -> None:
        record = self._queues[who][0]
        running = Deferred.fromCoroutine(self._attempt(record))
        if not running.called:
            self._running[record.id] = (running, self._running.get(record.id, (None, None))[1])
        running.addBoth(self._next, who, record)

    def _next(self, _: object, who: tuple[str, str], record: TurnRecord) -> None:
        self._running.pop(record.id, None)
        if self._is_over:
            return
        queue = self._queues[who]
        queue.popleft()
        if queue:
            self._kit.clock.call_later(0, self._start, who)
        else:
            del self._queues[who]

    async def _attempt(self, record: TurnRecord) -> None:
        """Until it is done, or too old."""
        again = False
        while not self._is_over and not self._journal.is_done(record.id):
            try:
                outcome = await self._once(record, again)
            except Unreachable as error:
                _log.warning("turn %s waits for the homeserver: %s", record.id, error)
                again = True
                if await self._rest(record):
                    continue
                if self._was_closed():
                    return
                outcome = "withdrawn"
                await self._take_back(record)
            except CancelledError:
                if self._was_closed():
                    return
                outcome = "withdrawn"
                await self._take_back(record)
            except Refused as error:
                _log.info("turn %s was refused: %s", record.id, error)
                outcome = "refused"
            except Exception as error:  # the edge of a skill: one that breaks must not stop those behind it; no text goes into the log
                _log.error("turn %s broke: %s at %s", record.id, type(error).__name__, _place(error))
                outcome = "broken"
            self._end(record, outcome)
            return

    async def _rest(self, record: TurnRecord) -> bool:
        """False where nobody wants the turn any more."""
        _, turn = self._running.get(record.id, (None, None))
        if turn is not None:
            await turn.voice.fall_silent()
        resting = self._kit.clock.sleep(_AGAIN_SECONDS)
        self._resting.append(resting)
        try:
            await resting
        except CancelledError:
            return False
        finally:
            self._resting.remove(resting)
        return turn is None or not (turn.voice.is_closed or turn.is_stopped)

    def _end(self, record: TurnRecord, outcome: str) -> None:
        self._journal.finish(record.id)
        self._figures.ended(self.skill_of(record.skill), outcome)
        self._audit.write(
            self._kit.clock.now_ms(), f"turn {outcome}", record.room, record.event, record.sender, self.skill_of(record.skill)
        )

    async def _once(self, record: TurnRecord, again: bool) -> str:
        kit = self._kit
        room = kit.consent.room(record.room)
        if not room.is_on and record.skill != "on":
            return "off"
        event = await kit.history.fetch(record.room, record.event, record.edit)
        voice = self._voice(record, event, await self._root(record, event))
        if record.state == "begun" or again:
            await voice.remember()
        if event is None or event.is_redacted:
            await self._withdraw(voice)
            return "withdrawn"
        if event.type == "m.room.encrypted":
            return "unreadable"
        if record.skill not in NEVER_STALE and kit.clock.now_ms() - record.asked_at > kit.settings.freshness_seconds * 1000:
            await self._label(voice)
            return "stale"
        if room.is_on and not kit.consent.is_on(record.room):
            return "off"  # since a moment ago
        self._journal.begin(record.id)
        turn = Turn(record, event, self._words(record, event), room, kit, voice, self.skill_of(record.skill))
        running, before = self._running.get(record.id, (None, None))
        if before is not None:
            turn.replies = before.replies  # what the model has said, but the homeserver did not hear
        self._running[record.id] = (running or Deferred(), turn)
        try:
            await self._skills[record.skill].run(turn)
        finally:
            voice.grow_no_more()
        self._addressing.answered(record.room, record.sender)
        if room.is_on and not kit.consent.is_on(record.room):
            self.stop_room(record.room, besides=record.id)
        return "stopped" if turn.is_stopped else "done"

    async def _root(self, record: TurnRecord, event: Event | None) -> str:
        """Of the thread to answer in; nothing where none can begin, for what is about something else can be no root ("Threading")."""
        about = event
        if event is not None and event.type == "m.reaction":
            target = record.target or event.target
            about = await self._kit.history.fetch(record.room, target) if target else None
        if about is None:
            return record.event if event is None else ""
        return about.thread or ("" if "rel_type" in about.relation else about.id)

    def _voice(self, record: TurnRecord, event: Event | None, root: str = "") -> Voice:
        reply_to = record.target if event is not None and event.type == "m.reaction" and record.target else record.event
        return Voice(
            self._kit.homeserver,
            self._journal,
            self._kit.clock,
            self._kit.settings.user_id,
            record.id,
            record.room,
            root,
            reply_to,
            record.asked_at,
        )

    def _words(self, record: TurnRecord, event: Event) -> str:
        if event.type != "m.room.message" or record.skill.startswith("watch-"):
            return ""
        asked = self._addressing.words(event)
        return asked.words if asked.verb == record.skill else asked.words or event.body

    def skill_of(self, verb: str) -> str:
        return self._skills[verb].name

    async def _label(self, voice: Voice) -> None:
        """A partial answer that nobody will finish."""
        said = voice.earlier(ANSWER)
        if said is not None and not voice.is_final(ANSWER):
            text = as_text(said[1].get("body")).removesuffix("…").rstrip()
            await voice.send(replacing(notice(f"{text}\n\n(interrupted)"), said[0]), f"{ANSWER}/final", ends=ANSWER)

    async def _take_back(self, record: TurnRecord) -> None:
        voice, (_, turn) = self._voice(record, None), self._running.get(record.id, (None, None))
        try:
            if turn is not None:
                await turn.voice.fall_silent()
            await voice.remember()
            await self._withdraw(voice)
        except (Refused, Unreachable) as error:
            _log.warning("what turn %s had said could not be taken back: %s", record.id, error)

    async def _withdraw(self, voice: Voice) -> None:
        for event_id, key in voice.all_said():
            await voice.take_back(event_id, key)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return "?" if trace is None else f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}"
