"""The user directory. Fills `homeserver.user_directory.store.DirectoryStore`.

A search is a walk over case-folded texts, outside the loop; who may see whom is asked for the matches alone.
"""

from collections.abc import Collection, Sequence
from typing import Any

import orjson

from homeserver.user_directory.store import Affected, Listed, Openness, Person, Query
from storage.database import Cursor, Database, WriteCursor

COUNTER = "user_directory"
WORDS = 5  # in the statement; those a query lacks match everything
MATCHES = 20_000  # looked at for one answer

_POSITION = "SELECT value FROM counters WHERE name = ?"
_SET_POSITION = "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_MEMBERS_CHANGED = "SELECT DISTINCT user_id FROM memberships WHERE position > ? AND position <= ? AND is_local = 0"
_PROFILES_CHANGED = "SELECT user_id FROM profile_changes WHERE position > ? AND position <= ?"
_ROOMS_CHANGED = """SELECT DISTINCT room_num FROM events WHERE position > ? AND position <= ?
    AND type IN ('m.room.join_rules', 'm.room.history_visibility') AND state_key = ''"""
_UNLISTED = """SELECT u.user_id FROM users u LEFT JOIN directory_users d ON d.user_id = u.user_id
    WHERE (u.deactivated = 0 AND u.is_guest = 0 AND d.user_id IS NULL) OR (u.deactivated = 1 AND d.user_id IS NOT NULL)"""
_STRANGERS = """SELECT m.user_id FROM rooms r JOIN memberships m ON m.room_num = r.room_num
    LEFT JOIN directory_users d ON d.user_id = m.user_id
    WHERE r.room_id = ? AND (r.local_joined_count <= 1 OR EXISTS (SELECT 1 FROM partial_rooms p WHERE p.room_num = r.room_num))
    AND m.is_local = 0 AND m.membership = 'join' AND d.user_id IS NULL"""
_OPENNESS = """SELECT e.type, e.body FROM current_state c JOIN events e ON e.num = c.num
    WHERE c.room_num = ? AND c.type IN ('m.room.join_rules', 'm.room.history_visibility') AND c.state_key = ''"""
_REMOTE_MEMBERS = "SELECT user_id FROM memberships WHERE room_num = ? AND is_local = 0 AND membership = 'join'"
_ACCOUNTS = """SELECT u.user_id, n.value, a.value FROM users u
    LEFT JOIN profiles n ON n.user_id = u.user_id AND n.field = 'displayname'
    LEFT JOIN profiles a ON a.user_id = u.user_id AND a.field = 'avatar_url'
    WHERE u.user_id IN ?? AND u.deactivated = 0 AND u.is_guest = 0"""
_STRANGER_NAMES = """SELECT m.user_id, m.displayname, m.avatar_url, d.room_num FROM memberships m
    LEFT JOIN directory_rooms d ON d.room_num = m.room_num
    WHERE m.user_id IN ?? AND m.is_local = 0 AND m.membership = 'join' ORDER BY m.position"""
_PUT = """INSERT INTO directory_users (user_id, search_text, displayname, avatar_url) VALUES (?, ?, ?, ?) ON CONFLICT (user_id) DO UPDATE
    SET search_text = excluded.search_text, displayname = excluded.displayname, avatar_url = excluded.avatar_url"""
_SEARCH = r"""SELECT f.user_id, f.displayname, f.avatar_url FROM (
        SELECT d.user_id, d.displayname, d.avatar_url,
            CASE WHEN d.search_text LIKE ? ESCAPE '\' THEN 0 ELSE 1 END AS inside,
            CASE WHEN d.displayname IS NULL THEN 1 ELSE 0 END AS nameless
        FROM directory_users d
        WHERE d.search_text LIKE ? ESCAPE '\' AND d.search_text LIKE ? ESCAPE '\' AND d.search_text LIKE ? ESCAPE '\'
            AND d.search_text LIKE ? ESCAPE '\' AND d.search_text LIKE ? ESCAPE '\' AND d.user_id LIKE ? ESCAPE '\' AND d.user_id <> ?
        ORDER BY 4, 5, 1 LIMIT ?
    ) f
    WHERE ? = 1
        OR EXISTS (SELECT 1 FROM memberships a JOIN memberships b ON b.room_num = a.room_num
            WHERE a.user_id = f.user_id AND a.membership = 'join' AND b.user_id = ? AND b.membership = 'join')
        OR EXISTS (SELECT 1 FROM memberships m JOIN directory_rooms r ON r.room_num = m.room_num
            WHERE m.user_id = f.user_id AND m.membership = 'join')
    ORDER BY f.inside, f.nameless, f.user_id LIMIT ?"""


