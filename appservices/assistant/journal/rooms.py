"""Rooms that agreed, and people who did not."""

from dataclasses import dataclass, field

import orjson

from appservices.assistant.journal.file import JournalFile


@dataclass(frozen=True)
class RoomRecord:
    room: str
    is_on: bool = False
    by_user: str = ""
    event: str = ""  # by which it was turned on or off
    is_direct: bool = False
    watch: tuple[str, ...] = field(default=())  # what is looked for without being asked: code, links, files


class RoomJournal:
    def __init__(self, file: JournalFile) -> None:
        self._file = file
        self._rooms = {record.room: record for record in self._load()}
        self._out = {str(row[0]) for row in file.rows("SELECT user_id FROM opted_out")}

    def _load(self) -> list[RoomRecord]:
        rows = self._file.rows("SELECT room_id, is_on, by_user, event_id, is_direct, settings FROM rooms")
        return [RoomRecord(row[0], bool(row[1]), row[2], row[3], bool(row[4]), tuple(orjson.loads(row[5])["watch"])) for row in rows]

    def get(self, room: str) -> RoomRecord:
        return self._rooms.get(room) or RoomRecord(room)

    def put(self, record: RoomRecord) -> None:
        settings = orjson.dumps({"watch": record.watch}).decode()
        self._file.write(
            "INSERT INTO rooms (room_id, is_on, by_user, event_id, is_direct, settings) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (room_id) DO UPDATE "
            "SET is_on = excluded.is_on, by_user = excluded.by_user, event_id = excluded.event_id, is_direct = excluded.is_direct, "
            "settings = excluded.settings",
            (record.room, record.is_on, record.by_user, record.event, record.is_direct, settings),
        )
        self._rooms[record.room] = record

    def forget(self, room: str) -> None:
        self._file.forget_room(room)
        self._file.write("DELETE FROM rooms WHERE room_id = ?", (room,))
        self._rooms.pop(room, None)

    def opt_out(self, user: str, is_out: bool) -> None:
        if is_out:
            self._file.write("INSERT OR IGNORE INTO opted_out (user_id) VALUES (?)", (user,))
            self.forget_words(user)
            self._out.add(user)
        else:
            self._file.write("DELETE FROM opted_out WHERE user_id = ?", (user,))
            self._out.discard(user)

    def forget_words(self, user: str) -> None:
        """Proposals that wait for somebody, or were made of what they said."""
        self._file.erase(
            "DELETE FROM proposals WHERE asker = ? OR event_id IN "
            "(SELECT said.event_id FROM said JOIN drawn ON drawn.turn_id = said.turn_id WHERE drawn.sender = ?)",
            (user, user),
        )

    def is_out(self, user: str) -> bool:
        return user in self._out
