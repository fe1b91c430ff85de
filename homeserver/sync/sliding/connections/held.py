"""The connections in use, in memory; all others are in the database. A client's next question may come long after, or after a restart, or have been
answered last by another process over the same database.
"""

from collections import OrderedDict
from collections.abc import Coroutine
from typing import Any
from zlib import crc32

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from homeserver.clock import Clock
from homeserver.errors import Unavailable, UnknownPos
from homeserver.figures import CacheFigures
from homeserver.sync.sliding.connections.connection import Connection, Delta
from homeserver.sync.sliding.pos import Pos
from homeserver.sync.sliding.store import ConnectionKey, ConnectionStore

MAX_WEIGHT = 400_000  # rooms, over all connections
TOUCH_MS = 12 * 3_600_000
LOOKS, PAUSE_S = 5, 0.1  # for what another process told a moment ago, and may still be writing down
TAGS, TAG = 90_000, 10**13  # numbers have 18 digits, of which the time takes 13


class Connections:
    _log = Logger()

    def __init__(self, store: ConnectionStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._held: OrderedDict[ConnectionKey, tuple[Connection, int]] = OrderedDict()
        self._weight = 0
        self._loads = 0

    async def at(self, key: ConnectionKey, pos: Pos | None, *, is_ours: bool) -> Connection:
        """The connection at that place; a new one without. Raises UnknownPos. `is_ours`: this process gave the token out since it started."""
        if pos is None:
            return self._anew(key)
        connection = self._known(key, pos, is_ours=is_ours)
        if connection is None:
            loaded = await self._load(key, pos.number, LOOKS if not is_ours else 1)
            connection = self._known(key, pos, is_ours=is_ours) or self._instead(loaded)
        connection.stand_at(pos)
        self._held.move_to_end(key)
        if self._clock.now_ms() - connection.touched_ms > TOUCH_MS:
            connection.touched_ms = self._clock.now_ms()
            self._start(connection, self._store.touch(key, connection.touched_ms))
        return connection

    def _known(self, key: ConnectionKey, pos: Pos, *, is_ours: bool) -> Connection | None:
        """What is held is past where another process has answered since."""
        held = self._held.get(key)
        return held[0] if held is not None and (is_ours or held[0].may_be_at(pos.number)) else None

    async def _load(self, key: ConnectionKey, number: int, looks: int) -> Connection:
        for _ in range(looks - 1):
            self._loads += 1
            try:
                return Connection.restored(key, await self._store.load(key), number)
            except UnknownPos:
                await self._clock.sleep(PAUSE_S)
        self._loads += 1
        return Connection.restored(key, await self._store.load(key), number)

    def _instead(self, loaded: Connection) -> Connection:
        before = self._held.get(loaded.key)
        if before is not None:
            before[0].begin()
        return self._hold(loaded)[0]

    def settle(self, connection: Connection, delta: Delta) -> int:
        """The number after an answer that tells this. It is stored while the answer travels: should the server be killed in that moment, the client
        begins anew."""
        before = connection.number
        number, changes = connection.propose(delta, _first_number(connection.key, self._clock.now_ms()))
        if changes:
            self._start(connection, self._store.save(connection.key, before, changes, self._clock.now_ms()))
            held = self._held.get(connection.key)
            if held is not None and held[0] is connection:
                self._hold(connection)
        return number

    @property
    def figures(self) -> CacheFigures:
        return CacheFigures(len(self._held), self._weight, MAX_WEIGHT, self._loads)

    def _anew(self, key: ConnectionKey) -> Connection:
        number, held = _first_number(key, self._clock.now_ms()), self._held.get(key)
        if held is not None:
            held[0].begin()
            number = max(number, held[0].highest + 1)
        connection = Connection(key, number)
        connection.touched_ms = self._clock.now_ms()
        self._hold(connection)
        return connection

    def _hold(self, connection: Connection) -> tuple[Connection, int]:
        key, weight = connection.key, connection.weight
        before = self._held.pop(key, None)
        self._weight += weight - (0 if before is None else before[1])
        held = self._held[key] = (connection, weight)
        while self._weight > MAX_WEIGHT and len(self._held) > 1:
            _, (_, lost) = self._held.popitem(last=False)
            self._weight -= lost
        return held

    def _start(self, connection: Connection, storing: Coroutine[Deferred[Any], Any, None]) -> None:
        def fail(failure: Failure) -> None:
            connection.lose()
            if not failure.check(Unavailable):
                self._log.failure("the state of a connection was not stored", failure)

        Deferred.fromCoroutine(storing).addErrback(fail)


def _first_number(key: ConnectionKey, now_ms: int) -> int:
    """Higher than those of an earlier connection of that name, and unlike those of others."""
    return crc32("\0".join(key).encode()) % TAGS * TAG + now_ms
