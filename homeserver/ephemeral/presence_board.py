"""Everybody's presence in the order of the last changes, and the clock that makes people idle and away; one timer for all.

A change can be read at once. Those who wait are told a moment later, of many changes together: otherwise a hundred people who come online in one room
would wake a hundred others each. That somebody is no longer currently active wakes nobody.
"""

import heapq
from collections import OrderedDict
from itertools import islice, takewhile

from twisted.internet.interfaces import IDelayedCall

from homeserver.clock import Clock
from homeserver.ephemeral.presence_user import NEVER, OFFLINE, PresenceUser
from homeserver.ephemeral.sequence import Ephemera

MAX_USERS = 50_000
TOLD_AFTER_S = 0.5


class PresenceBoard:
    def __init__(self, ephemera: Ephemera, clock: Clock) -> None:
        self._ephemera = ephemera
        self._clock = clock
        self._users: OrderedDict[str, PresenceUser] = OrderedDict()
        self._offline: OrderedDict[str, None] = OrderedDict()  # those of them who may be forgotten, in the same order
        self._due: list[tuple[float, str]] = []
        self._changed: dict[str, PresenceUser] = {}
        self._untold: dict[str, PresenceUser] = {}
        self._timer: IDelayedCall | None = None

    def __len__(self) -> int:
        return len(self._users)

    def get(self, user_id: str) -> PresenceUser | None:
        return self._users.get(user_id)

    def add(self, user_id: str, user: PresenceUser) -> PresenceUser:
        """A user of whom nothing was known; those longest unchanged and offline are forgotten for him."""
        self._users[user_id] = user
        while len(self._users) > MAX_USERS and self._offline:
            oldest_id, _ = self._offline.popitem(last=False)
            del self._users[oldest_id]
        self._offline[user_id] = None
        return user

    def look(self, user_id: str, user: PresenceUser, now: float) -> None:
        """Something happened or time went by: take what is to be shown now, announce it if it differs, look again when it is due."""
        shown = user.look(now)
        due = user.next_look(now)
        if due < user.due:
            user.due = due
            heapq.heappush(self._due, (due, user_id))
        if shown == user.shown:
            return
        before, user.shown = user.shown, shown
        user.counter = self._ephemera.count()
        self._users.move_to_end(user_id)
        self._offline.pop(user_id, None)
        if shown.state == OFFLINE:
            self._offline[user_id] = None
        if shown.state != before.state and not user.is_remote:
            self._changed[user_id] = user
        if (shown.state, shown.status_msg) != (before.state, before.status_msg):
            self._untold[user_id] = user
            if self._timer is None:
                self._timer = self._clock.call_later(TOLD_AFTER_S, self._tell)

    def _tell(self) -> None:
        self._timer = None
        untold, self._untold = self._untold, {}
        for user_id, user in untold.items():
            self._ephemera.tell("presence", None, user_id, user.shown)

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def pass_time(self, now: float) -> None:
        """Look at everybody who is due; costs no more than they are."""
        while self._due and self._due[0][0] <= now:
            due, user_id = heapq.heappop(self._due)
            user = self._users.get(user_id)
            if user is not None and user.due == due:
                user.due = NEVER
                self.look(user_id, user, now)

    def since(self, counter: int, most: int) -> list[tuple[str, PresenceUser]]:
        """Who changed after the counter, latest first: as of now, however long it takes to go through them."""
        latest = islice(reversed(self._users.items()), most)
        return list(takewhile(lambda entry: entry[1].counter > counter, latest))

    def take_changed(self, most: int) -> list[tuple[str, PresenceUser]]:
        """Own users whose state changed since they were last taken."""
        taken = list(self._changed.items())[:most]
        for user_id, _ in taken:
            del self._changed[user_id]
        return taken

    def put_back(self, taken: list[tuple[str, PresenceUser]]) -> None:
        """They could not be written: they are the first to be taken again."""
        self._changed = {**dict(taken), **self._changed}
