"""Deactivation: the end of an account (client-server API, "Account deactivation").

First, in one transaction, nobody can use the account any more; then the user leaves all rooms, which may take long and is taken up again after
a restart.
"""

from collections.abc import Mapping
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from homeserver.accounts.store import AccountStore
from homeserver.errors import NotFound, Unavailable


class Rooms(Protocol):
    """What deactivation asks of the rooms."""

    async def leave_all(self, user_id: str) -> None:
        """Leaves every room, refuses every invite and withdraws every knock; safe to be called again after it was cut short."""

    def hide(self, since: Mapping[str, int]) -> None:
        """Of these users, who were erased at these positions, and of no others, the messages are hidden from whoever comes later."""


class Deactivation:
    _log = Logger()

    def __init__(self, store: AccountStore, rooms: Rooms) -> None:
        self._store = store
        self._rooms = rooms
        self._running: set[str] = set()

    async def deactivate(self, user_id: str, *, erase: bool) -> None:
        """Returns when the account is closed; its rooms are left beside that. Raises NotFound."""
        if not await self._store.deactivate(user_id, erase=erase):
            raise NotFound("There is no such user here")
        if erase:
            self._rooms.hide(await self._store.erased())
        self._start(user_id)

    async def resume(self) -> None:
        """Hide what is to be hidden, and go on with what an earlier process did not finish; called once at the start."""
        self._rooms.hide(await self._store.erased())
        for user_id in await self._store.departing():
            self._start(user_id)

    def _start(self, user_id: str) -> None:
        if user_id not in self._running:
            self._running.add(user_id)
            Deferred.fromCoroutine(self._depart(user_id)).addErrback(self._failed, user_id)

    async def _depart(self, user_id: str) -> None:
        try:
            await self._rooms.leave_all(user_id)
            await self._store.departed(user_id)
        finally:
            self._running.discard(user_id)

    def _failed(self, failure: Failure, user_id: str) -> None:
        if failure.check(Unavailable):
            self._log.info("{user} leaves the rest of its rooms at the next start", user=user_id)
        else:
            self._log.failure("{user} did not leave all rooms and will at the next start", failure, user=user_id)
