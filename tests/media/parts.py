"""The parts of media over a database in memory and a folder."""

from collections.abc import AsyncGenerator
from pathlib import Path

from config.media import S3
from config.media import Media as Settings
from homeserver.media.arrivals import Arrivals
from homeserver.media.keep import Keeper, Whole
from homeserver.media.library import Library
from homeserver.media.locks import NamedLocks
from homeserver.media.remote import RemoteFile
from homeserver.media.removal import Removal
from homeserver.media.store import MediaFiles
from homeserver.media.thumbnails import Thumbnails
from homeserver.media.upload import Upload, Uploads
from homeserver.streams import Streams
from homeserver.workbench import Workbench
from storage.drivers.threads import NoThreads
from storage.media.files import DiskFiles
from storage.media.objects import ObjectFiles, open_bucket
from storage.media.records import StoredMedia
from storage.media.thumbnails import StoredThumbnails
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance
from tests.support.storage import open_memory_database

ALICE = "@alice:test"


class Sent:
    """A file of another server."""

    def __init__(self, *pieces: bytes, content_type: str | None = None, file_name: str | None = None, size: int | None = None) -> None:
        self.content_type = content_type
        self.file_name = file_name
        self.size = size
        self._pieces = pieces

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        for piece in self._pieces:
            yield piece


class Others:
    """Other servers, by the address of their files."""

    def __init__(self) -> None:
        self.files: dict[tuple[str, str], Sent] = {}
        self.asked: list[tuple[str, str]] = []

    async def fetch(self, origin: str, media_id: str, *, timeout_ms: int) -> RemoteFile | None:
        self.asked.append((origin, media_id))
        return self.files.get((origin, media_id))


class MediaParts:
    def __init__(self, folder: Path, settings: Settings | None = None, bucket: S3 | None = None) -> None:
        settings = settings or Settings()
        streams, chance, threads = Streams(), SeededChance(), NoThreads()
        self.folder = folder
        self.clock = FakeClock()
        self.database = run(open_memory_database(streams))
        self.store = StoredMedia(self.database)
        self.others = Others()
        locks = NamedLocks()
        pool = threads.pool("files", 1)
        disk = DiskFiles(folder, pool, self.clock, chance)
        self.files: MediaFiles = ObjectFiles(open_bucket(bucket), pool, self.clock, chance) if bucket else disk
        keeper = Keeper(self.store, self.files, locks)
        self.library = Library(settings, "test", self.store, keeper, self.others, Arrivals(streams, self.clock), self.clock)
        self.uploads = Uploads(settings, "test", self.store, keeper, self.clock, chance)
        self.removal = Removal(self.store, self.files, locks, self.clock)
        self.thumbnails = Thumbnails(
            "test",
            StoredThumbnails(self.database),
            self.files,
            keeper,
            Workbench(threads.pool("images", 1), 1, "Too many pictures", retry_ms=2000),
            most_pixels=settings.max_image_pixels,
        )

    def upload(self, data: bytes, user_id: str = ALICE, size: int | None = None) -> str:
        return run(self.uploads.upload(user_id, Upload(Whole(data), size, "image/png", "a.png")))

    def on_disk(self) -> int:
        """How many files there are, whole or not."""
        return sum(path.is_file() for path in self.folder.rglob("*"))
