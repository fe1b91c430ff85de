"""SQLite's files under watch: dying in the middle of a checkpoint, and losing power, when what was not synced is lost.

A power failure is told by taking back, before the process dies, writes that no sync has followed: some of them or all.
"""

from collections.abc import Callable
from random import Random
from typing import Any

import apsw

WATCHED = apsw.SQLITE_OPEN_MAIN_DB | apsw.SQLITE_OPEN_WAL
SLICE = 1 << 16

Written = Callable[["WatchedFile", int], None]  # about to be written to, and where


class WatchedFiles(apsw.VFS):
    """SQLite's own file system, which tells of writes. SQLite knows it by name for as long as the process lives."""

    def __init__(self, written: Written) -> None:
        self._written = written
        self._base = apsw.vfs_names()[0]
        self.files: list[WatchedFile] = []
        super().__init__("crash", self._base, makedefault=True)

    def xOpen(self, name: Any, flags: list[int]) -> Any:
        if not flags[0] & WATCHED:
            return super().xOpen(name, flags)
        file = WatchedFile(self._written, self._base, name, flags)
        self.files.append(file)
        return file


class WatchedFile(apsw.VFSFile):
    """Remembers what stood where something was written since the last sync."""

    def __init__(self, written: Written, base: str, name: Any, flags: list[int]) -> None:
        self.is_database = bool(flags[0] & apsw.SQLITE_OPEN_MAIN_DB)
        self._written = written
        self._undo: list[tuple[int, bytes]] = []
        self._synced_size = -1
        super().__init__(base, name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._written(self, offset)
        size = super().xFileSize()
        if self._synced_size < 0:
            self._synced_size = size
        length = min(len(data), max(0, size - offset))
        self._undo.append((offset, super().xRead(length, offset) if length else b""))
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        self._undo.clear()
        self._synced_size = -1

    def lose(self, chance: Random) -> None:
        """What was not synced is gone: all of it, or any part."""
        all_of_it = chance.random() < 0.5
        for offset, before in reversed(self._undo):
            if before and (all_of_it or chance.random() < 0.5):
                super().xWrite(before, offset)
        if self._synced_size >= 0 and all_of_it:
            super().xTruncate(self._synced_size)


def lose_power(files: WatchedFiles, chance: Random) -> None:
    for file in files.files:
        file.lose(chance)
