"""Reminders of tasks and meetings: kept on disk, so they come after a restart too; those long past are let go. Where the homeserver sends what it was given
beforehand, it is given them, and looked after: once in all, by it or by us."""

import logging
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.python.failure import Failure

from appservices.assistant.delivery.hand_over import LATEST_MS, HandOver
from appservices.assistant.journal.things import Reminder, ThingJournal
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.contents import Content, notice, referring
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.rooms.consent import Consent
from appservices.assistant.runtime import Clock

_log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 20.0
_TOO_LATE_MS: Final = 24 * 3_600_000
REMINDER: Final = "chat.chatme.reminder"
_BLOCKS: Final = {"task": "chat.chatme.task", "meeting": "chat.chatme.meeting"}


class Reminders:
    def __init__(self, things: ThingJournal, homeserver: Homeserver, consent: Consent, clock: Clock, me: str) -> None:
        self._things = things
        self._homeserver = homeserver
        self._consent = consent
        self._clock = clock
        self._me = me
        self._hand_over = HandOver(things, homeserver, clock)
        self._timer: IDelayedCall | None = None
        self._is_over = False

    def start(self) -> None:
        self._timer = self._clock.call_later(0, self._look)

    def stop(self) -> None:
        self._is_over = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _look(self) -> None:
        Deferred.fromCoroutine(self._tell_all()).addBoth(self._again)

    def _again(self, outcome: object) -> None:
        if isinstance(outcome, Failure):  # of a kind that nobody foresaw; no text goes into the log
            _log.error("reminders broke: %s", outcome.type.__name__ if outcome.type is not None else "?")
        if not self._is_over:
            self._timer = self._clock.call_later(_LOOK_SECONDS, self._look)

    async def _tell_all(self) -> None:
        now = self._clock.now_ms()
        try:
            await self._hand_over.tidy()
            if self._things.next_reminder() is None:
                return
            for reminder in self._things.due_reminders(now + await self._hand_over.most_ms()):
                if self._is_over:
                    return
                if reminder.due > now:
                    await self._give(reminder)
                else:
                    await self._due(reminder)
        except Unreachable as error:
            _log.warning("reminders wait for the homeserver: %s", error)

    async def _give(self, reminder: Reminder) -> None:
        if self._things.handed(reminder) is not None:
            return
        try:
            content = await self._content(reminder) if await self._hand_over.takes(reminder) else {}
        except Refused as error:
            _log.info("reminder %s cannot be handed over: %s", reminder.id, error)
            return
        if content is None:
            self._things.forget_reminder(reminder.id)
        elif content:
            whom = self._things.assignee(reminder.event)
            await self._hand_over.give(reminder, content, f"later{reminder.due}{reminder.event}{whom}")

    async def _due(self, reminder: Reminder) -> None:
        try:
            if not await self._tell(reminder):
                return
        except Refused as error:
            _log.warning("reminder %s: %s", reminder.id, error)
        if not self._is_over:
            self._things.forget_reminder(reminder.id)
            self._things.take_back(reminder.id)

    async def _tell(self, reminder: Reminder) -> bool:
        """Once: its transaction ID is that of the reminder and its time. False: not yet, it is the homeserver's to say."""
        late = self._clock.now_ms() - reminder.due
        delay_id = self._things.handed(reminder)
        if delay_id is not None and late < LATEST_MS:
            return False
        if delay_id is not None and (not await self._hand_over.take_back(delay_id)) and await self._was_said(reminder):
            return True
        content = await self._content(reminder)
        if late <= _TOO_LATE_MS and content is not None:
            event = await self._homeserver.send(reminder.room, "m.room.message", content, f"remind{reminder.due}{reminder.event}")
            if not self._is_over:
                self._things.said(event, reminder, self._clock.now_ms())
        return True

    async def _was_said(self, reminder: Reminder) -> bool:
        found = await self._homeserver.related(reminder.room, reminder.event, "m.reference")
        return any(
            event.get("sender") == self._me and as_object(as_object(event.get("content")).get(REMINDER)).get("due") == reminder.due
            for event in found
        )

    async def _content(self, reminder: Reminder) -> Content | None:
        """None where there is nothing to remind of any more."""
        if not self._consent.is_on(reminder.room):
            return None
        event = await self._homeserver.event(reminder.room, reminder.event)
        content = as_object((event or {}).get("content"))
        block = as_object(content.get(_BLOCKS[reminder.kind]))
        title = as_text(block.get("title"))
        if not title:
            return None  # redacted
        people = block.get("attendees") or [self._things.assignee(reminder.event)]  # who has it now
        whom = tuple(user for user in people if isinstance(user, str) and user.startswith("@"))
        body = f"⏰ {title}" + (f" {as_text(block.get('call'))}".rstrip() if reminder.kind == "meeting" else " is due")
        return referring(notice(body, mentions=whom, extra={REMINDER: {"due": reminder.due}}), reminder.event)
