"""The sequence of what is never stored: typing and presence changes are counted in memory, for sync tokens and wake-ups.

A sync token carries `boot_id` and `counter` beside the durable position; after a restart the boot differs and everything ephemeral is sent anew.
Questions of the form "since that counter" also take FRESH (a reader who knows nothing: an initial sync) and OTHER_BOOT (a reader who may know
anything: an increment over a restart).
"""

from collections.abc import Callable
from typing import Any

from twisted.logger import Logger

FRESH = 0
OTHER_BOOT = -1


class EphemeralChange:
    """`kind` is "typing" (room and user), "typing_still" (the same goes on: for other servers alone) or "presence" (user).

    `counter` is the last number that was taken when it was told.
    """

    __slots__ = ("counter", "kind", "room_id", "subject", "user_id")

    def __init__(self, counter: int, kind: str, room_id: str | None, user_id: str | None, subject: Any) -> None:
        self.counter = counter
        self.kind = kind
        self.room_id = room_id
        self.user_id = user_id
        self.subject = subject

    def __repr__(self) -> str:
        return f"<EphemeralChange {self.counter} {self.kind} {self.room_id} {self.user_id}>"


class Ephemera:
    """The counter, and who wants to know of each step."""

    _log = Logger()

    def __init__(self, boot_id: str) -> None:
        """`boot_id` differs with every start of the server; letters and digits."""
        self.boot_id = boot_id
        self.counter = 0
        self._readers: list[Callable[[EphemeralChange], None]] = []

    def subscribe(self, reader: Callable[[EphemeralChange], None]) -> None:
        """`reader` is told of every change, on the loop; it must not block. Its errors are its own."""
        self._readers.append(reader)

    def count(self) -> int:
        """Take the next number."""
        self.counter += 1
        return self.counter

    def tell(self, kind: str, room_id: str | None, user_id: str | None, subject: Any) -> None:
        """Let the readers know of a change that was counted."""
        change = EphemeralChange(self.counter, kind, room_id, user_id, subject)
        for reader in self._readers:
            try:
                reader(change)
            except Exception:
                self._log.failure("a reader of ephemeral changes failed")

    def since(self, boot_id: str, counter: int) -> int:
        """Where the reader who holds a token stands: its counter, or OTHER_BOOT (also for a future that never was)."""
        return counter if boot_id == self.boot_id and 0 <= counter <= self.counter else OTHER_BOOT