def _like(text: str, before: str, after: str = "%") -> str:
    plain = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return before + plain + after


def _text(value: Any) -> str | None:
    """A profile's value, which is JSON, as text."""
    text = None if value is None else orjson.loads(bytes(value))
    return text if isinstance(text, str) else None


def _people(cursor: Cursor, user_ids: list[str]) -> list[Person]:
    people = {row[0]: Person(row[0], _text(row[1]), _text(row[2])) for row in cursor.all(_ACCOUNTS, user_ids)}
    for user_id, displayname, avatar_url, open_room in cursor.all(_STRANGER_NAMES, user_ids):
        if open_room is not None:
            people[user_id] = Person(user_id, displayname, avatar_url)
        else:
            people.setdefault(user_id, Person(user_id, None, None))
    return list(people.values())


class StoredDirectory:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def position(self) -> int:
        position = await self._database.read(lambda cursor: cursor.value(_POSITION, COUNTER))
        return int(position or 0)

    async def affected(self, since: int, until: int) -> Affected:
        def question(cursor: Cursor) -> Affected:
            people = {row[0] for row in cursor.all(_MEMBERS_CHANGED, since, until)}
            people.update(row[0] for row in cursor.all(_PROFILES_CHANGED, since, until))
            return Affected(people, {row[0] for row in cursor.all(_ROOMS_CHANGED, since, until)})

        return await self._database.scan(question)

    async def unlisted(self) -> set[str]:
        return {row[0] for row in await self._database.scan(lambda cursor: cursor.all(_UNLISTED))}

    async def strangers(self, room_id: str) -> set[str]:
        return {row[0] for row in await self._database.scan(lambda cursor: cursor.all(_STRANGERS, room_id))}

    async def room_num(self, room_id: str) -> int | None:
        num = await self._database.read(lambda cursor: cursor.value("SELECT room_num FROM rooms WHERE room_id = ?", room_id))
        return None if num is None else int(num)

    async def openness(self, room_num: int) -> Openness:
        rows = await self._database.read(lambda cursor: cursor.all(_OPENNESS, room_num))
        contents = {type: orjson.loads(b"{" + bytes(body) + b"}").get("content") or {} for type, body in rows}
        return Openness(contents.get("m.room.join_rules", {}), contents.get("m.room.history_visibility", {}))

    async def set_open(self, room_num: int, is_open: bool) -> set[str] | None:
        sql = "SELECT 1 FROM directory_rooms WHERE room_num = ?"
        if (await self._database.read(lambda cursor: cursor.value(sql, room_num)) is not None) == is_open:
            return None

        def change(cursor: WriteCursor) -> None:
            if is_open:
                cursor.run("INSERT INTO directory_rooms (room_num) VALUES (?) ON CONFLICT (room_num) DO NOTHING", room_num)
            else:
                cursor.run("DELETE FROM directory_rooms WHERE room_num = ?", room_num)

        await self._database.write(change)
        return {row[0] for row in await self._database.scan(lambda cursor: cursor.all(_REMOTE_MEMBERS, room_num))}

    async def people(self, user_ids: Collection[str]) -> list[Person]:
        wanted = list(user_ids)
        return await self._database.scan(lambda cursor: _people(cursor, wanted)) if wanted else []

    async def write(self, gone: Sequence[str], listed: Sequence[tuple[Person, str]], position: int) -> None:
        def change(cursor: WriteCursor) -> None:
            if gone:
                cursor.run("DELETE FROM directory_users WHERE user_id IN ??", list(gone))
            if listed:
                cursor.many(_PUT, [(person.user_id, text, person.displayname, person.avatar_url) for person, text in listed])
            cursor.many(_SET_POSITION, [(COUNTER, position)])

        await self._database.write(change)

    async def search(self, query: Query, user_id: str, *, everybody: bool) -> list[Listed]:
        words = [_like(word, "%") for word in query.words[:WORDS]]
        words += ["%"] * (WORDS - len(words))
        server = _like(":" + query.server, "%") if query.server else "%"
        first = _like(query.words[0], "% ")
        parameters = (first, *words, server, user_id, MATCHES, int(everybody), user_id, query.limit)
        rows = await self._database.scan(lambda cursor: cursor.all(_SEARCH, *parameters))
        return [Listed(*row) for row in rows]
