"""Files of other servers: fetched once, bounded, told as they are and no further."""

from pathlib import Path

import pytest

from config.media import Media as Settings
from homeserver.errors import NotFound, RemoteTooLarge
from tests.client_api.media.samples import png, png_bomb
from tests.media.parts import MediaParts, Sent
from tests.support.client import run


@pytest.fixture
def parts(tmp_path: Path) -> MediaParts:
    return MediaParts(tmp_path, Settings(max_upload_bytes=100_000))


def test_fetched_once(parts: MediaParts) -> None:
    parts.others.files["other", "a"] = Sent(png(), b"", content_type="image/png", file_name="a\r\nb\ud800.png")
    for _ in range(2):
        record = run(parts.library.find("other", "a"))
        assert (record.uploader, record.content_type, record.file_name, record.size) == (None, "image/png", "ab.png", len(png()))
    assert parts.others.asked == [("other", "a")]


def test_not_fetched(parts: MediaParts) -> None:
    for origin, may_fetch in (("test", True), ("other", False), ("other", True)):
        with pytest.raises(NotFound):
            run(parts.library.find(origin, "a", may_fetch=may_fetch))
    assert parts.others.asked == [("other", "a")]


def test_too_large(parts: MediaParts) -> None:
    for number, sent in enumerate((Sent(b"a", size=100_001), Sent(b"a" * 50_000, b"b" * 50_001))):
        parts.others.files["other", str(number)] = sent
        with pytest.raises(RemoteTooLarge):
            run(parts.library.find("other", str(number)))
    assert parts.on_disk() == 0


def test_a_remote_bomb(parts: MediaParts) -> None:
    parts.others.files["other", "a"] = Sent(png_bomb(), content_type="image/png")
    record = run(parts.library.find("other", "a"))
    with pytest.raises(RemoteTooLarge):
        run(parts.thumbnails.of(record, 32, 32, "crop", moving=False))


def test_bytes_in_quarantine_stay_there(parts: MediaParts) -> None:
    media_id = parts.upload(b"bad")
    run(parts.removal.quarantine("test", media_id, "@admin:test"))
    parts.others.files["other", "a"] = Sent(b"bad")
    with pytest.raises(NotFound):
        run(parts.library.find("other", "a"))
