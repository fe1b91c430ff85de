"""What media asks of the storage: records of files, and the bytes themselves."""

from enum import Enum
from typing import BinaryIO, NamedTuple, Protocol

from homeserver.errors import NotFound, Unavailable

RETRY_MS = 5_000
MEDIA = "media"  # kind of the change: a file has arrived; its subject is (origin, media_id)


class MissingFile(NotFound):
    """There is a record of it, but the bytes are gone."""


class FilesUnavailable(Unavailable):
    default_message = "The server cannot reach its files just now, try again"

    def __init__(self) -> None:
        super().__init__(retry_after_ms=RETRY_MS)


class MediaRecord(NamedTuple):
    origin: str
    media_id: str
    uploader: str | None  # None: fetched from elsewhere
    created_ts: int
    expires_ts: int | None  # until when its place is kept; None: the file is here
    digest: bytes | None  # None: not uploaded yet
    size: int
    content_type: str
    file_name: str | None
    accessed_ts: int
    quarantined_by: str | None = None

    @property
    def quarantined(self) -> bool:
        return self.quarantined_by is not None


class Content(NamedTuple):
    """What arrived."""

    digest: bytes
    size: int
    content_type: str
    file_name: str | None


class Thumbnail(NamedTuple):
    digest: bytes  # of the picture it was made from
    variant: str
    file: bytes
    size: int
    content_type: str


class Usage(NamedTuple):
    files: int
    size: int


class Quota(NamedTuple):
    """The most that one user may have uploaded; 0: there is no such limit."""

    files: int = 0
    size: int = 0

    def is_exceeded(self, used: Usage, size: int) -> bool:
        """By one more file of that size."""
        return 0 < self.files <= used.files or 0 < self.size < used.size + size


NO_QUOTA = Quota()


class Filled(Enum):
    """What became of an upload to a kept place."""

    DONE = "done"
    TAKEN = "taken"
    GONE = "gone"
    OVER_QUOTA = "over_quota"


class MediaStore(Protocol):
    async def get(self, origin: str, media_id: str) -> MediaRecord | None: ...

    async def usage(self, user_id: str) -> Usage: ...

    async def add(self, record: MediaRecord, quota: Quota) -> bool:
        """Keep a whole record, counted to its uploader; False: it would go beyond the quota."""

    async def reserve(self, record: MediaRecord, most: int) -> bool:
        """Keep a place; False: that user has so many places already that have not expired when this one is created."""

    async def fill(self, origin: str, media_id: str, content: Content, now_ms: int, quota: Quota) -> Filled:
        """The file for a kept place has arrived; announced as MEDIA."""

    async def touch(self, origin: str, media_id: str, now_ms: int) -> None:
        """Somebody asked for it."""

    async def of_user(self, user_id: str, after: tuple[int, str] | None, limit: int) -> list[MediaRecord]:
        """Their uploads, oldest first, after that (created_ts, media_id)."""

    async def listed(self, user_id: str, offset: int, limit: int, *, newest_first: bool) -> list[MediaRecord]:
        """Their uploads, places for such among them, a page at a time."""

    async def count_of_user(self, user_id: str) -> int:
        """How many `listed` has."""

    async def unused(self, before_ms: int, most: int, *, uploaded: bool) -> list[tuple[str, str]]:
        """Files that nobody has asked for since: those that people uploaded here, or those that were fetched from elsewhere."""

    async def remove(self, keys: list[tuple[str, str]]) -> int:
        """Forget these records, with the thumbnails of files that have no other; such files become leftovers."""

    async def forget_reservations(self, before_ms: int, most: int) -> int:
        """Places that were kept until then."""

    async def quarantine(self, digests: list[bytes], by: str, now_ms: int) -> None: ...

    async def release(self, digests: list[bytes]) -> None: ...

    async def leftovers(self, most: int) -> list[bytes]: ...

    async def is_referenced(self, digest: bytes) -> bool: ...

    async def forget_leftover(self, digest: bytes) -> None: ...


class ThumbnailStore(Protocol):
    async def get(self, digest: bytes, variant: str) -> Thumbnail | None: ...

    async def add(self, thumbnail: Thumbnail) -> bool:
        """False: the picture is gone meanwhile."""


class FileWriter(Protocol):
    """A file that is being written; nobody sees it before `keep`."""

    async def write(self, data: bytes) -> None: ...

    async def seal(self) -> tuple[bytes, int]:
        """Bring it to disk; its SHA-256 and its size."""

    async def keep(self) -> None:
        """Make it readable by its SHA-256; a file that is there already is not stored again."""

    async def discard(self) -> None:
        """Forget what is not kept."""


class MediaFiles(Protocol):
    """Bytes by their SHA-256. FilesUnavailable when the disk is full or away, MissingFile when there is no such file."""

    piece_bytes: int  # how much is best read at a time

    async def begin(self) -> FileWriter: ...

    async def read(self, digest: bytes, start: int, most: int) -> bytes:
        """At most that many bytes; fewer only at the end."""

    def open(self, digest: bytes) -> BinaryIO:
        """For reading here and there. It blocks: to be called in a thread."""

    async def delete(self, digest: bytes) -> None: ...

    async def clean(self) -> None:
        """Remove what earlier runs began to write and did not end."""
