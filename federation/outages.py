"""Which servers do not answer, and when each may be tried again: for longer each time, up to a day, by chance spread out, and past a restart.

Only servers that failed are known here, so the others cost nothing. A sign of life, a request of theirs, ends an outage at once.
"""

from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from federation.errors import BackingOff
from federation.store import Outage, OutageStore
from homeserver.clock import Chance, Clock

FIRST_MS: Final = 10_000  # as long as a restart takes
LONGEST_MS: Final = 24 * 3_600_000
GROWTH: Final = 2
JITTER: Final = (0.8, 1.4)
MOST_KNOWN: Final = 50_000  # the one that began first is forgotten then
SAVE_SECONDS: Final = 1.0  # many that fail together are written together


class Outages:
    """`start` before use, `stop` writes what is not written yet."""

    _log = Logger()

    def __init__(self, store: OutageStore, clock: Clock, chance: Chance) -> None:
        self._store = store
        self._clock = clock
        self._chance = chance
        self._known: dict[str, Outage] = {}
        self._unsaved: set[str] = set()
        self._saving: Deferred[None] | None = None
        self._waiting = False
        self._told: list[Callable[[str], None]] = []

    async def start(self) -> None:
        for outage in await self._store.outages():
            self._known.setdefault(outage.destination, outage)

    async def stop(self) -> None:
        if self._saving is not None:
            await self._saving
        await self._save()

    def __len__(self) -> int:
        return len(self._known)

    def tell_recovery(self, listener: Callable[[str], None]) -> None:
        """`listener` is called with the name of each server that answers, or asks, again."""
        self._told.append(listener)

    def of(self, destination: str) -> Outage | None:
        """Of a server that failed and did not show itself since."""
        return self._known.get(destination)

    def retry_ms(self, destination: str) -> int:
        """When it may be tried (0: at once)."""
        outage = self._known.get(destination)
        return 0 if outage is None or outage.retry_ms <= self._clock.now_ms() else outage.retry_ms

    def check(self, destination: str) -> None:
        """Raises BackingOff while it is not to be tried."""
        retry_ms = self.retry_ms(destination)
        if retry_ms:
            raise BackingOff(destination, retry_ms)

    def failed(self, destination: str) -> None:
        """It did not answer. What fails while it is not to be tried, since it began before, counts once."""
        now_ms = self._clock.now_ms()
        outage = self._known.get(destination)
        if outage is not None and outage.retry_ms > now_ms:
            return
        since_ms, interval_ms = (now_ms, FIRST_MS) if outage is None else (outage.since_ms, min(outage.interval_ms * GROWTH, LONGEST_MS))
        pause_ms = min(int(interval_ms * self._chance.uniform(*JITTER)), LONGEST_MS)
        self._known[destination] = Outage(destination, since_ms, now_ms + pause_ms, interval_ms)
        if len(self._known) > MOST_KNOWN:
            forgotten = next(iter(self._known))
            del self._known[forgotten]
            self._note(forgotten)
        self._note(destination)

    def alive(self, destination: str) -> None:
        """It answered, or asked something."""
        if self._known.pop(destination, None) is None:
            return
        self._note(destination)
        for listener in self._told:
            listener(destination)

    def _note(self, destination: str) -> None:
        self._unsaved.add(destination)
        if not self._waiting:
            self._waiting = True
            self._clock.call_later(SAVE_SECONDS, self._begin)

    def _begin(self) -> None:
        self._waiting = False
        if self._saving is None:
            self._saving = Deferred.fromCoroutine(self._save())
            self._saving.addBoth(self._saved)

    def _saved(self, _: object) -> None:
        self._saving = None
        if self._unsaved and not self._waiting:
            self._note(next(iter(self._unsaved)))

    async def _save(self) -> None:
        names, self._unsaved = self._unsaved, set()
        if not names:
            return
        begun = [self._known[name] for name in names if name in self._known]
        try:
            await self._store.put_outages(begun, [name for name in names if name not in self._known])
        except Exception:
            self._log.failure("which servers do not answer could not be written down")
            self._unsaved |= names
