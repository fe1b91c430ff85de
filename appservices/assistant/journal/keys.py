"""What is written down of keys: pickles under the key of `key_file.py`, beside the journal and in its transactions. No text of any room."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from appservices.assistant.journal.file import JournalFile

ACCOUNT: Final = "account"
_MOST_SESSIONS: Final = 5  # with one device
_WEEK_MS: Final = 7 * 86_400_000


@dataclass(frozen=True)
class RoomKey:
    """An inbound Megolm session. `is_proven`: the device that sent it has shown signed device keys for its Curve25519 key."""

    number: int
    room: str
    session: str
    sender_key: str
    sender: str
    signing_key: str
    is_proven: bool
    is_shareable: bool
    pickle: str


@dataclass(frozen=True)
class Speaking:
    """The outbound session of a room."""

    room: str
    session: str
    since: int
    is_shareable: bool
    pickle: str


class KeyJournal:
    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._has_account = self.own(ACCOUNT) is not None

    @contextmanager
    def together(self) -> Iterator[None]:
        with self._file.together():
            yield

    # ---- which rooms

    def secret_rooms(self) -> list[tuple[str, str, int, int]]:
        """Those that are encrypted: algorithm, for how long and for how many messages a key is used."""
        rows = self._file.rows("SELECT room_id, algorithm, period_ms, period_messages FROM secret_rooms")
        return [(row[0], row[1], row[2], row[3]) for row in rows]

    def put_secret_room(self, room: str, algorithm: str, period_ms: int, messages: int) -> None:
        self._file.write(
            "INSERT OR REPLACE INTO secret_rooms (room_id, algorithm, period_ms, period_messages) VALUES (?, ?, ?, ?)",
            (room, algorithm, period_ms, messages),
        )

    def forget_secret_room(self, room: str) -> None:
        self._file.write("DELETE FROM secret_rooms WHERE room_id = ?", (room,))

    # ---- the device itself

    def has_account(self) -> bool:
        """Whether there ever was an encrypted room."""
        return self._has_account

    def own(self, name: str) -> str | None:
        row = self._file.row("SELECT value FROM own_keys WHERE name = ?", (name,))
        return None if row is None else str(row[0])

    def put_own(self, name: str, value: str) -> None:
        self._has_account = self._has_account or name == ACCOUNT
        self._file.write("INSERT OR REPLACE INTO own_keys (name, value) VALUES (?, ?)", (name, value))

    # ---- Olm

    def sessions_with(self, sender_key: str) -> list[tuple[str, str]]:
        """ID and pickle, those last used first."""
        rows = self._file.rows("SELECT session_id, pickle FROM olm_sessions WHERE sender_key = ? ORDER BY used_at DESC", (sender_key,))
        return [(str(row[0]), str(row[1])) for row in rows]

    def put_session(self, sender_key: str, session: str, pickle: str, used_at: int | None) -> None:
        """`used_at`: when it was made or last read with; None leaves that as it is."""
        if used_at is None:
            self._file.write("UPDATE olm_sessions SET pickle = ? WHERE session_id = ?", (pickle, session))
            return
        self._file.write(
            "INSERT OR REPLACE INTO olm_sessions (session_id, sender_key, used_at, pickle) VALUES (?, ?, ?, ?)",
            (session, sender_key, used_at, pickle),
        )
        self._file.write(
            "DELETE FROM olm_sessions WHERE sender_key = ? AND session_id NOT IN "
            "(SELECT session_id FROM olm_sessions WHERE sender_key = ? ORDER BY used_at DESC LIMIT ?)",
            (sender_key, sender_key, _MOST_SESSIONS),
        )

    def is_new_letter(self, digest: bytes, now_ms: int) -> bool:
        return self._file.write("INSERT OR IGNORE INTO letters (digest, at) VALUES (?, ?)", (digest, now_ms)) == 1

    # ---- Megolm, to read

    def room_keys(self, room: str, session: str) -> list[RoomKey]:
        rows = self._file.rows(
            "SELECT number, room_id, session_id, sender_key, sender, signing_key, is_proven, is_shareable, pickle FROM room_keys "
            "WHERE room_id = ? AND session_id = ?",
            (room, session),
        )
        return [RoomKey(row[0], row[1], row[2], row[3], row[4], row[5], bool(row[6]), bool(row[7]), row[8]) for row in rows]

    def put_room_key(self, key: RoomKey) -> None:
        """Its number is given here."""
        self._file.write(
            "INSERT INTO room_keys (room_id, session_id, sender_key, sender, signing_key, is_proven, is_shareable, pickle) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (room_id, session_id, sender_key) DO UPDATE SET pickle = excluded.pickle, "
            "is_proven = MAX(is_proven, excluded.is_proven), is_shareable = MIN(is_shareable, excluded.is_shareable)",
            (key.room, key.session, key.sender_key, key.sender, key.signing_key, key.is_proven, key.is_shareable, key.pickle),
        )
        self._file.write("UPDATE unread SET has_key = 1 WHERE room_id = ? AND session_id = ?", (key.room, key.session))

    def replace_pickle(self, number: int, pickle: str) -> None:
        self._file.write("UPDATE room_keys SET pickle = ? WHERE number = ?", (pickle, number))

    def prove(self, number: int) -> None:
        self._file.write("UPDATE room_keys SET is_proven = 1 WHERE number = ?", (number,))

    def event_of(self, room_key: int, message: int) -> bytes | None:
        row = self._file.row("SELECT event FROM read_messages WHERE room_key = ? AND message = ?", (room_key, message))
        return None if row is None else bytes(row[0])

    def note_event(self, room_key: int, message: int, event: bytes) -> None:
        self._file.write("INSERT OR IGNORE INTO read_messages (room_key, message, event) VALUES (?, ?, ?)", (room_key, message, event))

    def place_of(self, event: bytes) -> dict[int, int]:
        """Key and message that it was."""
        return {
            int(row[0]): int(row[1]) for row in self._file.rows("SELECT room_key, message FROM read_messages WHERE event = ?", (event,))
        }

    def last_read(self, room: str) -> list[tuple[int, str, int]]:
        """Of each key of the room: number, pickle, the last message read with it; -1 for none."""
        rows = self._file.rows(
            "SELECT number, pickle, (SELECT COALESCE(MAX(message), -1) FROM read_messages WHERE room_key = number) FROM room_keys WHERE room_id = ?",
            (room,),
        )
        return [(int(row[0]), str(row[1]), int(row[2])) for row in rows]

    # ---- what waits for its key

    def wait(self, event: str, room: str, session: str, at: int) -> None:
        self._file.write(
            "INSERT OR IGNORE INTO unread (event_id, room_id, session_id, at, has_key) VALUES (?, ?, ?, ?, 0)", (event, room, session, at)
        )

    def came_late(self) -> list[tuple[str, str]]:
        """Room and event of those that can be read now."""
        return [(str(row[0]), str(row[1])) for row in self._file.rows("SELECT room_id, event_id FROM unread WHERE has_key ORDER BY at")]

    def no_longer_waits(self, event: str) -> None:
        self._file.write("DELETE FROM unread WHERE event_id = ?", (event,))

    # ---- Megolm, to speak

    def speaking(self, room: str) -> Speaking | None:
        row = self._file.row("SELECT room_id, session_id, since, is_shareable, pickle FROM speaking WHERE room_id = ?", (room,))
        return None if row is None else Speaking(row[0], row[1], row[2], bool(row[3]), row[4])

    def put_speaking(self, speaking: Speaking) -> None:
        self._file.write(
            "INSERT OR REPLACE INTO speaking (room_id, session_id, since, is_shareable, pickle) VALUES (?, ?, ?, ?, ?)",
            (speaking.room, speaking.session, speaking.since, speaking.is_shareable, speaking.pickle),
        )

    def fall_silent(self, room: str) -> None:
        """The next message there begins a session."""
        with self.together():
            self._file.write("DELETE FROM shared_keys WHERE session_id IN (SELECT session_id FROM speaking WHERE room_id = ?)", (room,))
            self._file.write("DELETE FROM speaking WHERE room_id = ?", (room,))

    def shared(self, session: str) -> dict[tuple[str, str], tuple[str, str, int]]:
        """(user, device) to (device key, why it was withheld or nothing, when)."""
        rows = self._file.rows("SELECT user_id, device_id, device_key, withheld, at FROM shared_keys WHERE session_id = ?", (session,))
        return {(str(row[0]), str(row[1])): (str(row[2]), str(row[3]), int(row[4])) for row in rows}

    def share(self, session: str, user: str, device: str, device_key: str, withheld: str, at: int) -> None:
        self._file.write(
            "INSERT OR REPLACE INTO shared_keys (session_id, user_id, device_id, device_key, withheld, at) VALUES (?, ?, ?, ?, ?, ?)",
            (session, user, device, device_key, withheld, at),
        )

    # ---- what goes

    def forget_room(self, room: str) -> None:
        with self.together():
            self._file.write("DELETE FROM read_messages WHERE room_key IN (SELECT number FROM room_keys WHERE room_id = ?)", (room,))
            self._file.write("DELETE FROM room_keys WHERE room_id = ?", (room,))
            self._file.write("DELETE FROM unread WHERE room_id = ?", (room,))
            self.fall_silent(room)

    def forget_unread(self, room: str) -> None:
        self._file.write("DELETE FROM unread WHERE room_id = ?", (room,))

    def clean(self, now_ms: int) -> None:
        self._file.write("DELETE FROM letters WHERE at < ?", (now_ms - 4 * _WEEK_MS,))
        self._file.write("DELETE FROM unread WHERE at < ?", (now_ms - _WEEK_MS,))
