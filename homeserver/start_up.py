"""What must be true before the server starts: a data directory of its own, held by one process, a signing key, and the name it always had.

Whatever stands in the way becomes one line for the person who starts the server.
"""

import errno
import fcntl
import os
import ssl
from pathlib import Path
from typing import Protocol

from homeserver.clock import Chance
from homeserver.protocol.signing import SEED_BYTES, SigningKey, read_key_file

LOCK_FILE = "chatme.lock"
PEM = b"CERTIFICATE-----"


class Accounts(Protocol):
    async def any_account(self) -> str | None: ...


class CannotStart(Exception):
    """The message is one clear line."""


class DataDirectory:
    """The folder of keys and data, made if it is not there; `hold` keeps every other process out until this one ends."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._lock: int | None = None
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except FileExistsError as error:
            raise CannotStart(f"the data directory {path} is no directory") from error
        except OSError as error:
            raise CannotStart(f"the data directory {path} cannot be made: {error.strerror}") from error
        if not os.access(self.path, os.R_OK | os.W_OK | os.X_OK):
            raise CannotStart(f"the data directory {path} cannot be written to by this user")

    def hold(self) -> None:
        """Raises CannotStart while another process holds it. The lock ends with the process, however that ends."""
        file = self.path / LOCK_FILE
        try:
            lock = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise CannotStart(f"the data directory {self.path} cannot be written to: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(lock, 20).decode("ascii", "replace").strip()
            os.close(lock)
            raise CannotStart(f"the data directory {self.path} is in use by another ChatMe (process {holder or 'unknown'})") from error
        try:
            os.ftruncate(lock, 0)
            os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(lock)
            raise CannotStart(f"the data directory {self.path} cannot be written to: {error.strerror}") from error
        self._lock = lock

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def signing_keys(path: str, chance: Chance) -> tuple[SigningKey, ...]:
    """The server's keys from their file, made at the first start and readable by this user alone. The first one signs; the others did so before it."""
    file = Path(path)
    try:
        text = file.read_text("ascii")
    except FileNotFoundError:
        return _written(file, (_new_key(chance),))
    except (OSError, UnicodeDecodeError) as error:
        raise CannotStart(f"the signing key {path} cannot be read: {getattr(error, 'strerror', None) or 'it is no text'}") from error
    try:
        keys = read_key_file(text)
    except ValueError as error:
        raise CannotStart(f"the signing key {path} is damaged: {error}") from error
    if not keys:
        raise CannotStart(f"the signing key {path} is empty: restore it from your copy, or remove it to get a new one")
    return keys


def replace_signing_key(path: str, chance: Chance) -> tuple[SigningKey, ...]:
    """The keys after a new one has been put in front of them. Raises CannotStart, and then nothing has changed."""
    return _written(Path(path), (_new_key(chance), *signing_keys(path, chance)))


async def check_name(name: str, accounts: Accounts) -> None:
    """Every ID in the database ends with the name of the server."""
    user_id = await accounts.any_account()
    if user_id is not None and (was := user_id.partition(":")[2]) != name:
        raise CannotStart(f"this server is {was} and has accounts, such as {user_id}: server.name cannot be changed to {name} any more")


def _new_key(chance: Chance) -> SigningKey:
    return SigningKey.generate(chance.token_bytes(SEED_BYTES), f"a_{chance.token(4)}")


def _written(file: Path, keys: tuple[SigningKey, ...]) -> tuple[SigningKey, ...]:
    """Whole or not at all: a crash leaves no half key."""
    unfinished = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as out:
            out.writelines(key.to_line() for key in keys)
            out.flush()
            os.fsync(out.fileno())
        unfinished.rename(file)
        folder = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(folder)
        os.close(folder)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise CannotStart(f"the signing key {file} cannot be written: {error.strerror}") from error
    return keys


def check_authority(setting: str, path: str) -> None:
    """Certificates are taken apart when they are first needed; what holds none is said at once."""
    try:
        holds_one = PEM in Path(path).read_bytes()
    except OSError as error:
        raise CannotStart(f"{setting}: {path} cannot be read: {error.strerror}") from error
    if not holds_one:
        raise CannotStart(f"{setting}: {path} holds no certificate (PEM)")


def cannot_listen(host: str, port: int, files: tuple[str, ...], error: OSError) -> CannotStart:
    """Why this listener did not open. `files`: its certificate and key."""
    known = {
        errno.EADDRINUSE: f"port {port} of {host} is in use by another program",
        errno.EADDRNOTAVAIL: f"{host} is no address of this machine",
        errno.EACCES: f"this user may not listen on port {port}",
    }
    if error.errno in known and not isinstance(error, ssl.SSLError):
        return CannotStart(known[error.errno])
    for file in files:
        try:
            Path(file).read_bytes()
        except OSError as unread:
            return CannotStart(f"the certificate or key {file} cannot be read: {unread.strerror}")
    if files:
        return CannotStart(f"the certificate {files[0]} or its key {files[1]} cannot be used: {error.strerror or error}")
    return CannotStart(f"cannot listen on port {port} of {host}: {error.strerror or error}")
