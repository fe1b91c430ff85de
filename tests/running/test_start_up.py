"""The data directory and the signing key: made once, kept from others, and clear about what is wrong."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from homeserver.protocol.signing import read_key_file
from homeserver.start_up import LOCK_FILE, PEM, CannotStart, DataDirectory, check_authority, signing_keys
from tests.support.clock import SeededChance

HOLD = "import sys; from homeserver.start_up import DataDirectory; DataDirectory(sys.argv[1]).hold(); print('held', flush=True); input()"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_data_directory_is_made_for_this_user_alone(tmp_path: Path) -> None:
    data = DataDirectory(str(tmp_path / "a" / "data"))
    assert mode(data.path) == 0o700


def test_one_process_holds_it_until_it_ends(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(CannotStart, match=rf"is in use by another ChatMe \(process {holder.pid}\)"):
            DataDirectory(str(tmp_path)).hold()
        holder.kill()
    data = DataDirectory(str(tmp_path))
    data.hold()
    assert (tmp_path / LOCK_FILE).read_text() == f"{os.getpid()}\n"
    data.release()
    DataDirectory(str(tmp_path)).hold()


def test_a_directory_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotStart, match="is no directory"):
        DataDirectory(str(tmp_path / "file"))
    with pytest.raises(CannotStart, match="cannot be made: "):
        DataDirectory(str(tmp_path / "file" / "data"))


def test_a_directory_one_may_not_write_to_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: not mode & os.W_OK)  # who runs the tests as root may write everywhere
    with pytest.raises(CannotStart, match="cannot be written to by this user"):
        DataDirectory(str(tmp_path))


def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    data = DataDirectory(str(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        with pytest.raises(CannotStart, match="cannot be written to: No space left on device"):
            data.hold()
    data.hold()  # nothing of the attempt holds it
    data.release()


def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotStart, match="cannot be written: No space left on device"):
        signing_keys(str(tmp_path / "signing.key"), SeededChance())
    assert list(tmp_path.iterdir()) == []


def test_an_authority_that_is_none_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "none.pem").write_text("no certificate")
    with pytest.raises(CannotStart, match=r"mail.authority: .*none.pem holds no certificate \(PEM\)"):
        check_authority("mail.authority", str(tmp_path / "none.pem"))
    with pytest.raises(CannotStart, match=r"mail.authority: .*absent.pem cannot be read: No such file or directory"):
        check_authority("mail.authority", str(tmp_path / "absent.pem"))
    (tmp_path / "ca.pem").write_bytes(b"a comment\n" + PEM + b"\n")
    check_authority("mail.authority", str(tmp_path / "ca.pem"))


def test_a_signing_key_is_made_once_and_readable_by_this_user_alone(tmp_path: Path) -> None:
    file = tmp_path / "signing.key"
    (made,) = signing_keys(str(file), SeededChance())
    assert mode(file) == 0o600
    assert signing_keys(str(file), SeededChance(1))[0].public_key == made.public_key
    assert read_key_file(file.read_text())[0].key_id == made.key_id
    assert [path.name for path in tmp_path.iterdir()] == ["signing.key"]


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "is empty"), (b"ed25519 a short", "is damaged: line 1"), (b"\xff\xfe", "cannot be read")],
)
def test_a_damaged_signing_key_is_never_replaced(content: bytes, said: str, tmp_path: Path) -> None:
    file = tmp_path / "signing.key"
    file.write_bytes(content)
    with pytest.raises(CannotStart, match=said):
        signing_keys(str(file), SeededChance())
    assert file.read_bytes() == content


def test_a_key_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match="cannot be written: No such file or directory"):
        signing_keys(str(tmp_path / "none" / "signing.key"), SeededChance())
