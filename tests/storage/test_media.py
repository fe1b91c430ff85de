"""The records of files and thumbnails: quotas, kept places, what is left over, quarantine; files on disk."""

import errno
import os
from collections.abc import Iterator
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from homeserver.media.store import MEDIA, NO_QUOTA, Content, FilesUnavailable, Filled, MediaRecord, MissingFile, Quota, Thumbnail, Usage
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.drivers.threads import NoThreads
from storage.media.files import ABANDONED_MS, DiskFiles, DiskWriter
from storage.media.records import StoredMedia
from storage.media.thumbnails import StoredThumbnails
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance
from tests.support.loop import ThreadLoop

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ALICE = "@alice:test"
A, B, C = (letter * 32 for letter in (b"a", b"b", b"c"))


@pytest.fixture
def logged() -> Iterator[list[LogEvent]]:
    events: list[LogEvent] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        events.append(event)

    globalLogPublisher.addObserver(observe)
    yield events
    globalLogPublisher.removeObserver(observe)


def record(media_id: str, digest: bytes | None = A, *, size: int = 10, uploader: str | None = ALICE, ts: int = 100) -> MediaRecord:
    origin = "test" if uploader else "other"
    return MediaRecord(origin, media_id, uploader, ts, None if digest else ts + 1000, digest, size if digest else 0, "image/png", "ä", ts)


def test_records_come_back(loop: ThreadLoop, database: Database) -> None:
    store = StoredMedia(database)
    for kept in (record("one"), record("two", uploader=None)):
        assert loop.run(store.add(kept, NO_QUOTA))
        assert loop.run(store.get(kept.origin, kept.media_id)) == kept
    assert loop.run(store.get("test", "two")) is None
    assert loop.run(store.usage(ALICE)) == Usage(1, 10)
    loop.run(store.touch("test", "one", 500))
    found = loop.run(store.get("test", "one"))
    assert found is not None
    assert found.accessed_ts == 500


def test_a_second_copy_of_the_same_id_changes_nothing(loop: ThreadLoop, database: Database) -> None:
    store = StoredMedia(database)
    assert loop.run(store.add(record("one"), NO_QUOTA))
    assert loop.run(store.add(record("one", B), NO_QUOTA))
    found = loop.run(store.get("test", "one"))
    assert found is not None
    assert found.digest == A
    assert loop.run(store.usage(ALICE)) == Usage(1, 10)


def test_quota(loop: ThreadLoop, database: Database) -> None:
    store = StoredMedia(database)
    quota = Quota(size=100)
    assert loop.run(store.add(record("one", size=60), quota))
    assert not loop.run(store.add(record("two", size=41), quota))
    assert loop.run(store.add(record("three", size=40), quota))
    assert loop.run(store.get("test", "two")) is None
    assert loop.run(store.remove([("test", "one"), ("test", "one"), ("test", "unknown")])) == 1
    assert loop.run(store.usage(ALICE)) == Usage(1, 40)
    assert loop.run(store.add(record("four"), Quota(files=2)))
    assert not loop.run(store.add(record("five"), Quota(files=2)))


