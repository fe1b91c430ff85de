"""When and from where each device was last seen: noted in memory on every request, written at most once a minute, all together."""

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.devices.store import Device, DeviceStore, Seen

FLUSH_SECONDS = 60.0
MAX_WAITING = 50_000  # devices between two writes; more are written at once
MAX_AGENT_CHARACTERS = 200


class LastSeen:
    """`note` is all that a request pays: one dictionary entry."""

    _log = Logger()

    def __init__(self, store: DeviceStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._waiting: dict[tuple[str, str], Seen] = {}
        self._writing: dict[tuple[str, str], Seen] = {}
        self._timer: IDelayedCall | None = None

    def note(self, user_id: str, device_id: str, now_ms: int, ip: str, user_agent: str | None) -> None:
        """Called for every request that a device makes."""
        waiting = self._waiting
        waiting[user_id, device_id] = Seen(user_id, device_id, now_ms, ip, user_agent)
        if self._timer is None:
            self._timer = self._clock.call_later(FLUSH_SECONDS, self._start_flush)
        elif len(waiting) >= MAX_WAITING and not self._writing:
            self._start_flush()

    def refresh(self, device: Device) -> Device:
        """The device with what is known here and not yet written."""
        key = device.user_id, device.device_id
        seen = self._waiting.get(key) or self._writing.get(key)
        if seen is None:
            return device
        return device._replace(last_seen_ts=seen.ts, last_seen_ip=seen.ip, user_agent=seen.user_agent)

    def forget(self, user_id: str, device_ids: Sequence[str]) -> None:
        for device_id in device_ids:
            self._waiting.pop((user_id, device_id), None)

    async def flush(self) -> None:
        """Write what waits; also called when the server stops."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if not self._waiting or self._writing:
            return
        self._writing, self._waiting = self._waiting, {}
        try:
            await self._store.record_seen([_storable(seen) for seen in self._writing.values()])
        finally:
            self._writing = {}

    def _start_flush(self) -> None:
        Deferred.fromCoroutine(self.flush()).addErrback(lambda failure: self._log.failure("last seen was not written", failure))


def _storable(seen: Seen) -> Seen:
    agent = seen.user_agent
    return seen if agent is None else seen._replace(user_agent=agent.replace("\0", "")[:MAX_AGENT_CHARACTERS])
