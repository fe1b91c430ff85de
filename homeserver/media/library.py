"""Finding a file to serve: ours, or another server's, fetched once (client-server API, "Content repository")."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from twisted.internet.defer import Deferred

from config.media import Media as Settings
from homeserver.clock import Clock
from homeserver.errors import NotFound, NotYetUploaded, RemoteTooLarge, TooLarge
from homeserver.media.allowance import Allowance, Bill
from homeserver.media.arrivals import Arrivals
from homeserver.media.content_types import agreed_type, declared_type
from homeserver.media.keep import Keeper, Pieces
from homeserver.media.locks import NamedLocks
from homeserver.media.names import check_media_id, clean_file_name
from homeserver.media.remote import RemoteFile, RemoteMedia
from homeserver.media.store import NO_QUOTA, MediaRecord, MediaStore
from homeserver.waiting import shielded

DEFAULT_WAIT_MS = 20_000
LONGEST_WAIT_MS = 60_000
DAY_MS = 86_400_000


class Library:
    def __init__(
        self, settings: Settings, server_name: str, store: MediaStore, keeper: Keeper, remote: RemoteMedia, arrivals: Arrivals, clock: Clock
    ) -> None:
        self._allowance = Allowance(settings.remote_burst_bytes, settings.remote_bytes_per_second, clock)
        self._settings = settings
        self._server_name = server_name
        self._store = store
        self._keeper = keeper
        self._remote = remote
        self._arrivals = arrivals
        self._clock = clock
        self._fetching = NamedLocks()

    async def find(
        self, origin: str, media_id: str, *, who: str = "", wait_ms: int = DEFAULT_WAIT_MS, may_fetch: bool = True
    ) -> MediaRecord:
        """A record whose file is here. NotFound, NotYetUploaded (after waiting), RemoteTooLarge; LimitExceeded where `who` (a user or an address; "":
        nobody who is held to limits) has had much fetched."""
        check_media_id(media_id)
        wait_ms = min(wait_ms, LONGEST_WAIT_MS)
        record = await self._store.get(origin, media_id)
        if record is None and origin != self._server_name and may_fetch:
            record = await shielded(Deferred.fromCoroutine(self._fetched(origin, media_id, who, wait_ms)))
        if record is not None and record.digest is None:
            record = await self._awaited(record, wait_ms)
        if record is None or record.quarantined:
            raise NotFound("There is no such file")
        await self._note(record)
        return record

    async def _awaited(self, record: MediaRecord, wait_ms: int) -> MediaRecord | None:
        """The record with its file, or None when its place has expired."""
        key = record.origin, record.media_id
        deadline = self._clock.monotonic() + wait_ms / 1000
        while True:
            with self._arrivals.expect(key) as arrival:
                found = await self._store.get(*key)
                if found is None or found.digest is not None:
                    return found
                if found.expires_ts is not None and found.expires_ts <= self._clock.now_ms():
                    return None
                left_ms = int((deadline - self._clock.monotonic()) * 1000)
                if left_ms <= 0:
                    raise NotYetUploaded
                await arrival.within(left_ms)

    async def _fetched(self, origin: str, media_id: str, who: str, wait_ms: int) -> MediaRecord | None:
        """The file of another server, stored here; who asks for the same meanwhile waits for it."""
        async with self._fetching.hold((origin, media_id)):
            known = await self._store.get(origin, media_id)
            if known is not None:
                return known
            with self._allowance.fetching(who) as bill:
                file = await self._remote.fetch(origin, media_id, timeout_ms=wait_ms)
                if file is None:
                    return None
                try:
                    await self._store_fetched(origin, media_id, file, bill)
                except TooLarge as error:
                    raise RemoteTooLarge from error
            return await self._store.get(origin, media_id)  # the same bytes may be in quarantine

    async def _store_fetched(self, origin: str, media_id: str, file: RemoteFile, bill: Bill) -> None:
        most = self._settings.max_upload_bytes
        if file.size is not None and file.size > most:
            raise TooLarge
        async with aclosing(_counted(file.pieces(), bill)) as pieces, self._keeper.receive(Pieces(pieces), most) as sealed:
            now = self._clock.now_ms()
            content_type = agreed_type(declared_type(file.content_type), sealed.head)
            name = clean_file_name(file.file_name)
            record = MediaRecord(origin, media_id, None, now, None, sealed.digest, sealed.size, content_type, name, accessed_ts=now)

            async def add() -> None:
                await self._store.add(record, NO_QUOTA)

            await sealed.keep(add)

    async def _note(self, record: MediaRecord) -> None:
        now = self._clock.now_ms()
        if now - record.accessed_ts > DAY_MS:
            await self._store.touch(record.origin, record.media_id, now)


async def _counted(pieces: AsyncGenerator[bytes, None], bill: Bill) -> AsyncGenerator[bytes, None]:
    async with aclosing(pieces):
        async for piece in pieces:
            bill.size += len(piece)
            yield piece
