"""Files in a bucket, over an independent server of its kind."""

from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO

import pytest

from config.media import S3
from homeserver.media.store import FilesUnavailable, MissingFile
from storage.drivers.threads import NoThreads
from storage.media.files import ABANDONED_MS
from storage.media.objects import PART_BYTES, ObjectFiles, open_bucket
from tests.client_api.media.samples import png
from tests.support.client import run
from tests.support.clock import FakeClock, SeededChance
from tests.support.s3 import names_in, serve_s3

LARGE = bytes(range(256)) * 4096 * 12  # 12 MiB
HELLO = sha256(b"hello world").digest()


@pytest.fixture(scope="module")
def server() -> Iterator[S3]:
    with serve_s3() as settings:
        yield settings


@pytest.fixture
def bucket(server: S3, request: pytest.FixtureRequest) -> S3:
    """A corner of the bucket for each test."""
    return server._replace(prefix=request.node.name)


def files_in(settings: S3, clock: FakeClock | None = None) -> ObjectFiles:
    return ObjectFiles(open_bucket(settings), NoThreads().pool("files", 1), clock or FakeClock(), SeededChance())


def there(settings: S3) -> list[str]:
    return [name.removeprefix(f"{settings.prefix}/") for name in names_in(settings) if name.startswith(settings.prefix)]


def place(digest: bytes) -> str:
    name = digest.hex()
    return f"files/{name[:2]}/{name[2:4]}/{name[4:]}"


async def stored(files: ObjectFiles, data: bytes, piece: int = 65_536) -> bytes:
    writer = await files.begin()
    for start in range(0, len(data), piece):
        await writer.write(data[start : start + piece])
    digest, size = await writer.seal()
    assert size == len(data)
    await writer.keep()
    await writer.discard()
    return digest


def test_a_file_lies_under_its_hash(bucket: S3) -> None:
    files = files_in(bucket)
    for _ in range(2):
        assert run(stored(files, b"hello world", 6)) == HELLO
    assert there(bucket) == [place(HELLO)]
    assert run(files.read(HELLO, 0, 100)) == b"hello world"
    assert run(files.read(HELLO, 6, 3)) == b"wor"
    for _ in range(2):
        run(files.delete(HELLO))
    assert there(bucket) == []
    for ask in (lambda: run(files.read(HELLO, 0, 1)), lambda: run(files.read(HELLO, 0, 0)), lambda: files.open(HELLO)):
        with pytest.raises(MissingFile):
            ask()


def test_an_empty_file(bucket: S3) -> None:
    files = files_in(bucket)
    digest = run(stored(files, b""))
    assert run(files.read(digest, 0, 0)) == b""
    assert files.open(digest).read() == b""


def test_a_large_file_is_sent_in_parts(bucket: S3) -> None:
    files = files_in(bucket)
    digest = sha256(LARGE).digest()
    for _ in range(2):
        assert run(stored(files, LARGE)) == digest
        assert there(bucket) == [place(digest)]
    assert run(files.read(digest, PART_BYTES - 1, 1000)) == LARGE[PART_BYTES - 1 : PART_BYTES + 999]
    with files.open(digest) as file:
        assert file.seek(-5, 2) == len(LARGE) - 5
        assert (file.read(), file.read()) == (LARGE[-5:], b"")
        file.seek(100)
        assert file.read(3) == LARGE[100:103]


def test_what_is_not_kept_is_gone(bucket: S3) -> None:
    files = files_in(bucket)

    async def begin(data: bytes, *, seal: bool) -> None:
        writer = await files.begin()
        await writer.write(data)
        if seal:
            await writer.seal()
        await writer.discard()

    for data in (b"a", LARGE):
        for seal in (False, True):
            run(begin(data, seal=seal))
            assert there(bucket) == []


def test_a_broken_copy_is_replaced(bucket: S3) -> None:
    import obstore

    files = files_in(bucket)
    for data in (b"hello world", LARGE):
        digest = sha256(data).digest()
        obstore.put(open_bucket(bucket), place(digest), b"hello")
        assert run(stored(files, data)) == digest
        assert run(files.read(digest, 0, len(data))) == data


def test_what_a_crash_left_is_removed_when_it_is_old(bucket: S3) -> None:
    import time

    import obstore

    clock = FakeClock()
    files = files_in(bucket, clock)
    obstore.put(open_bucket(bucket), "incoming/left", b"a")
    digest = run(stored(files, b"kept"))
    clock.advance(time.time() - clock.now_ms() / 1000)
    run(files.clean())
    assert len(there(bucket)) == 2
    clock.advance(ABANDONED_MS / 1000 + 10)
    run(files.clean())
    assert there(bucket) == [place(digest)]


def test_pictures_are_read_where_they_lie(bucket: S3) -> None:
    from PIL import Image

    files = files_in(bucket)
    data = png(300, 200)
    with files.open(run(stored(files, data))) as file, Image.open(file) as image:
        assert image.resize((3, 2)).size == Image.open(BytesIO(data)).resize((3, 2)).size


def test_a_store_that_cannot_be_reached_or_refuses(bucket: S3) -> None:
    for wrong in (bucket._replace(endpoint="http://127.0.0.1:9"), bucket._replace(bucket="unknown")):
        files = files_in(wrong)
        with pytest.raises(FilesUnavailable):
            run(stored(files, b"a"))
        with pytest.raises(FilesUnavailable):
            run(stored(files, LARGE))
