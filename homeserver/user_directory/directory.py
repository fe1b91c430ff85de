"""The user directory (client-server API, "User Directory"): finding accounts of this server, and people in rooms that the searcher may see."""

from typing import NamedTuple

from homeserver.user_directory.search_text import query_of
from homeserver.user_directory.store import DirectoryStore, Listed

DEFAULT_LIMIT = 10
MAX_LIMIT = 50


class Found(NamedTuple):
    results: list[Listed]
    limited: bool


class UserDirectory:
    def __init__(self, store: DirectoryStore, *, enabled: bool, search_all_users: bool) -> None:
        """`search_all_users`: accounts and known people are found by everybody, not by those alone who share a room or could."""
        self._store = store
        self._enabled = enabled
        self._search_all_users = search_all_users

    async def search(self, user_id: str, term: str, limit: int = DEFAULT_LIMIT) -> Found:
        """The best matches; never the searcher himself."""
        limit = min(limit, MAX_LIMIT)
        query = query_of(term, limit + 1)
        if query is None or not self._enabled:
            return Found([], False)
        listed = await self._store.search(query, user_id, everybody=self._search_all_users)
        return Found(listed[:limit], len(listed) > limit)
