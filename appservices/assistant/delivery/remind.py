"""Reminders of tasks and meetings: kept on disk, so they come after a restart too; those long past are let go."""

import logging
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from appservices.assistant.journal.things import Reminder, ThingJournal
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.contents import notice, referring
from appservices.assistant.matrix.errors import Refused, Unreachable
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.rooms.consent import Consent
from appservices.assistant.runtime import Clock

_log = logging.getLogger(__name__)
_LOOK_SECONDS: Final = 20.0
_TOO_LATE_MS: Final = 24 * 3_600_000
_BLOCKS: Final = {"task": "chat.chatme.task", "meeting": "chat.chatme.meeting"}


class Reminders:
    def __init__(self, things: ThingJournal, homeserver: Homeserver, consent: Consent, clock: Clock) -> None:
        self._things = things
        self._homeserver = homeserver
        self._consent = consent
        self._clock = clock
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

    def _again(self, _: object) -> None:
        if not self._is_over:
            self._timer = self._clock.call_later(_LOOK_SECONDS, self._look)

    async def _tell_all(self) -> None:
        for reminder in self._things.due_reminders(self._clock.now_ms()):
            try:
                await self._tell(reminder)
            except (Refused, Unreachable) as error:
                _log.warning("reminder %s: %s", reminder.id, error)
                if isinstance(error, Unreachable):
                    return
            if self._is_over:
                return
            self._things.forget_reminder(reminder.id)

    async def _tell(self, reminder: Reminder) -> None:
        """Once: its transaction ID is that of the reminder and its time."""
        if not self._consent.is_on(reminder.room) or self._clock.now_ms() - reminder.due > _TOO_LATE_MS:
            return
        event = await self._homeserver.event(reminder.room, reminder.event)
        content = as_object((event or {}).get("content"))
        block = as_object(content.get(_BLOCKS[reminder.kind]))
        title = as_text(block.get("title"))
        if not title:
            return  # redacted
        people = block.get("attendees") or [block.get("assignee")]
        whom = tuple(user for user in people if isinstance(user, str) and user.startswith("@"))
        body = f"⏰ {title}" + (f" {as_text(block.get('call'))}".rstrip() if reminder.kind == "meeting" else " is due")
        content = referring(notice(body, mentions=whom), reminder.event)
        await self._homeserver.send(reminder.room, "m.room.message", content, f"remind{reminder.due}{reminder.event}")
