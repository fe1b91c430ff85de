"""Account data of users, global and per room (client-server API, "Client Config", "Ignoring Users").

For sync: `await of(user_id)` (no suspension when the user is in memory) gives a `UserData`, whose questions are synchronous:
`global_events()` and `room_events(room_id)` for an initial sync, `since(position, until)` for an increment. `UserData.position` is the last change,
so an increment with nothing new costs one comparison. Changes are announced as Change("account_data", room ID or None, user ID).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import orjson

from homeserver.account_data.store import GLOBAL, AccountDataStore, Entry, Marker, Put
from homeserver.errors import BadJson, InvalidParam, NotFound, TooLarge
from homeserver.figures import CacheFigures
from homeserver.rooms.members.limits import UserLimits
from homeserver.stream_cache import StreamCache
from homeserver.streams import Change, Streams

FULLY_READ = "m.fully_read"
PUSH_RULES = "m.push_rules"
IGNORED_USERS = "m.ignored_user_list"
MANAGED_TYPES = frozenset({FULLY_READ, PUSH_RULES})
MAX_TYPE_BYTES = 255
MAX_CONTENT_BYTES = 1_048_576
CACHED_BYTES = 48_000_000
ENTRY_BYTES = 400  # what an entry takes besides its bytes

Making = Callable[[str, bytes], bytes]  # from the user ID and what is stored (empty: nothing) to the content that clients are shown


class ServerManaged(BadJson):
    """Clients may read this type, never write it."""

    status, default_message = 405, "This type of account data is controlled by the server"


class UserData:
    """All account data of one user, in the order of the last changes."""

    __slots__ = ("_entries", "_ignored", "_made", "_rooms", "_user_id", "position", "weight")

    def __init__(self, user_id: str, entries: Iterable[Entry], made: Mapping[str, Making]) -> None:
        self._user_id = user_id
        self._made = made
        self._entries: dict[tuple[str, str], Entry] = {}
        self._rooms: dict[str, dict[str, Entry]] = {}
        self._ignored: frozenset[str] | None = None
        self.position = 0
        self.weight = 1_000
        for entry in entries:
            self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """Take up a change; one known already is ignored."""
        if entry.room_id == GLOBAL and entry.type in self._made:
            stored = b"" if entry.deleted else entry.content
            entry = Entry(GLOBAL, entry.type, self._made[entry.type](self._user_id, stored), entry.position)
        key = (entry.room_id, entry.type)
        before = self._entries.get(key)
        if before is not None:
            if before.position >= entry.position:
                return
            del self._entries[key]
            self.weight -= len(before.event) + ENTRY_BYTES
        self._entries[key] = entry
        self._rooms.setdefault(entry.room_id, {})[entry.type] = entry
        self.weight += len(entry.event) + ENTRY_BYTES
        self.position = max(self.position, entry.position)
        if entry.type == IGNORED_USERS and entry.room_id == GLOBAL:
            self._ignored = None

    def content(self, room_id: str, type: str) -> bytes | None:
        """The content as JSON; None when there is none. What the server makes counts."""
        entry = self._entries.get((room_id, type))
        if entry is not None:
            return None if entry.deleted else entry.content
        making = self._made.get(type) if room_id == GLOBAL else None
        return making(self._user_id, b"") if making is not None else None

    def last_change(self, type: str) -> int:
        """The position at which global data of the type last changed; 0: never."""
        entry = self._entries.get((GLOBAL, type))
        return 0 if entry is None else entry.position

    def global_events(self) -> list[bytes]:
        """Ready events, those that the server makes included."""
        held = self._rooms.get(GLOBAL, {})
        events = [entry.event for entry in held.values() if not entry.deleted]
        for type, making in self._made.items():
            if type not in held:
                events.append(Entry(GLOBAL, type, making(self._user_id, b""), 0).event)
        return events

    def room_events(self, room_id: str) -> list[bytes]:
        return [entry.event for entry in self._rooms.get(room_id, {}).values() if not entry.deleted]

    def rooms(self) -> Iterable[str]:
        """The rooms with account data of their own."""
        return (room_id for room_id in self._rooms if room_id != GLOBAL)

    def since(self, position: int, until: int) -> list[Entry]:
        """What changed after `position`, up to `until`, oldest first; deleted entries show {}. Costs what changed."""
        found: list[Entry] = []
        if self.position <= position:
            return found
        for entry in reversed(self._entries.values()):
            if entry.position <= position:
                break
            if entry.position <= until:
                found.append(entry)
        found.reverse()
        return found

    @property
    def ignored(self) -> frozenset[str]:
        if self._ignored is None:
            self._ignored = ignored_in(self.content(GLOBAL, IGNORED_USERS), self._user_id)
        return self._ignored


def ignored_in(content: bytes | None, user_id: str) -> frozenset[str]:
    """Nobody ignores himself, whatever his client wrote."""
    users = orjson.loads(content).get("ignored_users") if content else None
    return frozenset(users) - {user_id} if isinstance(users, dict) else frozenset()


class AccountData:
    """Writes and answers; users in use are kept in memory."""

    def __init__(
        self, store: AccountDataStore, streams: Streams, made: Mapping[str, Making] | None = None, limits: UserLimits | None = None
    ) -> None:
        """`made`: global types whose content the server makes of what is stored (m.push_rules)."""
        self._store = store
        self._limits = limits
        self._made = dict(made or {})
        self._cache: StreamCache[UserData] = StreamCache(self._load, _apply, lambda user: user.weight, CACHED_BYTES)
        streams.subscribe(self._follow)

    async def of(self, user_id: str) -> UserData:
        return await self._cache.get(user_id)

    def at_hand(self, user_id: str) -> UserData | None:
        """As far as memory knows it."""
        return self._cache.peek(user_id)

    async def ignored(self, user_id: str) -> frozenset[str]:
        """Whom the user ignores."""
        return (await self._cache.get(user_id)).ignored

    async def content(self, user_id: str, room_id: str, type: str) -> bytes:
        """The content as JSON; raises NotFound."""
        content = (await self._cache.get(user_id)).content(room_id, type)
        if content is None:
            raise NotFound("There is no such account data")
        return content

    async def put(self, user_id: str, room_id: str, type: str, content: Mapping[str, Any]) -> None:
        """What a client writes; an empty content is a removal (MSC3391). Raises ServerManaged, InvalidParam, TooLarge, UserLimitExceeded."""
        _check_type(type)
        data = orjson.dumps(content) if content else b""
        if len(data) > MAX_CONTENT_BYTES:
            raise TooLarge("This is more than account data may hold")
        if data and self._limits is not None and self._limits.account_data_bytes:
            more = len(data) - len((await self._cache.get(user_id)).content(room_id, type) or b"")
            if more > 0 and (await self._cache.get(user_id)).weight + more > self._limits.account_data_bytes:
                raise self._limits.exceeded("Your account data is as large as it may be here")
        await self._store.put(Put(user_id, room_id, type, data))

    async def delete(self, user_id: str, room_id: str, type: str) -> None:
        """Remove it (MSC3391): clients are told {} once, later syncs do not mention it."""
        _check_type(type)
        if (await self._cache.get(user_id)).content(room_id, type) is not None:
            await self._store.put(Put(user_id, room_id, type, b""))

    async def mark_fully_read(self, user_id: str, room_id: str, event_id: str, event_position: int) -> None:
        """Move the fully-read marker forward; it never goes back."""
        await self._store.mark_read(Marker(user_id, room_id, event_id, event_position))

    @property
    def figures(self) -> CacheFigures:
        return self._cache.figures

    async def _load(self, user_id: str) -> UserData:
        return UserData(user_id, await self._store.all(user_id), self._made)

    def _follow(self, changes: list[Change]) -> None:
        if not changes:
            self._cache.clear()
        for change in changes:
            if change.kind == "account_data" and change.user_id is not None:
                self._cache.follow(change.user_id, change)


def _apply(user: UserData, change: Change) -> bool:
    if not isinstance(change.subject, Entry):
        return False
    user.apply(change.subject)
    return True


def _check_type(type: str) -> None:
    if type in MANAGED_TYPES:
        raise ServerManaged(f"Cannot set {type} through this API")
    if not type or len(type.encode()) > MAX_TYPE_BYTES or "\0" in type:
        raise InvalidParam("This cannot be a type of account data")
