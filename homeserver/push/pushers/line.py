"""What waits to be told by one pusher over HTTP, in order: told, tried again after a pause, or dropped when it is stale.

The gateway is told of events one by one, and of counts when they have fallen. What was told is written down before the next is.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Chance, Clock
from homeserver.errors import Unavailable
from homeserver.push.pushers.badges import Badges
from homeserver.push.pushers.gateway import Gateways, Outcome
from homeserver.push.pushers.notification import Named, about_counts, about_event, wants_badges, wants_event_ids_only
from homeserver.push.pushers.store import Progress, Pusher, PusherStore
from homeserver.push.pushers.words import Words
from homeserver.rooms.store import REDACTED, StoredEvent

STALE_MS = 24 * 3_600_000  # an event that could not be told for so long is news no more
MAX_WAITING = 500  # the newest are kept
FIRST_PAUSE_S, LONGEST_PAUSE_S = 2.0, 1_800.0
BADGE_S = 1.0  # receipts that come together are told together


class Waiting(NamedTuple):
    position: int
    event_id: str
    ts: int
    tweaks: dict[str, Any]


class Means(NamedTuple):
    """What all lines share. `event`: by its ID, as it is now."""

    store: PusherStore
    gateways: Gateways
    words: Words
    badges: Badges
    clock: Clock
    chance: Chance
    event: Callable[[str], Awaitable[StoredEvent | None]]


class Line:
    _log = Logger()

    def __init__(self, pusher: Pusher, start: int, means: Means) -> None:
        self.pusher = pusher
        self.start = start  # only what comes after it is told
        self._means = means
        self._waiting: deque[Waiting] = deque()
        self._told_unread: int | None = None
        self._badge_due = False
        self._failures = 0
        self._pause: IDelayedCall | None = None
        self._running: Deferred[None] | None = None
        self._stopped = False

    @property
    def behind(self) -> Progress | None:
        """How far it has come, if something waits."""
        return Progress(self.pusher.key, self._waiting[0].position - 1) if self._waiting else None

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    def add(self, waiting: Waiting) -> None:
        self._waiting.append(waiting)
        if len(self._waiting) > MAX_WAITING:
            self._waiting.popleft()
        self._wake()

    def counts_may_have_fallen(self) -> None:
        """The user has read something."""
        if wants_badges(self.pusher) and not self._badge_due:
            self._badge_due = True
            if self._pause is None and self._running is None:
                self._pause = self._means.clock.call_later(BADGE_S, self._go_on)

    async def stop(self) -> None:
        """What is under way is given up, and told by the next run."""
        self._stopped = True
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._running is not None:
            self._running.cancel()

    def _wake(self) -> None:
        if self._pause is not None and not self._failures:  # a badge that was to wait goes along
            self._pause.cancel()
            self._pause = None
        if self._pause is None and self._running is None and not self._stopped:
            running = self._running = Deferred.fromCoroutine(self._run())
            if running.called:
                self._running = None

    def _go_on(self) -> None:
        self._pause = None
        self._wake()

    async def _run(self) -> None:
        try:
            while not self._stopped and (self._waiting or self._badge_due):
                if not await self._step():
                    self._try_later()
                    return
                self._failures = 0
        except CancelledError:
            return
        except Unavailable:  # the database is away
            self._try_later()
        except Exception:
            self._log.failure("a pusher of {user} stumbled and goes on later", user=self.pusher.key.user_id)
            self._failures += 1
            self._rest(LONGEST_PAUSE_S)
        finally:
            self._running = None

    def _try_later(self) -> None:
        self._failures += 1
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(self._failures, 20))
        self._rest(self._means.chance.uniform(longest / 2, longest))

    def _rest(self, seconds: float) -> None:
        if not self._stopped:
            self._pause = self._means.clock.call_later(seconds, self._go_on)

    async def _step(self) -> bool:
        """Whether it went well; what is stale or gone went well without being told."""
        if not self._waiting:
            return await self._tell_counts()
        first = self._waiting[0]
        event = await self._means.event(first.event_id)
        fresh = first.ts > self._means.clock.now_ms() - STALE_MS
        if event is not None and fresh and not event.flags & REDACTED:
            outcome = await self._tell(event, first.tweaks)
            if outcome is Outcome.FAILED:
                return False
            if outcome is Outcome.REJECTED:
                await self._end()
                return True
        if self._waiting and self._waiting[0] is first:
            self._waiting.popleft()
        await self._means.store.told(Progress(self.pusher.key, first.position), self._means.clock.now_ms())
        return True

    async def _tell(self, event: StoredEvent, tweaks: dict[str, Any]) -> Outcome:
        user_id, words = self.pusher.key.user_id, self._means.words
        unread = await self._means.badges.unread(user_id) if wants_badges(self.pusher) else None
        names = None
        if not wants_event_ids_only(self.pusher):
            room = await words.room(event.room_id, user_id)
            names = Named(await words.sender(event), room, await words.alias(event.room_id))
        outcome = await self._means.gateways.notify(self.pusher, about_event(self.pusher, event, tweaks, names, unread))
        if outcome is Outcome.TOLD:
            self._told_unread, self._badge_due = unread, False
        return outcome

    async def _tell_counts(self) -> bool:
        unread = await self._means.badges.unread(self.pusher.key.user_id)
        if unread != self._told_unread:
            outcome = await self._means.gateways.notify(self.pusher, about_counts(self.pusher, unread))
            if outcome is Outcome.FAILED:
                return False
            if outcome is Outcome.REJECTED:
                await self._end()
                return True
            self._told_unread = unread
        self._badge_due = False
        return True

    async def _end(self) -> None:
        """The gateway wants to hear no more of this key."""
        self._waiting.clear()
        self._badge_due = False
        self._stopped = True
        await self._means.store.remove(self.pusher.key)
