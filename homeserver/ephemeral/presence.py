"""Who is online, idle or away (client-server API, "Presence"), in memory; states and status messages outlive a restart.

The sync endpoint calls `seen` once a request, other endpoints `active` (sent events count by themselves); neither writes nor suspends. One timer for all.
For sync: `await changed_since(counter, for_user)` gives ready m.presence events of users who share a room, and is capped; `counter` as in
`ephemeral.sequence`. Those who wait are told by the ephemeral kind "presence" (`presence_board`). Switched off, everybody is offline.
"""

from collections.abc import Callable, Iterable
from typing import Any

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.ephemeral.acquaintance import Acquaintance
from homeserver.ephemeral.ports import RoomMembers
from homeserver.ephemeral.presence_board import MAX_USERS, PresenceBoard
from homeserver.ephemeral.presence_user import GONE_AFTER_S, OFFLINE, ONLINE, PresenceUser, Shown
from homeserver.ephemeral.sequence import FRESH, Ephemera
from homeserver.ephemeral.store import PresenceRecord, PresenceStore
from homeserver.errors import Forbidden, InvalidParam
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams

TICK_S = 5.0
FLUSH_EVERY_TICKS = 6
FLUSHED_AT_ONCE = 500
MAX_EXAMINED = 2_000  # changed users, for one answer
MAX_ANSWER = 500
MAX_STATUS_BYTES = 1_024
REMOTE_LASTS_S = 1_800.0
PUT_LASTS_S = 300.0  # a state set without syncing holds that long


