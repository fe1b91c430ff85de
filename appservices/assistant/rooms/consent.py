"""Consent: in every room the assistant is off until somebody with the power to do so turns it on there, by command or by state event."""

from dataclasses import replace
from typing import Final, Protocol

from appservices.assistant.journal.accounts import AuditLog
from appservices.assistant.journal.rooms import RoomJournal, RoomRecord
from appservices.assistant.language.privacy import Privacy
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.errors import Refused
from appservices.assistant.rooms.people import People
from appservices.assistant.runtime import Clock
from appservices.assistant.settings import Settings

SETTINGS: Final = "chat.chatme.ai.settings"
WATCHED: Final = ("code", "links", "files")


class Keys(Protocol):
    def blind(self, room: str, event: str) -> None:
        """What was said there until that event cannot be read any more."""

    def forget(self, room: str) -> None: ...


class Consent:
    def __init__(
        self,
        settings: Settings,
        homeserver: Homeserver,
        people: People,
        journal: RoomJournal,
        keys: Keys,
        privacy: Privacy,
        audit: AuditLog,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._homeserver = homeserver
        self._people = people
        self._journal = journal
        self._keys = keys
        self._privacy = privacy
        self._audit = audit
        self._clock = clock

    def room(self, room: str) -> RoomRecord:
        return self._journal.get(room)

    def is_on(self, room: str) -> bool:
        return self._journal.get(room).is_on

    async def may_decide(self, room: str, user: str) -> bool:
        return await self._people.is_joined(room, user) and await self._people.power(room, user) >= self._settings.consent_power

    def turn_on(self, room: str, user: str, event: str) -> None:
        self._journal.put(replace(self._journal.get(room), is_on=True, by_user=user, event=event))
        self._audit.write(self._clock.now_ms(), "turned on", room, event, user)

    def turn_off(self, room: str, user: str, event: str) -> None:
        """All that was written down of the room goes, except that it may be spoken to again."""
        is_direct = self._journal.get(room).is_direct
        self._journal.forget(room)
        self._keys.blind(room, event)
        self._journal.put(RoomRecord(room, is_on=False, by_user=user, event=event, is_direct=is_direct))
        self._audit.write(self._clock.now_ms(), "turned off", room, event, user)

    def leave(self, room: str) -> None:
        self._journal.forget(room)
        self._keys.forget(room)

    def watch(self, room: str, what: tuple[str, ...]) -> None:
        self._journal.put(replace(self._journal.get(room), watch=what))

    def is_out(self, user: str) -> bool:
        return self._journal.is_out(user)

    def opt_out(self, user: str, is_out: bool) -> None:
        self._journal.opt_out(user, is_out)

    def know_direct(self, room: str, is_direct: bool) -> None:
        self._journal.put(replace(self._journal.get(room), is_direct=is_direct))

    async def show(self, room: str, is_on: bool) -> None:
        """The state event that everybody can look at, where the assistant may set it."""
        try:
            await self._homeserver.set_state(room, SETTINGS, "", await self.settings_content(room, is_on))
        except Refused as error:
            if error.status != 403:
                raise

    async def settings_content(self, room: str, is_on: bool) -> dict[str, object]:
        model = self._settings.model
        return {
            "enabled": is_on,
            "model": model.name,
            "provider": model.provider or model.base_url,
            "where": model.where,
            "local": not model.is_hosted,
            "scope": "this room",
            "retention": "no text is kept",
            "watch": list(self._journal.get(room).watch),
            "body": await self.terms(room) if is_on else "The assistant is off in this room.",
        }

    async def terms(self, room: str) -> str:
        """What everybody in that room should know. Raises Refused, Unreachable."""
        model = self._settings.model
        if not model.is_there:
            where = "No language model is used."
        else:
            place = f", {model.where}" if model.where else ""
            where = f"When asked, I send what the asker may see here to the model {model.name}, run by {model.provider or model.base_url}{place}."
        private = await self._privacy.words(room)
        return (
            f"{where} {private}{' ' if private else ''}I keep IDs, times and counts, never texts. "
            f"`{self._settings.command} optout` keeps your messages out of it, `{self._settings.command} off` ends it all."
        )
