"""Files that go: in quarantine, one by one, all of a user, those that nobody asks for.

Records go first, in one transaction that notes which files nothing refers to any more; those are then removed one by one, each looked at once more
under its lock. What a crash leaves over is taken up by the next removal.
"""

from collections.abc import AsyncIterator

from twisted.logger import Logger

from homeserver.clock import Clock
from homeserver.errors import NotFound
from homeserver.media.locks import NamedLocks
from homeserver.media.store import FilesUnavailable, MediaFiles, MediaRecord, MediaStore

STEP = 100


class Removal:
    """`locks` are shared with whoever keeps files."""

    _log = Logger()

    def __init__(self, store: MediaStore, files: MediaFiles, locks: NamedLocks, clock: Clock) -> None:
        self._store = store
        self._files = files
        self._locks = locks
        self._clock = clock

    async def start(self) -> None:
        """Take up what an earlier run left; where the files cannot be reached just now, the rest of the server starts all the same."""
        try:
            await self._files.clean()
            await self.sweep()
        except FilesUnavailable as error:
            self._log.warn("what an earlier run left of files could not be looked at: {error}", error=error.message)

    async def delete(self, origin: str, media_id: str) -> None:
        if await self._store.remove([(origin, media_id)]) == 0:
            raise NotFound("There is no such file")
        await self.sweep()

    async def delete_all(self, records: list[MediaRecord]) -> None:
        await self._store.remove([(record.origin, record.media_id) for record in records])
        await self.sweep()

    async def delete_of_user(self, user_id: str) -> int:
        """How many there were."""
        count = 0
        while records := await self._store.of_user(user_id, None, STEP):
            count += await self._store.remove([(record.origin, record.media_id) for record in records])
            await self.sweep()
        return count

    async def quarantine(self, origin: str, media_id: str, by: str) -> None:
        """Nobody is served these bytes any more, under whatever ID, until they are released."""
        await self._store.quarantine([await self._digest(origin, media_id)], by, self._clock.now_ms())

    async def release(self, origin: str, media_id: str) -> None:
        await self._store.release([await self._digest(origin, media_id)])

    async def quarantine_of_user(self, user_id: str, by: str) -> int:
        """Everything that user has uploaded."""
        count = 0
        async for digests in self._digests_of(user_id):
            await self._store.quarantine(digests, by, self._clock.now_ms())
            count += len(digests)
        return count

    async def release_of_user(self, user_id: str) -> int:
        count = 0
        async for digests in self._digests_of(user_id):
            await self._store.release(digests)
            count += len(digests)
        return count

    async def forget_reservations(self, before_ms: int, most: int) -> int:
        """Places for uploads that never came, and what did come of those that broke off."""
        await self._files.clean()
        return await self._store.forget_reservations(before_ms, most)

    async def forget_remote(self, before_ms: int, most: int) -> int:
        """Files from elsewhere that nobody has asked for since."""
        return await self._forget(before_ms, most, uploaded=False)

    async def forget_local(self, before_ms: int, most: int) -> int:
        """Files that people uploaded here and nobody has asked for since."""
        return await self._forget(before_ms, most, uploaded=True)

    async def sweep(self) -> None:
        """Remove the files that nothing refers to."""
        while digests := await self._store.leftovers(STEP):
            for digest in digests:
                async with self._locks.hold(digest):
                    if not await self._store.is_referenced(digest):
                        await self._files.delete(digest)
                    await self._store.forget_leftover(digest)

    async def _forget(self, before_ms: int, most: int, *, uploaded: bool) -> int:
        keys = await self._store.unused(before_ms, most, uploaded=uploaded)
        removed = await self._store.remove(keys) if keys else 0
        await self.sweep()
        return removed

    async def _digests_of(self, user_id: str) -> AsyncIterator[list[bytes]]:
        after = None
        while records := await self._store.of_user(user_id, after, STEP):
            yield [record.digest for record in records if record.digest is not None]
            after = _place(records[-1])

    async def _digest(self, origin: str, media_id: str) -> bytes:
        record = await self._store.get(origin, media_id)
        if record is None or record.digest is None:
            raise NotFound("There is no such file")
        return record.digest


def _place(record: MediaRecord) -> tuple[int, str]:
    return record.created_ts, record.media_id
