"""Pushers. Fills `homeserver.push.pushers.store.PusherStore`."""

from collections.abc import Sequence

import orjson

from homeserver.push.pushers.store import PUSHERS_CHANGE, Progress, Pusher, PusherKey
from homeserver.rooms.store import HIDDEN, StoredEvent
from homeserver.streams import Change
from storage.database import Cursor, Database, Row, WriteCursor
from storage.event_rows import SELECT, RoomNames

COUNTER = "pushers"

_COLUMNS = """SELECT user_id, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, lang, data, device_id, created_ts, position,
    behind, sent_ts, unsubscribe FROM pushers"""
_ALL = _COLUMNS + " ORDER BY user_id, app_id, pushkey"
_OF_USER = _COLUMNS + " WHERE user_id = ? ORDER BY created_ts, app_id, pushkey"
_BY_UNSUBSCRIBE = _COLUMNS + " WHERE unsubscribe = ?"
_PUT = """INSERT INTO pushers (user_id, app_id, pushkey, kind, app_display_name, device_display_name, profile_tag, lang, data, device_id, created_ts,
    position, behind, unsubscribe) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) ON CONFLICT (user_id, app_id, pushkey) DO UPDATE
    SET kind = excluded.kind, app_display_name = excluded.app_display_name, device_display_name = excluded.device_display_name,
    profile_tag = excluded.profile_tag, lang = excluded.lang, data = excluded.data, device_id = excluded.device_id,
    unsubscribe = excluded.unsubscribe"""
_TAKE_OVER = "DELETE FROM pushers WHERE app_id = ? AND pushkey = ? AND user_id <> ? RETURNING user_id"
_REMOVE = "DELETE FROM pushers WHERE user_id = ? AND app_id = ? AND pushkey = ?"
_TOLD = "UPDATE pushers SET position = ?, sent_ts = ? WHERE user_id = ? AND app_id = ? AND pushkey = ?"
_BEHIND = "UPDATE pushers SET position = ?, behind = 1 WHERE user_id = ? AND app_id = ? AND pushkey = ?"
_SET_POSITION = "INSERT INTO counters (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value"
_EVENTS = SELECT + "WHERE position > ? AND position <= ? AND flags & ? = 0 ORDER BY position LIMIT ?"
_OF_DEVICES = "DELETE FROM pushers WHERE user_id = ? AND device_id IN ?? RETURNING user_id"
_OF_ALL_DEVICES = "DELETE FROM pushers WHERE user_id = ? RETURNING user_id"
_OF_ADDRESS = "DELETE FROM pushers WHERE user_id = ? AND kind = 'email' AND pushkey = ? RETURNING user_id"


def _pusher(row: Row) -> Pusher:
    user_id, app_id, pushkey, kind, app_name, device_name, profile_tag, lang, data, device_id, created_ts, position, behind, *rest = row
    key = PusherKey(user_id, app_id, pushkey)
    told = orjson.loads(bytes(data))
    return Pusher(key, kind, app_name, device_name, profile_tag, lang, told, device_id, created_ts, position, bool(behind), *rest)


def _announce(cursor: WriteCursor, user_id: str) -> None:
    cursor.announce(Change(cursor.position(), PUSHERS_CHANGE, user_id=user_id))


def drop_pushers_of_devices(cursor: WriteCursor, user_id: str, device_ids: Sequence[str] | None) -> None:
    """What these devices set up, or all there is."""
    gone = cursor.all(_OF_ALL_DEVICES, user_id) if device_ids is None else cursor.all(_OF_DEVICES, user_id, list(device_ids))
    if gone:
        _announce(cursor, user_id)


def drop_pushers_of_address(cursor: WriteCursor, user_id: str, address: str) -> None:
    if cursor.all(_OF_ADDRESS, user_id, address):
        _announce(cursor, user_id)


class StoredPushers:
    def __init__(self, database: Database, names: RoomNames) -> None:
        self._database = database
        self._names = names

    async def all(self) -> list[Pusher]:
        return [_pusher(row) for row in await self._database.scan(lambda cursor: cursor.all(_ALL))]

    async def of_user(self, user_id: str) -> list[Pusher]:
        return [_pusher(row) for row in await self._database.read(lambda cursor: cursor.all(_OF_USER, user_id))]

    async def put(self, pusher: Pusher, *, alone: bool) -> None:
        def change(cursor: WriteCursor) -> None:
            key = pusher.key
            if alone:
                for (user_id,) in cursor.all(_TAKE_OVER, key.app_id, key.pushkey, key.user_id):
                    _announce(cursor, user_id)
            position = cursor.position()
            cursor.run(
                _PUT,
                *key,
                pusher.kind,
                pusher.app_display_name,
                pusher.device_display_name,
                pusher.profile_tag,
                pusher.lang,
                orjson.dumps(pusher.data),
                pusher.device_id,
                pusher.created_ts,
                position,
                pusher.unsubscribe,
            )
            cursor.announce(Change(position, PUSHERS_CHANGE, user_id=key.user_id))

        await self._database.write(change)

    async def remove(self, key: PusherKey) -> bool:
        def change(cursor: WriteCursor) -> bool:
            gone = cursor.run(_REMOVE, *key) > 0
            if gone:
                _announce(cursor, key.user_id)
            return gone

        return await self._database.write(change)

    async def by_unsubscribe(self, secret: str) -> Pusher | None:
        row = await self._database.read(lambda cursor: cursor.one(_BY_UNSUBSCRIBE, secret))
        return None if row is None else _pusher(row)

    async def told(self, progress: Progress, sent_ts: int) -> None:
        await self._database.write(lambda cursor: cursor.many(_TOLD, [(progress.position, sent_ts, *progress.key)]))

    async def position(self) -> int:
        position = await self._database.read(lambda cursor: cursor.value("SELECT value FROM counters WHERE name = ?", COUNTER))
        return int(position or 0)

    async def pass_on(self, position: int, behind: Sequence[Progress]) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.run("UPDATE pushers SET behind = 0 WHERE behind = 1")
            if behind:
                cursor.many(_BEHIND, [(each.position, *each.key) for each in behind])
            cursor.many(_SET_POSITION, [(COUNTER, position)])

        await self._database.write(change)

    async def events(self, after: int, up_to: int, most: int) -> list[StoredEvent]:
        def question(cursor: Cursor) -> list[StoredEvent]:
            return self._names.events(cursor, cursor.all(_EVENTS, after, up_to, HIDDEN, most))

        return await self._database.scan(question)
