"""Whose push rules are not the default ones. Fills `homeserver.push.store.ListenerStore`."""

from homeserver.push.store import OwnRules
from storage.database import Cursor, Database

PUSH_RULES, IGNORED_USERS = "m.push_rules", "m.ignored_user_list"
# Two bytes are {}.
_OWN_RULES = """SELECT m.user_id, a.type, a.content FROM rooms r JOIN memberships m ON m.room_num = r.room_num
    JOIN account_data a ON a.user_id = m.user_id AND a.room_id = '' AND a.type IN (?, ?)
    WHERE r.room_id = ? AND m.is_local = 1 AND m.membership = 'join' AND length(a.content) > 2"""


class StoredListeners:
    """ListenerStore over a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def own_rules(self, room_id: str) -> list[OwnRules]:
        def question(cursor: Cursor) -> list[OwnRules]:
            found: dict[str, dict[str, bytes]] = {}
            for user_id, type, content in cursor.all(_OWN_RULES, PUSH_RULES, IGNORED_USERS, room_id):
                found.setdefault(user_id, {})[type] = bytes(content)
            return [OwnRules(user_id, set_.get(PUSH_RULES, b""), set_.get(IGNORED_USERS, b"")) for user_id, set_ in found.items()]

        return await self._database.scan(question)
