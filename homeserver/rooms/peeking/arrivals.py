"""Wakes who waits for the next event of some rooms, or of his own memberships; and whose account, or whatever else is his alone, is another."""

from collections.abc import Iterable

from twisted.internet.defer import Deferred

from homeserver.streams import Change, Streams


class Arrivals:
    def __init__(self, streams: Streams) -> None:
        self._waiting: dict[str, dict[Deferred[None], None]] = {}
        self._keys: dict[Deferred[None], list[str]] = {}
        streams.subscribe_last(self._follow)

    def wait(self, keys: Iterable[str]) -> Deferred[None]:
        """Fires at the next event of one of the rooms, and at whatever happens to one of the users. Whoever asked gives it up afterwards."""
        arrival: Deferred[None] = Deferred()
        self._keys[arrival] = list(keys)
        for key in self._keys[arrival]:
            self._waiting.setdefault(key, {})[arrival] = None
        return arrival

    def give_up(self, arrival: Deferred[None]) -> None:
        for key in self._keys.pop(arrival, ()):
            waiting = self._waiting.get(key)
            if waiting is None:
                continue
            waiting.pop(arrival, None)
            if not waiting:
                del self._waiting[key]

    def _follow(self, changes: list[Change]) -> None:
        if not self._waiting:
            return
        due: dict[Deferred[None], None] = {} if changes else dict.fromkeys(self._keys)  # none: positions were stepped over
        for change in changes:
            if change.kind == "event" or change.room_id is None:
                for key in (change.room_id, change.user_id):
                    due.update(self._waiting.get(key or "", {}))
        for arrival in due:
            if not arrival.called:
                arrival.callback(None)
