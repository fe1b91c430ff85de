"""Reads on behind the stream and hands each event to the pushers of those whom it notifies.

A background reader with a position of its own. It is written now and then, together with how far those pushers have come that have not told all of it
yet; each pusher writes what it has told. So after a crash nothing is missed; what was told and not written down yet is told once more, and gateways
know an event by its ID. A server without pushers reads nothing at all.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import Unavailable
from homeserver.push.pushers.line import Waiting
from homeserver.push.pushers.store import PUSHERS_CHANGE, Progress, Pusher, PusherKey, PusherStore
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams
from homeserver.upkeep.background import Background

AT_ONCE = 200  # events in one step
SAVED_EVERY = 2_000  # positions
RECEIPTS = ("receipt", "private_receipt")


class Told(Protocol):
    @property
    def user_id(self) -> str: ...

    @property
    def tweaks(self) -> Mapping[str, Any]: ...


class Verdicts(Protocol):
    async def notified(self, event: StoredEvent, among: Collection[str] | None = None) -> Sequence[Told]:
        """Whom of these the event notifies, and how."""


class AnyLine(Protocol):
    """What waits for one pusher, of whatever kind."""

    pusher: Pusher
    start: int

    @property
    def behind(self) -> Progress | None: ...

    @property
    def waiting(self) -> int: ...

    def add(self, waiting: Waiting, /) -> None: ...

    def counts_may_have_fallen(self) -> None: ...

    async def stop(self) -> None: ...


class PushReader:
    _log = Logger()

    def __init__(
        self, store: PusherStore, verdicts: Verdicts, make_line: Callable[[Pusher, int], AnyLine], streams: Streams, clock: Clock
    ) -> None:
        self._store = store
        self._verdicts = verdicts
        self._make_line = make_line
        self._streams = streams
        self._lines: dict[str, dict[PusherKey, AnyLine]] = {}  # by user
        self._changed: dict[str, None] = {}  # users whose pushers are no longer as they were
        self._done = 0  # passed up to here
        self._saved = 0
        self._background = Background(self._run, "pushers", clock)

    @property
    def pushers(self) -> int:
        return sum(len(lines) for lines in self._lines.values())

    @property
    def waiting(self) -> int:
        """Notifications that have not been told yet."""
        return sum(line.waiting for lines in self._lines.values() for line in lines.values())

    async def start(self) -> None:
        """Take up what an earlier run left untold, and begin to follow."""
        self._saved = await self._store.position()
        found = await self._store.all()
        for pusher in found:
            self._open(pusher, pusher.position if pusher.behind else max(pusher.position, self._saved))
        starts = [line.start for lines in self._lines.values() for line in lines.values()]
        self._done = min(starts, default=self._streams.position)
        self._background.begin()
        self._streams.subscribe(self._follow)
        self._background.wake()

    async def stop(self) -> None:
        """What was not told waits for the next start."""
        if self._background.stopped:
            return
        await self._background.stop()
        for lines in self._lines.values():
            for line in lines.values():
                await line.stop()
        if self._lines:
            await self._save()

    def _follow(self, changes: list[Change]) -> None:
        if self._background.stopped:
            return
        for change in changes:
            if change.kind == PUSHERS_CHANGE and change.user_id is not None:
                self._changed[change.user_id] = None
            elif change.kind in RECEIPTS and change.user_id in self._lines:
                for line in self._lines[change.user_id].values():
                    line.counts_may_have_fallen()
        if not self._lines and not self._changed and not self._background.is_running:  # a first pusher may just be being looked up
            self._done = self._streams.position
        else:
            self._background.wake()

    async def _run(self) -> None:
        while not self._background.stopped and (self._changed or self._done < self._streams.position):
            await self._step()
            if self._done - self._saved >= SAVED_EVERY and self._lines:
                await self._save()

    async def _step(self) -> None:
        if self._changed:
            user_id = next(iter(self._changed))
            del self._changed[user_id]
            try:
                await self._look_again(user_id)
            except BaseException:
                self._changed[user_id] = None
                raise
            return
        events, done = await self._next(self._streams.position)
        for event in events:
            await self._consider(event)
            self._done = max(self._done, event.position or 0)
        self._done = max(self._done, done)

    async def _next(self, until: int) -> tuple[Sequence[StoredEvent], int]:
        """Events after those that were passed, from memory where it reaches back so far; and up to where these are all."""
        if not self._lines:
            return (), until
        recent = self._streams.recent(self._done)
        if recent is not None:
            changes = [change for change in recent if change.kind == "event"][:AT_ONCE]
            subjects = [change.subject for change in changes if isinstance(change.subject, StoredEvent)]
            if len(subjects) == len(changes):
                return subjects, changes[-1].position if len(changes) == AT_ONCE else until
        events = await self._store.events(self._done, until, AT_ONCE)
        return events, (events[-1].position or until) if len(events) == AT_ONCE else until

    async def _consider(self, event: StoredEvent) -> None:
        position = event.position or 0
        try:
            notified = await self._verdicts.notified(event, self._lines)
        except Unavailable:
            raise
        except Exception:
            self._log.failure("nobody is pushed {event}, for it could not be judged", event=event.event_id)
            return
        for told in notified:
            waiting = Waiting(position, event.event_id, event.ts, dict(told.tweaks))
            for line in self._lines.get(told.user_id, {}).values():
                if position > line.start:
                    line.add(waiting)

    async def _look_again(self, user_id: str) -> None:
        found = {pusher.key: pusher for pusher in await self._store.of_user(user_id)}
        present = self._lines.get(user_id, {})
        for key, line in list(present.items()):
            if key not in found:
                del present[key]
                await line.stop()
            elif line.pusher.kind == found[key].kind:
                line.pusher = found.pop(key)
            else:
                await line.stop()
        for pusher in found.values():
            self._open(pusher, pusher.position)
        if not self._lines.get(user_id):
            self._lines.pop(user_id, None)

    def _open(self, pusher: Pusher, start: int) -> None:
        self._lines.setdefault(pusher.key.user_id, {})[pusher.key] = self._make_line(pusher, start)

    async def _save(self) -> None:
        behind = [line.behind for lines in self._lines.values() for line in lines.values()]
        done = self._done
        await self._store.pass_on(done, [progress for progress in behind if progress is not None])
        self._saved = done
