"""What waits for each device: which messages there are is known in memory, so that a sync without any costs nothing."""

from homeserver.encryption.to_device.store import TO_DEVICE, ToDeviceStore, Waiting
from homeserver.figures import CacheFigures
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

CACHED_DEVICES = 100_000
AT_ONCE = 100


class Inbox:
    """Positions of the first and the last message; 0: there is none. The first may be earlier than what is left."""

    __slots__ = ("first", "last")

    def __init__(self, first: int, last: int) -> None:
        self.first = first
        self.last = last

    def arrive(self, position: int) -> None:
        self.first = self.first or position
        self.last = max(self.last, position)

    def remove(self, until: int) -> None:
        if self.last <= until:
            self.first = self.last = 0
        else:
            self.first = max(self.first, until + 1)


class Inboxes:
    def __init__(self, store: ToDeviceStore, streams: Streams) -> None:
        self._store = store
        self._cache: StreamCache[Inbox] = StreamCache(self._load, _apply, lambda _: 1, CACHED_DEVICES)
        streams.subscribe(self._follow)

    async def read(self, user_id: str, device_id: str, since: int, until: int) -> list[Waiting]:
        """The next messages after `since`, at most AT_ONCE; the device has everything up to `since`, so that goes."""
        inbox = await self._cache.get(_key(user_id, device_id))
        if not inbox.last:
            return []
        if inbox.first <= since:
            await self._store.remove(user_id, device_id, since)
            inbox.remove(since)
        if inbox.last <= since:
            return []
        return await self._store.waiting(user_id, device_id, since, until, AT_ONCE)

    def is_empty(self, user_id: str, device_id: str) -> bool:
        """Whether memory is sure that no message waits."""
        inbox = self._cache.peek(_key(user_id, device_id))
        return inbox is not None and not inbox.last

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    async def _load(self, key: str) -> Inbox:
        user_id, _, device_id = key.partition("\0")
        return Inbox(*await self._store.bounds(user_id, device_id))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._cache.clear()
        for change in changes:
            if change.kind != TO_DEVICE or change.user_id is None:
                continue
            if isinstance(change.subject, str):
                self._cache.follow(_key(change.user_id, change.subject), change)
            else:
                self._cache.clear()


def _apply(inbox: Inbox, change: Change) -> bool:
    inbox.arrive(change.position)
    return True


def _key(user_id: str, device_id: str) -> str:
    return f"{user_id}\0{device_id}"
