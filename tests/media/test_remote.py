"""Files of other servers: fetched once, bounded, told as they are and no further."""

from pathlib import Path

import pytest

from config.media import Media as Settings
from homeserver.errors import LimitExceeded, NotFound, RemoteTooLarge
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


def test_who_has_much_fetched_is_slowed_down(tmp_path: Path) -> None:
    parts = MediaParts(tmp_path, Settings(remote_burst_bytes=1000, remote_bytes_per_second=10))
    for name in "abc":
        parts.others.files["other", name] = Sent(b"a" * 600, name.encode() * 500)
    assert run(parts.library.find("other", "a", who="@alice:test")).size == 1100
    with pytest.raises(LimitExceeded) as raised:
        run(parts.library.find("other", "b", who="@alice:test"))
    assert len(parts.others.asked) == 1
    assert run(parts.library.find("other", "a", who="@alice:test")).size == 1100  # it is here
    assert run(parts.library.find("other", "b", who="@bob:test")).size == 1100
    assert run(parts.library.find("other", "c")).size == 1100
    with pytest.raises(NotFound):
        run(parts.library.find("other", "unknown", who="@carol:test"))
    parts.others.files["other", "d"] = parts.others.files["other", "a"]
    assert run(parts.library.find("other", "d", who="@carol:test")).size == 1100  # what was not there counts for nothing
    parts.clock.advance(raised.value.fields["retry_after_ms"] / 1000)
    parts.others.files["other", "e"] = parts.others.files["other", "b"]
    assert run(parts.library.find("other", "e", who="@alice:test")).size == 1100
