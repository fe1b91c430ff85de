"""Device lists of other servers' users. Fills `federation.devices.store.RemoteDeviceStore`."""

from collections.abc import Collection

from federation.devices.store import CrossSigningUpdate, DeviceUpdate, RemoteDevice, RemoteUser
from storage.database import Cursor, Database, WriteCursor, batches
from storage.encryption.key_changes import note_keys_change

USERS_AT_ONCE = 500

_USERS = "SELECT user_id, stream_id, master_key, self_signing_key, stale FROM remote_users WHERE user_id IN ??"
_DEVICES = "SELECT user_id, device_id, body, display_name FROM remote_devices WHERE user_id IN ?? ORDER BY user_id, device_id"
_PUT_USER = """INSERT INTO remote_users (user_id, stream_id, stale, master_key, self_signing_key) VALUES (?, ?, ?, ?, ?) ON CONFLICT (user_id)
    DO UPDATE SET stream_id = excluded.stream_id, stale = excluded.stale, master_key = excluded.master_key,
    self_signing_key = excluded.self_signing_key"""
_PUT_DEVICE = """INSERT INTO remote_devices (user_id, device_id, body, display_name) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, device_id) DO UPDATE SET body = excluded.body, display_name = excluded.display_name"""
_DROP_DEVICE = "DELETE FROM remote_devices WHERE user_id = ? AND device_id = ?"
_DROP_DEVICES = "DELETE FROM remote_devices WHERE user_id IN ??"
_DROP_USERS = "DELETE FROM remote_users WHERE user_id IN ??"
_STREAM_ID = "SELECT stream_id, stale FROM remote_users WHERE user_id = ?"
_MOVE_ON = "UPDATE remote_users SET stream_id = ? WHERE user_id = ?"
_STALE = "UPDATE remote_users SET stale = 1 WHERE user_id = ?"
_MASTER = "UPDATE remote_users SET master_key = ? WHERE user_id = ?"
_SELF_SIGNING = "UPDATE remote_users SET self_signing_key = ? WHERE user_id = ?"
_SHARES = """SELECT 1 FROM memberships a JOIN memberships b ON b.room_num = a.room_num AND b.is_local = 1 AND b.membership = 'join'
    WHERE a.user_id = ? AND a.membership = 'join' LIMIT 1"""
_FOLLOWED = "SELECT user_id FROM remote_users WHERE user_id IN ??"
_OF_EMPTY_ROOM = """SELECT m.user_id FROM rooms r JOIN memberships m ON m.room_num = r.room_num JOIN remote_users u ON u.user_id = m.user_id
    WHERE r.room_id = ? AND r.local_joined_count = 0 AND m.is_local = 0"""
_STRANGERS = """SELECT u.user_id FROM remote_users u WHERE NOT EXISTS (SELECT 1 FROM memberships a
    JOIN memberships b ON b.room_num = a.room_num AND b.is_local = 1 AND b.membership = 'join'
    WHERE a.user_id = u.user_id AND a.membership = 'join')"""
_OWN = "SELECT devices_position FROM device_list_changes WHERE user_id = ? AND observer = ''"


def _bytes(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)


def _sharing(cursor: Cursor, user_ids: Collection[str]) -> set[str]:
    return {user_id for user_id in user_ids if cursor.value(_SHARES, user_id) is not None}


class StoredRemoteDevices:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def users(self, user_ids: Collection[str]) -> dict[str, RemoteUser]:
        def question(cursor: Cursor) -> dict[str, RemoteUser]:
            found: dict[str, RemoteUser] = {}
            for some in batches(user_ids, USERS_AT_ONCE):
                devices: dict[str, list[RemoteDevice]] = {}
                for user_id, device_id, body, name in cursor.all(_DEVICES, some):
                    devices.setdefault(user_id, []).append(RemoteDevice(device_id, bytes(body), name))
                for user_id, stream_id, master, self_signing, stale in cursor.all(_USERS, some):
                    known = devices.get(user_id, [])
                    found[user_id] = RemoteUser(user_id, stream_id, known, _bytes(master), _bytes(self_signing), bool(stale))
            return found

        return await (self._database.read(question) if len(user_ids) < 10 else self._database.scan(question))

    async def put(self, user: RemoteUser, *, is_news: bool) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.many(_PUT_USER, [(user.user_id, user.stream_id, int(user.stale), user.master_key, user.self_signing_key)])
            cursor.run(_DROP_DEVICES, [user.user_id])
            if user.devices:
                cursor.many(_PUT_DEVICE, [(user.user_id, *device) for device in user.devices])
            if is_news:
                note_keys_change(cursor, user.user_id)

        await self._database.write(change)

    async def update(self, update: DeviceUpdate) -> bool:
        def change(cursor: WriteCursor) -> bool:
            row = cursor.one(_STREAM_ID, update.user_id)
            if row is not None and not row[1] and row[0] >= update.stream_id and update.previous:
                return True
            note_keys_change(cursor, update.user_id)
            if row is None:
                return True
            if row[1] or row[0] not in update.previous:
                cursor.run(_STALE, update.user_id)
                return False
            cursor.run(_MOVE_ON, update.stream_id, update.user_id)
            if update.device is None:
                cursor.run(_DROP_DEVICE, update.user_id, update.device_id)
            else:
                cursor.many(_PUT_DEVICE, [(update.user_id, *update.device)])
            return True

        return await self._database.write(change)

    async def update_signing(self, update: CrossSigningUpdate) -> None:
        def change(cursor: WriteCursor) -> None:
            if "master" in update.keys:
                cursor.run(_MASTER, update.keys["master"], update.user_id)
            if "self_signing" in update.keys:
                cursor.run(_SELF_SIGNING, update.keys["self_signing"], update.user_id)
            note_keys_change(cursor, update.user_id)

        await self._database.write(change)

    async def sharing(self, user_ids: Collection[str]) -> set[str]:
        reading = self._database.read if len(user_ids) < 10 else self._database.scan
        found: set[str] = await reading(lambda cursor: _sharing(cursor, user_ids))
        return found

    async def strangers(self, user_ids: Collection[str], room_ids: Collection[str]) -> set[str]:
        def question(cursor: Cursor) -> set[str]:
            followed = {row[0] for some in batches(user_ids, USERS_AT_ONCE) for row in cursor.all(_FOLLOWED, some)}
            followed.update(row[0] for room_id in room_ids for row in cursor.all(_OF_EMPTY_ROOM, room_id))
            return followed - _sharing(cursor, followed)

        return await self._database.scan(question)

    async def all_strangers(self) -> set[str]:
        return {row[0] for row in await self._database.scan(lambda cursor: cursor.all(_STRANGERS))}

    async def forget(self, user_ids: Collection[str]) -> None:
        def change(cursor: WriteCursor) -> None:
            for gone in batches(user_ids, USERS_AT_ONCE):
                cursor.run(_DROP_USERS, gone)
                cursor.run(_DROP_DEVICES, gone)

        await self._database.write(change)

    async def own_stream_id(self, user_id: str) -> int:
        return int(await self._database.read(lambda cursor: cursor.value(_OWN, user_id)) or 0)
