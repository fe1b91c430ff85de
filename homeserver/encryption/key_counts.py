"""How many keys each device has left, from memory: every answer of /sync says so."""

import orjson

from homeserver.encryption.store import COUNTS_CHANGE, CountsChange, KeyCounts, KeyStore
from homeserver.figures import CacheFigures
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

CACHED_DEVICES = 50_000
COMMON = "signed_curve25519"  # told even when there is none: some clients wait for its name


class ToldCounts:
    """Ready members of the answer; `lost_at`: the position of the last loss that is known here."""

    __slots__ = ("lost_at", "members")

    def __init__(self, counts: KeyCounts, lost_at: int) -> None:
        one_time = orjson.dumps({COMMON: 0, **counts.one_time})
        unused = orjson.dumps(counts.unused_fallback)
        self.members = (
            b'"device_one_time_keys_count":%b,"device_unused_fallback_key_types":%b,"org.matrix.msc2732.device_unused_fallback_key_types":%b'
            % (one_time, unused, unused)
        )
        self.lost_at = lost_at


class KeyCounting:
    def __init__(self, store: KeyStore, streams: Streams) -> None:
        self._store = store
        self._losses: dict[str, int] = {}  # of devices whose counts are not in memory just now
        self._cache: StreamCache[ToldCounts] = StreamCache(self._load, _forget, lambda _: 1, CACHED_DEVICES)
        streams.subscribe(self._follow)

    async def of(self, user_id: str, device_id: str) -> ToldCounts:
        """No suspension for a device in memory."""
        return await self._cache.get(_key(user_id, device_id))

    def at_hand(self, user_id: str, device_id: str) -> ToldCounts | None:
        """As far as memory knows them."""
        return self._cache.peek(_key(user_id, device_id))

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    async def _load(self, key: str) -> ToldCounts:
        user_id, _, device_id = key.partition("\0")
        counts = await self._store.counts(user_id, device_id)
        return ToldCounts(counts, self._losses.get(key, 0))

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._cache.clear()
        for change in changes:
            if change.kind != COUNTS_CHANGE or change.user_id is None:
                continue
            if not isinstance(change.subject, CountsChange):
                self._cache.clear()
                continue
            key = _key(change.user_id, change.subject.device_id)
            if change.subject.is_loss:
                if len(self._losses) >= CACHED_DEVICES:
                    self._losses.clear()
                self._losses[key] = change.position
            self._cache.follow(key, change)


def _forget(_told: ToldCounts, _change: Change) -> bool:
    """A change does not say how many are left."""
    return False


def _key(user_id: str, device_id: str) -> str:
    return f"{user_id}\0{device_id}"