def test_kept_places(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    store = StoredMedia(database)
    changes: list[Change] = []
    streams.subscribe(changes.extend)
    content = Content(A, 10, "text/plain", None)
    assert loop.run(store.reserve(record("one", None), 2))
    assert loop.run(store.reserve(record("two", None, ts=200), 2))
    assert not loop.run(store.reserve(record("three", None, ts=300), 2))
    assert loop.run(store.reserve(record("three", None, ts=1100), 2))  # the first has expired by then
    assert loop.run(store.fill("test", "one", content, 1100, NO_QUOTA)) is Filled.GONE
    assert loop.run(store.fill("test", "unknown", content, 300, NO_QUOTA)) is Filled.GONE
    assert loop.run(store.fill("test", "two", content, 300, Quota(size=9))) is Filled.OVER_QUOTA
    assert loop.run(store.fill("test", "two", content, 300, Quota(size=10))) is Filled.DONE
    assert loop.run(store.fill("test", "two", content, 300, NO_QUOTA)) is Filled.TAKEN
    found = loop.run(store.get("test", "two"))
    assert found == record("two", None, ts=200)._replace(
        expires_ts=None, digest=A, size=10, content_type="text/plain", file_name=None, accessed_ts=300
    )
    assert [(change.kind, change.user_id, change.subject) for change in changes] == [(MEDIA, ALICE, ("test", "two"))]
    assert loop.run(store.usage(ALICE)) == Usage(1, 10)
    assert loop.run(store.forget_reservations(10_000, 1)) == 1
    assert loop.run(store.get("test", "one")) is None
    assert loop.run(store.forget_reservations(10_000, 5)) == 1
    assert loop.run(store.get("test", "two")) == found


def test_files_are_left_over_with_their_last_record(loop: ThreadLoop, database: Database) -> None:
    store, thumbnails = StoredMedia(database), StoredThumbnails(database)
    for kept in (record("one"), record("two"), record("three", C)):
        loop.run(store.add(kept, NO_QUOTA))
    for made in (
        Thumbnail(A, "small", B, 5, "image/png"),
        Thumbnail(A, "large", A, 10, "image/png"),
        Thumbnail(A, "other", C, 1, "image/png"),
    ):
        assert loop.run(thumbnails.add(made))
        assert loop.run(thumbnails.add(made))
        assert loop.run(thumbnails.get(A, made.variant)) == made
    loop.run(store.remove([("test", "one")]))
    assert loop.run(store.leftovers(10)) == []
    loop.run(store.remove([("test", "two")]))
    assert loop.run(store.leftovers(10)) == [A, B]  # C is somebody's upload too
    assert loop.run(thumbnails.get(A, "small")) is None
    assert not loop.run(thumbnails.add(Thumbnail(A, "small", B, 5, "image/png")))
    assert [loop.run(store.is_referenced(digest)) for digest in (A, B, C)] == [False, False, True]
    loop.run(store.forget_leftover(A))
    assert loop.run(store.leftovers(10)) == [B]


def test_uploads_of_a_user_in_order(loop: ThreadLoop, database: Database) -> None:
    store = StoredMedia(database)
    for media_id, ts in (("b", 2), ("a", 2), ("c", 1), ("d", 3)):
        loop.run(store.add(record(media_id, ts=ts), NO_QUOTA))
    loop.run(store.add(record("e", uploader="@bob:test"), NO_QUOTA))
    first = loop.run(store.of_user(ALICE, None, 2))
    assert [found.media_id for found in first] == ["c", "a"]
    assert [found.media_id for found in loop.run(store.of_user(ALICE, (2, "a"), 9))] == ["b", "d"]
    assert [found.media_id for found in loop.run(store.listed(ALICE, 1, 2, newest_first=False))] == ["a", "b"]
    assert [found.media_id for found in loop.run(store.listed(ALICE, 1, 2, newest_first=True))] == ["b", "a"]
    assert loop.run(store.count_of_user(ALICE)) == 4


def test_unused_files(loop: ThreadLoop, database: Database) -> None:
    store = StoredMedia(database)
    for kept in (record("one", ts=3), record("two", ts=1), record("three", None, ts=1), record("four", uploader=None, ts=2)):
        loop.run(store.add(kept, NO_QUOTA))
    assert loop.run(store.unused(3, 9, uploaded=True)) == [("test", "two")]
    assert loop.run(store.unused(9, 1, uploaded=True)) == [("test", "two")]
    assert loop.run(store.unused(9, 9, uploaded=False)) == [("other", "four")]


def test_quarantine_is_of_bytes(loop: ThreadLoop, database: Database) -> None:
    store = StoredMedia(database)
    loop.run(store.add(record("one"), NO_QUOTA))
    loop.run(store.quarantine([A, B], "@admin:test", 5))
    loop.run(store.quarantine([A], "@admin:test", 6))
    loop.run(store.add(record("two"), NO_QUOTA))
    assert [found.quarantined_by for found in loop.run(store.of_user(ALICE, None, 9))] == ["@admin:test"] * 2
    loop.run(store.release([A, C]))
    assert [found.quarantined for found in loop.run(store.of_user(ALICE, None, 9))] == [False, False]


# ---------------------------------------------------------------- files


@pytest.fixture
def files(tmp_path: Path) -> DiskFiles:
    return DiskFiles(tmp_path, NoThreads().pool("files", 1), FakeClock(), SeededChance())


def on_disk(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def stored(files: DiskFiles, *pieces: bytes) -> bytes:
    writer = await files.begin()
    for piece in pieces:
        await writer.write(piece)
    digest, size = await writer.seal()
    assert size == sum(map(len, pieces))
    await writer.keep()
    await writer.discard()
    return digest


def test_a_file_lies_under_its_hash(files: DiskFiles, tmp_path: Path) -> None:
    digest = run(stored(files, b"hello ", b"world"))
    name = sha256(b"hello world").hexdigest()
    assert digest.hex() == name
    assert on_disk(tmp_path) == [f"files/{name[:2]}/{name[2:4]}/{name[4:]}"]
    assert run(files.read(digest, 0, 100)) == b"hello world"
    assert run(files.read(digest, 6, 3)) == b"wor"
    assert run(stored(files, b"hello world")) == digest
    assert len(on_disk(tmp_path)) == 1
    with files.open(digest) as file:
        assert file.read() == b"hello world"
    run(files.delete(digest))
    run(files.delete(digest))
    assert on_disk(tmp_path) == []
    for ask in (lambda: run(files.read(digest, 0, 1)), lambda: files.open(digest)):
        with pytest.raises(MissingFile):
            ask()


def test_what_is_not_kept_is_gone(files: DiskFiles, tmp_path: Path) -> None:
    async def begin() -> None:
        writer = await files.begin()
        await writer.write(b"a")
        assert len(on_disk(tmp_path)) == 1
        await writer.discard()

    run(begin())
    assert on_disk(tmp_path) == []


def test_a_broken_copy_is_replaced(files: DiskFiles, tmp_path: Path) -> None:
    digest = run(stored(files, b"hello world"))
    (tmp_path / on_disk(tmp_path)[0]).write_bytes(b"hello")
    assert run(stored(files, b"hello world")) == digest
    assert run(files.read(digest, 0, 100)) == b"hello world"


def test_what_a_crash_left_is_removed_when_it_is_old(files: DiskFiles, tmp_path: Path) -> None:
    run(files.clean())
    for _ in range(2):
        run(run(files.begin()).seal())
    now = FakeClock().now_ms()
    old, new = (tmp_path / path for path in on_disk(tmp_path))
    os.utime(old, (0, (now - ABANDONED_MS) / 1000 - 1))
    os.utime(new, (0, now / 1000))
    run(files.clean())
    assert on_disk(tmp_path) == [str(new.relative_to(tmp_path))]


def test_an_upload_that_ends_meanwhile_is_no_error(files: DiskFiles, tmp_path: Path) -> None:
    run(run(files.begin()).seal())
    (left,) = (tmp_path / path for path in on_disk(tmp_path))
    os.utime(left, (0, 0))
    (left.parent / "gone").symlink_to("nowhere")  # listed, and not to be found
    run(files.clean())
    assert on_disk(tmp_path) == []


def test_a_disk_that_refuses(tmp_path: Path, logged: list[LogEvent]) -> None:
    (tmp_path / "incoming").write_text("in the way")
    with pytest.raises(FilesUnavailable) as raised:
        run(DiskFiles(tmp_path, NoThreads().pool("files", 1), FakeClock(), SeededChance()).begin())
    assert (raised.value.status, raised.value.fields) == (503, {"retry_after_ms": 5000})
    [line] = map(formatEvent, logged)
    assert line.startswith("the disk refuses what it is asked for files: [Errno ")


class Filling(FileIO):
    """Takes a few bytes at once, as a disk does in the moment when it becomes full, and then nothing."""

    def __init__(self, path: Path, *, room: int) -> None:
        super().__init__(path, "x")
        self.room = room

    def write(self, data: "ReadableBuffer", /) -> int:
        taken = bytes(data)[: min(3, self.room)]
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(taken)
        return super().write(taken)


def test_what_a_disk_takes_in_parts_is_written_whole_or_refused(tmp_path: Path) -> None:
    pool = NoThreads().pool("files", 1)
    writer = DiskWriter(tmp_path / "whole", Filling(tmp_path / "whole", room=100), lambda _: tmp_path / "kept", pool)
    run(writer.write(b"0123456789"))
    assert run(writer.seal()) == (sha256(b"0123456789").digest(), 10)
    assert (tmp_path / "whole").read_bytes() == b"0123456789"
    with Filling(tmp_path / "full", room=8) as disk:
        full = DiskWriter(tmp_path / "full", disk, lambda _: tmp_path / "kept", pool)
        with pytest.raises(FilesUnavailable):
            run(full.write(b"0123456789"))
