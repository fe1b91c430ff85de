"""Files that go, and those that must stay."""

from pathlib import Path

import pytest

from config.media import Media as Settings
from homeserver.errors import Forbidden, NotFound
from homeserver.media.removal import STEP
from homeserver.media.store import Usage
from tests.client_api.media.samples import png
from tests.media.parts import ALICE, MediaParts, Sent
from tests.support.client import run

DAY_MS = 86_400_000


@pytest.fixture
def parts(tmp_path: Path) -> MediaParts:
    return MediaParts(tmp_path)


def test_deleting_one_of_two_with_the_same_bytes(parts: MediaParts) -> None:
    one, two = parts.upload(b"same"), parts.upload(b"same", "@bob:test")
    assert parts.on_disk() == 1
    run(parts.removal.delete("test", one))
    assert run(parts.library.find("test", two)).size == 4
    with pytest.raises(NotFound):
        run(parts.library.find("test", one))
    run(parts.removal.delete("test", two))
    assert parts.on_disk() == 0
    with pytest.raises(NotFound):
        run(parts.removal.delete("test", two))


def test_thumbnails_go_with_their_picture(parts: MediaParts) -> None:
    media_id = parts.upload(png(1000, 500))
    record = run(parts.library.find("test", media_id))
    for side in (32, 96, 300):
        run(parts.thumbnails.of(record, side, side, "crop", moving=False))
    assert parts.on_disk() == 4
    run(parts.removal.delete("test", media_id))
    assert parts.on_disk() == 0


def test_everything_of_a_user(parts: MediaParts) -> None:
    for number in range(STEP + 5):
        parts.upload(b"%d" % number)
    kept = parts.upload(b"1", "@bob:test")
    run(parts.uploads.keep_place(ALICE))
    assert run(parts.removal.delete_of_user(ALICE)) == STEP + 6
    assert run(parts.store.usage(ALICE)) == Usage(0, 0)
    assert parts.on_disk() == 1
    assert run(parts.library.find("test", kept)).size == 1


def test_quarantine(parts: MediaParts) -> None:
    one, two = parts.upload(b"bad"), parts.upload(b"good")
    run(parts.removal.quarantine("test", one, "@admin:test"))
    again = parts.upload(b"bad", "@bob:test")
    for media_id in (one, again):
        with pytest.raises(NotFound):
            run(parts.library.find("test", media_id))
    assert run(parts.library.find("test", two)).size == 4
    run(parts.removal.release("test", again))
    assert run(parts.library.find("test", one)).size == 3
    assert run(parts.removal.quarantine_of_user(ALICE, "@admin:test")) == 2
    for media_id in (one, two):
        with pytest.raises(NotFound):
            run(parts.library.find("test", media_id))
    with pytest.raises(NotFound):
        run(parts.removal.quarantine("test", "unknown", "@admin:test"))


def test_retention(parts: MediaParts) -> None:
    parts.others.files["other", "a"] = Sent(b"remote")
    run(parts.library.find("other", "a"))
    old, used = parts.upload(b"old"), parts.upload(b"used")
    parts.clock.advance(10 * 86_400)
    run(parts.library.find("test", used))
    before = parts.clock.now_ms() - 5 * DAY_MS
    assert run(parts.removal.forget_local(before, 10)) == 1
    assert run(parts.removal.forget_remote(before, 10)) == 1
    assert run(parts.removal.forget_remote(before, 10)) == 0
    assert run(parts.store.get("other", "a")) is None
    assert run(parts.store.get("test", old)) is None
    assert run(parts.library.find("test", used)).size == 4
    assert parts.on_disk() == 1
    run(parts.library.find("other", "a"))  # fetched once more
    assert len(parts.others.asked) == 2


def test_what_a_crash_left_over_is_taken_up(parts: MediaParts) -> None:
    media_id = parts.upload(b"a")
    run(parts.store.remove([("test", media_id)]))
    assert parts.on_disk() == 1
    run(parts.removal.start())
    assert parts.on_disk() == 0
    media_id = parts.upload(b"a")
    run(parts.store.remove([("test", media_id)]))
    media_id = parts.upload(b"a")  # uploaded again before it was removed
    run(parts.removal.start())
    assert run(parts.files.read(run(parts.library.find("test", media_id)).digest or b"", 0, 9)) == b"a"


def test_an_upload_beyond_the_quota_leaves_nothing(tmp_path: Path) -> None:
    parts = MediaParts(tmp_path, Settings(user_quota_bytes=10))
    parts.upload(b"a" * 10)
    with pytest.raises(Forbidden):
        parts.upload(b"b" * 3)  # its size was not announced
    assert parts.on_disk() == 1
    place_keeper = run(parts.uploads.keep_place("@bob:test"))
    assert place_keeper.expires_ts > parts.clock.now_ms()
