"""Files in a bucket: what people do with them is as on disk, and when it is away, the server says so and goes on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.media import S3
from homeserver.media.store import FilesUnavailable
from tests.client_api.media.samples import png
from tests.media.parts import ALICE, MediaParts, Sent
from tests.support.client import run
from tests.support.s3 import names_in, serve_s3


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serve_s3() as settings:
        yield settings


def test_a_life_of_files(server: S3, tmp_path: Path) -> None:
    parts = MediaParts(tmp_path, bucket=server)
    one, two = parts.upload(png(1000, 500)), parts.upload(png(1000, 500), "@bob:test")
    assert len(names_in(server)) == 1
    record = run(parts.library.find("test", one))
    for side in (32, 96):
        made = run(parts.thumbnails.of(record, side, side, "crop", moving=False))
        assert run(parts.files.read(made.file, 0, 8)) == b"\x89PNG\r\n\x1a\n"
    parts.others.files["other", "a"] = Sent(b"a" * 3_000_000, b"b" * 3_000_000)
    assert run(parts.library.find("other", "a")).size == 6_000_000
    assert len(names_in(server)) == 4
    assert run(parts.removal.forget_remote(parts.clock.now_ms() + 1, 10)) == 1
    run(parts.removal.delete("test", two))
    assert len(names_in(server)) == 3
    assert run(parts.removal.delete_of_user(ALICE)) == 1
    assert names_in(server) == []
    assert parts.on_disk() == 0


def test_a_bucket_that_is_away(server: S3, tmp_path: Path) -> None:
    with serve_s3() as other:
        parts = MediaParts(tmp_path, bucket=other)
        media_id = parts.upload(png(1000, 500))
    record = run(parts.library.find("test", media_id))
    with pytest.raises(FilesUnavailable):
        parts.upload(b"more")
    with pytest.raises(FilesUnavailable):
        run(parts.files.read(record.digest or b"", 0, 10))
    with pytest.raises(FilesUnavailable):
        run(parts.thumbnails.of(record, 32, 32, "crop", moving=False))
    run(parts.removal.start())  # the rest of the server starts all the same
    run(parts.store.remove([("test", media_id)]))
    with pytest.raises(FilesUnavailable):
        run(parts.removal.sweep())
    assert run(parts.store.leftovers(10)) == [record.digest]  # and is removed when it is there again