class Presence:
    _log = Logger()

    def __init__(
        self, store: PresenceStore, members: RoomMembers, ephemera: Ephemera, clock: Clock, streams: Streams, *, enabled: bool
    ) -> None:
        self.enabled = enabled
        self._store = store
        self._acquaintance = Acquaintance(members, streams)
        self._clock = clock
        self._board = PresenceBoard(ephemera, clock)
        self._timer: IDelayedCall | None = None
        self._ticks = 0
        if enabled:
            streams.subscribe(self._follow)

    async def start(self) -> None:
        """Take up who was here before the restart (they have a moment to come back), and begin to keep time."""
        if not self.enabled:
            return
        now = self._clock.monotonic()
        for record in await self._store.worth_knowing(MAX_USERS):
            user = self._board.add(record.user_id, self._recall(record))
            if record.state != OFFLINE:
                user.devices["before the restart"] = (record.state, now + GONE_AFTER_S)
                self._board.look(record.user_id, user, now)
        self._timer = self._clock.call_later(TICK_S, self._tick)

    @property
    def known_users(self) -> int:
        return len(self._board)

    async def stop(self) -> None:
        """Keep no more time; write what is not written yet."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._board.stop()
        while await self._flush():
            pass

    def seen(self, user_id: str, state: str, device_id: str | None, lasting_s: float) -> None:
        """A sync request of that device began, with its `set_presence` and timeout."""
        if not self.enabled:
            return
        user = self._board.get(user_id)
        device = device_id or ""
        now = self._clock.monotonic()
        if state == OFFLINE:
            if user is not None and user.devices.pop(device, None) is not None:
                self._board.look(user_id, user, now)
            return
        if user is None:
            user = self._board.add(user_id, PresenceUser(now))
        held = user.devices.get(device)
        user.devices[device] = (state, now + lasting_s + GONE_AFTER_S)
        if held is None or held[0] != state:
            if state == ONLINE and user.shown.state == OFFLINE:
                user.active_at = now
            self._board.look(user_id, user, now)

    def active(self, user_id: str) -> None:
        """The user did something that shows he is there (sent an event, read, typed)."""
        user = self._board.get(user_id)
        if user is not None and not user.is_remote:
            now = self._clock.monotonic()
            user.act(now)
            if not user.shown.currently_active:
                self._board.look(user_id, user, now)

    async def put(self, user_id: str, state: str, status_msg: str | None, device_id: str | None) -> None:
        """What the user says of himself; on disk when this returns. Raises InvalidParam."""
        if not self.enabled:
            return
        if status_msg is not None and (len(status_msg.encode()) > MAX_STATUS_BYTES or "\0" in status_msg):
            raise InvalidParam(f"status_msg has at most {MAX_STATUS_BYTES} bytes")
        now = self._clock.monotonic()
        user = self._board.get(user_id) or self._board.add(user_id, PresenceUser(now))
        user.status_msg = status_msg
        user.manual = None if state == ONLINE else state
        if state == ONLINE:
            user.act(now)
        if not user.devices and state != OFFLINE:
            user.devices[device_id or ""] = (state, now + PUT_LASTS_S)
        self._board.look(user_id, user, now)
        await self._store.put([self._record(user_id, user)])

    def receive(self, user_id: str, state: str, status_msg: str | None, last_active_ago_ms: int, currently_active: bool) -> None:
        """What another server says of a user of its own."""
        if not self.enabled:
            return
        now = self._clock.monotonic()
        user = self._board.get(user_id) or self._board.add(user_id, PresenceUser(now))
        user.is_remote = True
        user.status_msg = status_msg
        user.active_at = now if currently_active else now - last_active_ago_ms / 1000
        user.devices = {} if state == OFFLINE else {"": (state, now + REMOTE_LASTS_S)}
        self._board.look(user_id, user, now)

    async def of(self, user_id: str, for_user: str) -> dict[str, Any]:
        """How that user is; raises Forbidden when the two share no room."""
        if user_id != for_user and not await self._acquaintance.shares_room(for_user, user_id):
            raise Forbidden("You are not allowed to see their presence")
        user = self._board.get(user_id)
        if user is None and self.enabled:
            record = await self._store.get(user_id)
            user = self._recall(record) if record is not None else None
        if user is None:
            return {"presence": OFFLINE}
        now = self._clock.monotonic()
        return _content(user, user.look(now), now)

    def has_changed(self, counter: int) -> bool:
        """Whether anybody's presence changed after the counter."""
        return self.enabled and bool(self._board.since(counter, 1))

    async def changed_since(self, counter: int, for_user: str, accepts: Callable[[str], bool] | None = None) -> list[bytes]:
        """Ready m.presence events of users (himself too) who share a room with this one and changed after the counter, latest first.

        For FRESH only of those who are not offline. `accepts` says of whom they are wanted at all.
        """
        events: list[bytes] = []
        now = self._clock.monotonic()
        for user_id, user in self._board.since(counter, MAX_EXAMINED):
            if len(events) >= MAX_ANSWER:
                break
            if counter == FRESH and user.shown.state == OFFLINE:
                continue
            if accepts is not None and not accepts(user_id):
                continue
            if user_id == for_user or await self._acquaintance.shares_room(for_user, user_id):
                events.append(_event(user_id, user, now))
        return events

    async def met_since(self, counter: int, for_user: str, user_ids: Iterable[str]) -> list[bytes]:
        """Ready events of those of the users who share a room with this one, are not offline and have not changed after the counter
        (`changed_since` tells of the others): for somebody who just came to share a room with them."""
        now = self._clock.monotonic()
        events: list[bytes] = []
        for user_id in user_ids:
            user = self._board.get(user_id)
            if user is None or user.shown.state == OFFLINE or user.counter > counter or len(events) >= MAX_ANSWER:
                continue
            if await self._acquaintance.shares_room(for_user, user_id):
                events.append(_event(user_id, user, now))
        return events

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            if change.kind == "event" and isinstance(change.subject, StoredEvent):
                self.active(change.subject.sender)

    def _tick(self) -> None:
        self._timer = self._clock.call_later(TICK_S, self._tick)
        self._board.pass_time(self._clock.monotonic())
        self._ticks += 1
        if self._ticks % FLUSH_EVERY_TICKS == 0:
            Deferred.fromCoroutine(self._flush()).addErrback(lambda failure: self._log.failure("presence was not written", failure))

    async def _flush(self) -> bool:
        """Write some of what changed; whether there was anything. What could not be written is kept for the next time."""
        changed = self._board.take_changed(FLUSHED_AT_ONCE)
        if not changed:
            return False
        try:
            await self._store.put([self._record(user_id, user) for user_id, user in changed])
        except BaseException:
            self._board.put_back(changed)
            raise
        return True

    def _record(self, user_id: str, user: PresenceUser) -> PresenceRecord:
        ago_ms = round((self._clock.monotonic() - user.active_at) * 1000)
        return PresenceRecord(user_id, user.shown.state, user.status_msg, self._clock.now_ms() - ago_ms)

    def _recall(self, record: PresenceRecord) -> PresenceUser:
        ago_ms = max(0, self._clock.now_ms() - record.last_active_ts)
        return PresenceUser(self._clock.monotonic() - ago_ms / 1000, record.status_msg)


def _content(user: PresenceUser, shown: Shown, now: float) -> dict[str, Any]:
    content: dict[str, Any] = {"presence": shown.state, "last_active_ago": max(0, round((now - user.active_at) * 1000))}
    if shown.state == ONLINE:
        content["currently_active"] = shown.currently_active
    if shown.status_msg:
        content["status_msg"] = shown.status_msg
    return content


def _event(user_id: str, user: PresenceUser, now: float) -> bytes:
    return orjson.dumps({"type": "m.presence", "sender": str(user_id), "content": _content(user, user.shown, now)})
