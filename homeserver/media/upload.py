"""Uploads, at once or to a place that was kept for them (client-server API, "Content repository")."""

from typing import NamedTuple

from config.media import Media as Settings
from homeserver.clock import Chance, Clock
from homeserver.errors import CannotOverwriteMedia, Forbidden, LimitExceeded, MatrixError, NotFound, TooLarge, UserLimitExceeded
from homeserver.media.content_types import agreed_type, declared_type
from homeserver.media.keep import Incoming, Keeper
from homeserver.media.names import MEDIA_ID_LENGTH, check_file_name, check_media_id
from homeserver.media.store import NO_QUOTA, Content, Filled, MediaRecord, MediaStore, Quota

RETRY_MS = 60_000
OVER_QUOTA = "You have uploaded as much as this server allows"


class Upload(NamedTuple):
    """What came with the request."""

    incoming: Incoming
    size: int | None  # as announced
    content_type: str | None
    file_name: str | None


class Place(NamedTuple):
    media_id: str
    expires_ts: int


class Uploads:
    """`about_limits` is the address of a page that says more about them, for who has reached one."""

    def __init__(
        self,
        settings: Settings,
        server_name: str,
        store: MediaStore,
        keeper: Keeper,
        clock: Clock,
        chance: Chance,
        *,
        about_limits: str = "",
    ) -> None:
        self._settings = settings
        self._quota = Quota(settings.user_quota_files, settings.user_quota_bytes)
        self._about_limits = about_limits
        self._server_name = server_name
        self._store = store
        self._keeper = keeper
        self._clock = clock
        self._chance = chance

    async def upload(self, user_id: str, upload: Upload) -> str:
        """The media ID. TooLarge; UserLimitExceeded or Forbidden beyond the quota."""
        file_name = check_file_name(upload.file_name)
        await self._check_size(user_id, upload.size)
        async with self._keeper.receive(upload.incoming, self._settings.max_upload_bytes) as sealed:
            now = self._clock.now_ms()
            content_type = agreed_type(declared_type(upload.content_type), sealed.head)
            media_id = self._chance.token(MEDIA_ID_LENGTH)
            record = MediaRecord(
                self._server_name, media_id, user_id, now, None, sealed.digest, sealed.size, content_type, file_name, accessed_ts=now
            )
            await sealed.keep(lambda: self._record(record))
        return media_id

    async def keep_place(self, user_id: str) -> Place:
        """A media ID whose file comes later; LimitExceeded with too many of them."""
        now = self._clock.now_ms()
        expires = now + self._settings.pending_upload_seconds * 1000
        media_id = self._chance.token(MEDIA_ID_LENGTH)
        record = MediaRecord(self._server_name, media_id, user_id, now, expires, None, 0, "", None, accessed_ts=now)
        if not await self._store.reserve(record, self._settings.pending_uploads):
            raise LimitExceeded("Too many of your uploads have not been sent yet", retry_after_ms=RETRY_MS)
        return Place(media_id, expires)

    async def fill(self, user_id: str, origin: str, media_id: str, upload: Upload) -> None:
        """The file for a place of that user. CannotOverwriteMedia, NotFound, and as `upload`."""
        check_media_id(media_id)
        file_name = check_file_name(upload.file_name)
        await self._check_place(user_id, origin, media_id)
        await self._check_size(user_id, upload.size)
        async with self._keeper.receive(upload.incoming, self._settings.max_upload_bytes) as sealed:
            content_type = agreed_type(declared_type(upload.content_type), sealed.head)
            content = Content(sealed.digest, sealed.size, content_type, file_name)
            await sealed.keep(lambda: self._record_filled(origin, media_id, content))

    async def _record(self, record: MediaRecord) -> None:
        if not await self._store.add(record, self._quota):
            raise self._over_quota()

    async def _record_filled(self, origin: str, media_id: str, content: Content) -> None:
        filled = await self._store.fill(origin, media_id, content, self._clock.now_ms(), self._quota)
        if filled is Filled.TAKEN:
            raise CannotOverwriteMedia
        if filled is Filled.GONE:
            raise NotFound("This media ID has expired")
        if filled is Filled.OVER_QUOTA:
            raise self._over_quota()

    def _over_quota(self) -> MatrixError:
        """Who is told of a limit is told where to read about it, too; where there is no such place, nothing more than that it is not allowed."""
        return UserLimitExceeded(OVER_QUOTA, info_uri=self._about_limits) if self._about_limits else Forbidden(OVER_QUOTA)

    async def _check_place(self, user_id: str, origin: str, media_id: str) -> None:
        record = await self._store.get(origin, media_id) if origin == self._server_name else None
        if record is None:
            raise NotFound("Unknown media ID")
        if record.uploader != user_id:
            raise Forbidden("This media ID was made for somebody else")
        if record.expires_ts is None:
            raise CannotOverwriteMedia
        if record.expires_ts <= self._clock.now_ms():
            raise NotFound("This media ID has expired")

    async def _check_size(self, user_id: str, size: int | None) -> None:
        """Before anything is read, as far as the size is known."""
        if size is not None and size > self._settings.max_upload_bytes:
            raise TooLarge
        if self._quota != NO_QUOTA and self._quota.is_exceeded(await self._store.usage(user_id), size or 0):
            raise self._over_quota()
