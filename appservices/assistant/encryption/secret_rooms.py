"""Which rooms are encrypted: what was once seen to be stays so, whatever the homeserver says later. Needs nothing of the cryptography."""

from dataclasses import dataclass
from typing import Any, Final

from appservices.assistant.journal.keys import KeyJournal

MEGOLM: Final = "m.megolm.v1.aes-sha2"
_WEEK_MS: Final = 604_800_000
_MESSAGES: Final = 100
_MOST_MESSAGES: Final = 10_000
_SHORTEST_MS: Final = 60_000


@dataclass(frozen=True)
class Secrecy:
    """Of a room ("m.room.encryption")."""

    algorithm: str
    period_ms: int = _WEEK_MS
    period_messages: int = _MESSAGES


def read_secrecy(content: dict[str, Any]) -> Secrecy:
    """Periods that make no sense are those of the specification; nobody may keep one key alive for longer than a year."""
    algorithm, period, messages = content.get("algorithm"), content.get("rotation_period_ms"), content.get("rotation_period_msgs")
    return Secrecy(
        algorithm if isinstance(algorithm, str) else "",
        min(max(period, _SHORTEST_MS), 52 * _WEEK_MS) if isinstance(period, int) else _WEEK_MS,
        min(max(messages, 1), _MOST_MESSAGES) if isinstance(messages, int) else _MESSAGES,
    )


class SecretRooms:
    def __init__(self, journal: KeyJournal) -> None:
        self._journal = journal
        self._rooms = {room: Secrecy(algorithm, period, messages) for room, algorithm, period, messages in journal.secret_rooms()}

    def get(self, room: str) -> Secrecy | None:
        return self._rooms.get(room)

    def put(self, room: str, secrecy: Secrecy) -> None:
        if self._rooms.get(room) == secrecy:
            return
        self._journal.put_secret_room(room, secrecy.algorithm, secrecy.period_ms, secrecy.period_messages)
        self._rooms[room] = secrecy

    def forget(self, room: str) -> None:
        self._journal.forget_secret_room(room)
        self._rooms.pop(room, None)
