"""What clients tried and what they were answered, on file before anything follows from it; so it outlives the client, too."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson


@dataclass(slots=True)
class Message:
    """One message of a sender: `event_id` once it is acknowledged."""

    room_id: str
    sender: str
    number: int
    event_id: str | None = None

    @property
    def txn_id(self) -> str:
        return f"t{self.number}"

    @property
    def body(self) -> str:
        return f"{self.sender}#{self.number}"


class Journal:
    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)
        self.tries = 0
        self.answers = 0

    def tried(self, what: str, *details: Any) -> None:
        self.tries += 1
        self._write("try", what, details)

    def answered(self, what: str, *details: Any) -> None:
        self.answers += 1
        self._write("answer", what, details)

    def close(self) -> None:
        self._file.close()

    def _write(self, *line: Any) -> None:
        self._file.write(orjson.dumps(line) + b"\n")
