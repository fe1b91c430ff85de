"""Tells a user's rooms of a new name or picture, in the background (client-server API, "Events on Change of Profile Information").

What is still to be told stands in the database, written together with the change: a crash delays it, nothing loses it. Telling a room what it
knows already does nothing, so the work may begin again at any time.
"""

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import MatrixError, Unavailable
from homeserver.profiles.store import ProfileStore, Untold
from homeserver.protocol.errors import ProtocolError

RETRY_S = 30.0


class MemberProfiles(Protocol):
    """`homeserver.rooms.membership.Membership`."""

    async def update_profile(self, room_id: str, user_id: str) -> None:
        """Tell a joined room of the user's present name and picture, unless it knows them."""


class JoinedRooms(Protocol):
    """A part of `homeserver.rooms.member_store.MemberStore`."""

    async def joined_rooms(self, user_id: str) -> Sequence[str]: ...


class ProfileSpread:
    _log = Logger()

    def __init__(self, store: ProfileStore, rooms: JoinedRooms, members: MemberProfiles, clock: Clock) -> None:
        self._store = store
        self._rooms = rooms
        self._members = members
        self._clock = clock
        self._waiting: dict[str, Untold] = {}
        self._running: Deferred[None] | None = None
        self._retry: IDelayedCall | None = None
        self._stopped = False

    async def start(self) -> None:
        """Take up what was not told before the restart."""
        for untold in await self._store.untold():
            self.begin(untold)

    async def stop(self) -> None:
        """Finish the room that is being told; the rest waits for the next start."""
        self._stopped = True
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
        if self._running is not None:
            await self._running

    def begin(self, untold: Untold) -> None:
        """Tell the user's rooms, soon."""
        self._waiting[untold.user_id] = untold
        if self._running is None and self._retry is None and not self._stopped:
            self._start()

    def _start(self) -> None:
        self._retry = None
        running = self._running = Deferred.fromCoroutine(self._run())
        if running.called:
            self._running = None

    async def _run(self) -> None:
        """One user after the other; one room after the other."""
        try:
            while self._waiting and not self._stopped:
                untold = next(iter(self._waiting.values()))
                if await self._tell(untold):
                    await self._store.told(untold)
                    if self._waiting.get(untold.user_id) == untold:
                        del self._waiting[untold.user_id]
        except Unavailable as error:
            self._log.warn("profiles are told to rooms later: {error}", error=error.message)
            self._try_later()
        except Exception:
            self._log.failure("a profile could not be told to rooms, it is tried again")
            self._try_later()
        finally:
            self._running = None

    async def _tell(self, untold: Untold) -> bool:
        """False: interrupted."""
        for room_id in await self._rooms.joined_rooms(untold.user_id):
            if self._stopped:
                return False
            try:
                await self._members.update_profile(room_id, untold.user_id)
            except Unavailable:
                raise
            except (MatrixError, ProtocolError) as error:
                self._log.info(
                    "{room_id} does not take the new profile of {user_id}: {error}",
                    room_id=room_id,
                    user_id=untold.user_id,
                    error=str(error),
                )
        return True

    def _try_later(self) -> None:
        if not self._stopped:
            self._retry = self._clock.call_later(RETRY_S, self._start)
