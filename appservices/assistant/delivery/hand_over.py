"""Reminders that the homeserver sends by itself, whether we are there then or not (delayed events, MSC4140), where it says that it can.

Not in encrypted rooms, where a message is encrypted for those who are there when it is sent. What is changed or taken back here is cancelled there.
"""

import logging
from collections.abc import Mapping
from typing import Any, Final

from appservices.assistant.journal.things import Reminder, ThingJournal
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.errors import Refused
from appservices.assistant.matrix.events import as_object
from appservices.assistant.runtime import Clock

_log = logging.getLogger(__name__)
_NAMES: Final = ("m.delayed_events", "org.matrix.msc4140.delayed_events")
LATEST_MS: Final = 60_000  # after its time; then it did not send it


class HandOver:
    def __init__(self, things: ThingJournal, homeserver: Homeserver, clock: Clock) -> None:
        self._things = things
        self._homeserver = homeserver
        self._clock = clock
        self._most: int | None = None
        self._ours: set[str] = set()  # of encrypted rooms

    async def most_ms(self) -> int:
        """How far ahead it takes them; 0: not at all. Never guessed: a server that knows no delays would send at once."""
        if self._most is None:
            capabilities = await self._homeserver.capabilities()
            found = [as_object(capabilities.get(name)).get("max_delay_ms") for name in _NAMES]
            self._most = next((most for most in found if isinstance(most, int) and most > 0), 0)
        return self._most

    async def takes(self, reminder: Reminder) -> bool:
        """Now, and in that room."""
        if reminder.id in self._ours or not 0 < reminder.due - self._clock.now_ms() <= await self.most_ms():
            return False
        if await self._homeserver.is_encrypted(reminder.room):
            self._ours.add(reminder.id)
        return reminder.id not in self._ours

    async def give(self, reminder: Reminder, content: Mapping[str, Any], txn: str) -> None:
        delay = reminder.due - self._clock.now_ms()
        try:
            delay_id = await self._homeserver.send_later(reminder.room, "m.room.message", content, txn, max(delay, 1))
        except Refused as error:
            _log.info("the homeserver does not take reminder %s: %s", reminder.id, error)
            self._most = 0
            return
        self._things.hand(reminder.id, delay_id, reminder.due)

    async def take_back(self, delay_id: str) -> bool:
        """Whether it is not sent, for certain."""
        try:
            await self._homeserver.cancel_later(delay_id)
        except Refused:
            return False
        return True

    async def tidy(self) -> None:
        """What is not to be said any more, or at another time, or not in plain text since its room is encrypted."""
        for reminder_id, delay_id in self._things.handed_in_vain():
            await self.take_back(delay_id)
            self._things.take_back(reminder_id)
        for reminder_id, delay_id, room in self._things.all_handed():
            if self._homeserver.is_known_encrypted(room):
                await self.take_back(delay_id)
                self._things.take_back(reminder_id)
