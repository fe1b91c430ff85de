"""The key under which pickles are stored: 32 bytes in a file of their own, made at the first need, for the owner's eyes alone."""

import os
from pathlib import Path
from typing import Final

from appservices.assistant.matrix.errors import CannotEncrypt
from appservices.assistant.runtime import Chance

LENGTH: Final = 32


def read_key(path: Path, chance: Chance, *, may_make: bool) -> bytes:
    """Raises CannotEncrypt: where keys are stored already and the file is gone or cut, a new one would only hide that."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        if not may_make:
            raise CannotEncrypt(f"{path} is gone: what it opens cannot be read any more") from None
        return _make(path, chance)
    if len(key) != LENGTH:
        raise CannotEncrypt(f"{path} should hold {LENGTH} bytes")
    return key


def _make(path: Path, chance: Chance) -> bytes:
    key, draft = chance.token_bytes(LENGTH), path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(file, key)
        os.fsync(file)
    finally:
        os.close(file)
    draft.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return key
