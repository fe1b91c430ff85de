"""A client's transaction IDs: the same one gives the same event (client-server API, "Transaction identifiers").

Each device's known IDs are loaded at its first send and kept in memory from then on, so the hot path asks no database. A retry that overlaps the first
try waits for it: what is answered from memory is answered only once it is on disk.
"""

from collections import OrderedDict

from twisted.internet.defer import Deferred

from homeserver.figures import CacheFigures
from homeserver.rooms.store import RoomStore
from homeserver.streams import Change, Streams

MAX_REMEMBERED = 50_000  # over all devices; a device forgotten is loaded again
MAX_ECHOES = 300  # per device: the newest events whose transaction ID is told in /sync


class _Pending:
    __slots__ = ("waiting",)

    def __init__(self) -> None:
        self.waiting: list[Deferred[str | None]] = []


class DeviceTransactions:
    """One device's transactions."""

    __slots__ = ("_echoes", "_known")

    def __init__(self, known: list[tuple[str, str, str]]) -> None:
        self._known: dict[tuple[str, str], str | _Pending] = {}
        self._echoes: OrderedDict[str, str] = OrderedDict()
        for scope, txn_id, event_id in known:
            self._known[scope, txn_id] = event_id
            self._echo(event_id, txn_id)

    def __len__(self) -> int:
        return len(self._known)

    async def begin(self, scope: str, txn_id: str) -> str | None:
        """The event ID it gave before; None: it is new, and now the caller's to `finish` or `fail`."""
        while True:
            known = self._known.get((scope, txn_id))
            if known is None:
                self._known[scope, txn_id] = _Pending()
                return None
            if isinstance(known, str):
                return known
            turn: Deferred[str | None] = Deferred()
            known.waiting.append(turn)
            event_id = await turn
            if event_id is not None:
                return event_id

    def is_known(self, scope: str, txn_id: str) -> bool:
        """Whether it was used before, or is just being used."""
        return (scope, txn_id) in self._known

    def assign(self, event_id: str, txn_id: str) -> None:
        """The event is about to be committed: whoever sees it in /sync from now on may be told of the ID."""
        self._echo(event_id, txn_id)

    def finish(self, scope: str, txn_id: str, event_id: str) -> None:
        """It is on disk."""
        self._settle(scope, txn_id, event_id)
        self._known[scope, txn_id] = event_id

    def fail(self, scope: str, txn_id: str) -> None:
        """Nothing came of it; the next try is a new one."""
        self._settle(scope, txn_id, None)

    def echo(self, event_id: str) -> str | None:
        """The transaction ID under which this device sent the event."""
        return self._echoes.get(event_id)

    def _settle(self, scope: str, txn_id: str, event_id: str | None) -> None:
        pending = self._known.pop((scope, txn_id), None)
        if isinstance(pending, _Pending):
            for turn in pending.waiting:
                if not turn.called:
                    turn.callback(event_id)

    def _echo(self, event_id: str, txn_id: str) -> None:
        self._echoes[event_id] = txn_id
        while len(self._echoes) > MAX_ECHOES:
            self._echoes.popitem(last=False)

    @property
    def is_idle(self) -> bool:
        return not any(isinstance(entry, _Pending) for entry in self._known.values())


class Transactions:
    """All devices' transactions."""

    def __init__(self, store: RoomStore, streams: Streams) -> None:
        self._store = store
        self._devices: OrderedDict[tuple[str, str], DeviceTransactions] = OrderedDict()
        self._loading: dict[tuple[str, str], list[Deferred[None]]] = {}
        self._loads = 0
        streams.subscribe(self._follow)

    def cached(self, user_id: str, device_id: str) -> DeviceTransactions | None:
        return self._devices.get((user_id, device_id))

    async def of(self, user_id: str, device_id: str) -> DeviceTransactions:
        """The device's transactions, loaded once."""
        key = (user_id, device_id)
        while True:
            device = self._devices.get(key)
            if device is not None:
                self._devices.move_to_end(key)
                return device
            if key in self._loading:
                turn: Deferred[None] = Deferred()
                self._loading[key].append(turn)
                await turn
                continue
            await self._load(key)

    @property
    def figures(self) -> CacheFigures:
        """Entries are devices."""
        return CacheFigures(len(self._devices), sum(map(len, self._devices.values())), MAX_REMEMBERED, self._loads)

    async def _load(self, key: tuple[str, str]) -> None:
        self._loading[key] = []
        self._loads += 1
        try:
            device = DeviceTransactions(await self._store.device_transactions(*key))
            self._devices[key] = device
            self._trim(key)
        finally:
            for turn in self._loading.pop(key):
                if not turn.called:
                    turn.callback(None)

    def _trim(self, newest: tuple[str, str]) -> None:
        total = sum(len(device) for device in self._devices.values())
        for key in list(self._devices):
            if total <= MAX_REMEMBERED:
                break
            if key != newest and self._devices[key].is_idle:
                total -= len(self._devices.pop(key))

    def _follow(self, changes: list[Change]) -> None:
        for change in changes:
            if change.kind == "device_deleted" and change.user_id is not None:
                self._devices.pop((change.user_id, change.subject), None)
