"""Who may do what in a room, and who does not want to be read."""

from collections import OrderedDict
from typing import Any, Final

from appservices.assistant.journal.rooms import RoomJournal
from appservices.assistant.matrix.client import Homeserver
from appservices.assistant.matrix.errors import NotNow, Refused
from appservices.assistant.runtime import Clock

OPT_OUT: Final = "chat.chatme.ai.opt_out"
_KEPT_SECONDS: Final = 60.0
_MOST: Final = 2000
_WITHOUT_LIMIT: Final = 2**53


class People:
    def __init__(self, homeserver: Homeserver, journal: RoomJournal, clock: Clock, server: str) -> None:
        self._homeserver = homeserver
        self._journal = journal
        self._clock = clock
        self._server = server
        self._profiles: OrderedDict[str, tuple[float, bool | None]] = OrderedDict()

    async def is_joined(self, room: str, user: str) -> bool:
        member = await self._homeserver.state(room, "m.room.member", user)
        return member is not None and member.get("membership") == "join"

    async def power(self, room: str, user: str) -> int:
        levels = await self._homeserver.state(room, "m.room.power_levels")
        if await self._is_creator(room, user, levels is None):
            return _WITHOUT_LIMIT
        users = (levels or {}).get("users")
        found = users.get(user) if isinstance(users, dict) else None
        return _level(found if found is not None else (levels or {}).get("users_default"), 0)

    async def may_send_state(self, room: str, user: str, kind: str) -> bool:
        levels = await self._homeserver.state(room, "m.room.power_levels") or {}
        events = levels.get("events")
        needed = events.get(kind) if isinstance(events, dict) else None
        needed = _level(needed if needed is not None else levels.get("state_default"), 50)
        return await self.is_joined(room, user) and await self.power(room, user) >= needed

    async def _is_creator(self, room: str, user: str, without_levels: bool) -> bool:
        """Creators stand above all levels from room version 12 on, and where there are no levels."""
        create = await self._create_event(room)
        content: dict[str, Any] = create.get("content") or {}
        version = str(content.get("room_version", "1"))
        if not without_levels and (not version.isdecimal() or int(version) < 12):
            return False
        return user == create.get("sender") or user in (content.get("additional_creators") or ())

    async def _create_event(self, room: str) -> dict[str, Any]:
        found = await self._homeserver.create_event(room)
        return found if "sender" in found and "content" in found else {"content": found, "sender": found.get("creator")}

    async def is_out(self, user: str, *, unknown: bool = True) -> bool:
        """By a command to the assistant, or a field of the profile. Where the profile cannot be had now, it may say so: `unknown`."""
        if self._journal.is_out(user):
            return True
        now = self._clock.monotonic()
        known = self._profiles.get(user)
        if known is None or known[0] < now:
            known = (now + _KEPT_SECONDS, await self._says_so(user))
            self._profiles[user] = known
            if known[1]:
                self._journal.forget_words(user)
            while len(self._profiles) > _MOST:
                self._profiles.popitem(last=False)
        return unknown if known[1] is None else known[1]

    def is_known_to_be_out(self, user: str) -> bool:
        """As far as anybody was asked until now."""
        known = self._profiles.get(user)
        return self._journal.is_out(user) or (known is not None and known[1] is True)

    async def _says_so(self, user: str) -> bool | None:
        """Of people elsewhere their own server may be away; whether ours is, the next question shows."""
        try:
            profile = await self._homeserver.profile(user)
        except NotNow:
            if user.partition(":")[2] == self._server:
                raise
            return None
        except Refused as error:
            return False if error.status in (403, 404) else None
        return profile.get(OPT_OUT) is True


def _level(found: Any, default: int) -> int:
    if isinstance(found, int) and not isinstance(found, bool):
        return found
    try:
        return int(found) if isinstance(found, str) else default
    except ValueError:
        return default
