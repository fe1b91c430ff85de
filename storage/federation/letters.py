"""Messages to devices on other servers. Fills `federation.outbound.store.LetterStore`."""

from collections.abc import Mapping

from federation.outbound.store import LETTER, Letter
from homeserver.streams import Change
from storage.database import Database, Rollback, WriteCursor

_COUNT = "SELECT count(*) FROM outgoing_letters WHERE destination = ?"
_POST = """INSERT INTO outgoing_letters (destination, position, message_id, content) VALUES (?, ?, ?, ?)
    ON CONFLICT (destination, message_id) DO NOTHING"""
_DESTINATIONS = "SELECT DISTINCT destination FROM outgoing_letters"
_WAITING = "SELECT position, content FROM outgoing_letters WHERE destination = ? ORDER BY position LIMIT ?"
_REMOVE = "DELETE FROM outgoing_letters WHERE destination = ? AND position <= ?"
_PAST = """SELECT l.destination, l.position FROM outages o JOIN outgoing_letters l ON l.destination = o.destination
    WHERE o.since_ts < ? LIMIT ?"""
_FORGET = "DELETE FROM outgoing_letters WHERE destination = ? AND position = ?"


class StoredLetters:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def post(self, letters: Mapping[str, bytes], message_id: str, most: int) -> bool:
        def change(cursor: WriteCursor) -> bool:
            for destination, content in letters.items():
                if cursor.value(_COUNT, destination) >= most:
                    raise Rollback(False)
                position = cursor.position()
                cursor.many(_POST, [(destination, position, message_id, content)])
                cursor.announce(Change(position, LETTER, subject=destination))
            return True

        return await self._database.write(change)

    async def destinations(self) -> list[str]:
        rows = await self._database.scan(lambda cursor: cursor.all(_DESTINATIONS))
        return [row[0] for row in rows]

    async def waiting(self, destination: str, most: int) -> list[Letter]:
        rows = await self._database.read(lambda cursor: cursor.all(_WAITING, destination, most))
        return [Letter(position, bytes(content)) for position, content in rows]

    async def remove(self, destination: str, until: int) -> None:
        await self._database.write(lambda cursor: cursor.run(_REMOVE, destination, until))

    async def forget(self, before_ms: int, most: int) -> int:
        def change(cursor: WriteCursor) -> int:
            past = cursor.all(_PAST, before_ms, most)
            if past:
                cursor.many(_FORGET, past)
            return len(past)

        return await self._database.write(change)
