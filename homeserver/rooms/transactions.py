"""Transaction IDs of clients: the same one again gives the same event (client-server API, "Transaction identifiers").

Each device's newest known IDs are loaded at its first send and kept in memory from then on, so the hot path asks no database; it is asked where memory
cannot say for certain that an ID is new. A retry that overlaps the first try waits for it: what is answered from memory is answered only once it is on
disk.
"""

from collections import OrderedDict

from twisted.internet.defer import Deferred

from homeserver.figures import CacheFigures
from homeserver.rooms.store import RoomStore
from homeserver.streams import Change, Streams

MAX_REMEMBERED = 100_000  # over all devices; a device forgotten is loaded again
TRIMMED_AFTER = 1_000  # sends
MAX_OF_DEVICE = 5_000  # also how many are loaded at once
MAX_DOUBTFUL = 1_000  # per device
MAX_ECHOES = 300  # per device: the newest events whose transaction ID is told in /sync

Name = tuple[str, str]  # scope, transaction ID


class DeviceTransactions:
    """One device's transactions."""

    __slots__ = ("_device_id", "_doubtful", "_echoes", "_is_complete", "_known", "_store", "_user_id", "_waiting")

    def __init__(self, store: RoomStore, user_id: str, device_id: str, known: list[tuple[str, str, str]], *, is_complete: bool) -> None:
        """`is_complete`: the store holds no others."""
        self._store = store
        self._user_id = user_id
        self._device_id = device_id
        self._is_complete = is_complete
        self._doubtful: set[Name] = set()
        self._known: dict[Name, str] = {}
        self._waiting: dict[Name, list[Deferred[str | None]]] = {}  # those under way, and who waits for them
        self._echoes: OrderedDict[str, str] = OrderedDict()
        for scope, txn_id, event_id in known:
            self._known[scope, txn_id] = event_id
            self._echo(event_id, txn_id)

    def __len__(self) -> int:
        return len(self._known)

    async def begin(self, scope: str, txn_id: str) -> str | None:
        """The event ID it gave before; None: it is new, and now the caller's to `finish` or `fail`."""
        name = (scope, txn_id)
        while True:
            known = self._known.get(name)
            if known is not None:
                return known
            waiting = self._waiting.get(name)
            if waiting is None:
                self._waiting[name] = []
                return None if self._is_new(name) else await self._find(name)
            turn: Deferred[str | None] = Deferred()
            waiting.append(turn)
            event_id = await turn
            if event_id is not None:
                return event_id

    async def is_known(self, scope: str, txn_id: str) -> bool:
        """Whether it was used before, or is just being used."""
        name = (scope, txn_id)
        if name in self._known or name in self._waiting:
            return True
        return not self._is_new(name) and await self._store.transaction(self._user_id, self._device_id, scope, txn_id) is not None

    def assign(self, event_id: str, txn_id: str) -> None:
        """The event is about to be committed: whoever sees it in /sync from now on may be told of the ID."""
        self._echo(event_id, txn_id)

    def finish(self, scope: str, txn_id: str, event_id: str) -> None:
        """It is on disk."""
        name = (scope, txn_id)
        self._known[name] = event_id
        self._settle(name, event_id)
        if len(self._known) > MAX_OF_DEVICE:
            del self._known[next(iter(self._known))]
            self._is_complete = False

    def fail(self, scope: str, txn_id: str) -> None:
        """Nothing came of it; the next try is a new one."""
        self._settle((scope, txn_id), None)

    def lose(self, scope: str, txn_id: str) -> None:
        """Its commit failed. Where the database went away meanwhile it may be stored all the same: the next try looks."""
        self._doubtful.add((scope, txn_id))
        if len(self._doubtful) > MAX_DOUBTFUL:
            self._doubtful.clear()
            self._is_complete = False
        self.fail(scope, txn_id)

    def echo(self, event_id: str) -> str | None:
        """The transaction ID under which this device sent the event."""
        return self._echoes.get(event_id)

    def _is_new(self, name: Name) -> bool:
        """Whether what memory does not hold is not in the store either."""
        return self._is_complete and name not in self._doubtful

    async def _find(self, name: Name) -> str | None:
        """What the store says, for the one who has begun."""
        try:
            event_id = await self._store.transaction(self._user_id, self._device_id, *name)
        except BaseException:
            self.fail(*name)
            raise
        self._doubtful.discard(name)
        if event_id is not None:
            self.finish(*name, event_id)
        return event_id

    def _settle(self, name: Name, event_id: str | None) -> None:
        for turn in self._waiting.pop(name, ()):
            if not turn.called:
                turn.callback(event_id)

    def _echo(self, event_id: str, txn_id: str) -> None:
        self._echoes[event_id] = txn_id
        while len(self._echoes) > MAX_ECHOES:
            self._echoes.popitem(last=False)

    @property
    def is_idle(self) -> bool:
        return not self._waiting


class Transactions:
    """All devices' transactions."""

    def __init__(self, store: RoomStore, streams: Streams) -> None:
        self._store = store
        self._devices: OrderedDict[tuple[str, str], DeviceTransactions] = OrderedDict()
        self._loading: dict[tuple[str, str], list[Deferred[None]]] = {}
        self._loads = 0
        self._asked = 0
        self._deletions = 0  # what is being read while a device goes may be what it sent
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
                self._asked += 1
                if self._asked % TRIMMED_AFTER == 0:
                    self._trim(key)
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
        """Nothing where a device went meanwhile: to be asked again."""
        self._loading[key] = []
        self._loads += 1
        deletions = self._deletions
        try:
            known = await self._store.device_transactions(*key, MAX_OF_DEVICE)
            if deletions != self._deletions:
                return
            self._devices[key] = DeviceTransactions(self._store, *key, known, is_complete=len(known) < MAX_OF_DEVICE)
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
                self._deletions += 1
                self._devices.pop((change.user_id, change.subject), None)
