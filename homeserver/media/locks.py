"""One at a time, by name: keeping a file and removing it must not meet."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from twisted.internet.defer import DeferredLock


class NamedLocks:
    """The locks in use."""

    def __init__(self) -> None:
        self._locks: dict[object, tuple[DeferredLock, int]] = {}

    @asynccontextmanager
    async def hold(self, name: object) -> AsyncIterator[None]:
        lock, users = self._locks.get(name, (DeferredLock(), 0))
        self._locks[name] = lock, users + 1
        try:
            await lock.acquire()
            try:
                yield
            finally:
                lock.release()
        finally:
            lock, users = self._locks[name]
            if users == 1:
                del self._locks[name]
            else:
                self._locks[name] = lock, users - 1
