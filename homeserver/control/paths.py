"""Where the socket is, and a way around the 107 bytes that a socket's path may have."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SOCKET_FILE = "chatme.sock"
LONGEST = 100


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """The path, or a short one by way of the folder's descriptor; good inside the block."""
    whole = str(path.absolute())
    if len(os.fsencode(whole)) <= LONGEST:
        yield whole
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
