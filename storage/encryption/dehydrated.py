"""Dehydrated devices. Fills `homeserver.encryption.store.DehydratedStore`."""

from homeserver.encryption.store import DehydratedDevice, Upload
from storage.database import Database, WriteCursor
from storage.encryption.key_changes import note_counts_change, note_keys_change
from storage.encryption.key_names import check_device_name
from storage.encryption.one_time_keys import add_fallback, add_one_time
from storage.people.devices import announce_devices, remove_devices

_ID = "SELECT device_id FROM dehydrated_devices WHERE user_id = ?"
_GET = "SELECT device_id, device_data FROM dehydrated_devices WHERE user_id = ?"
_PUT = "INSERT INTO dehydrated_devices (user_id, device_id, device_data) VALUES (?, ?, ?)"
_EXISTS = "SELECT 1 FROM devices WHERE user_id = ? AND device_id = ?"
_ADD = "INSERT INTO devices (user_id, device_id, display_name, created_ts) VALUES (?, ?, ?, ?)"
_PUT_KEYS = "INSERT INTO device_keys (user_id, device_id, body) VALUES (?, ?, ?)"


def _remove(cursor: WriteCursor, user_id: str) -> str | None:
    device_id: str | None = cursor.value(_ID, user_id)
    if device_id is not None:
        remove_devices(cursor, user_id, (device_id,))
    return device_id


class StoredDehydrated:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def replace(self, device: DehydratedDevice, display_name: str | None, upload: Upload, created_ts: int) -> bool:
        def change(cursor: WriteCursor) -> bool:
            user_id, device_id = upload.user_id, upload.device_id
            if cursor.value(_ID, user_id) != device_id and cursor.value(_EXISTS, user_id, device_id) is not None:
                return False
            _remove(cursor, user_id)
            check_device_name(cursor, user_id, device_id)
            cursor.run(_ADD, user_id, device_id, display_name, created_ts)
            cursor.run(_PUT, user_id, device_id, device.device_data)
            cursor.run(_PUT_KEYS, user_id, device_id, upload.device_keys)
            position = note_counts_change(cursor, user_id, device_id, is_loss=False)
            add_one_time(cursor, user_id, device_id, upload.one_time, position, len(upload.one_time))
            add_fallback(cursor, user_id, device_id, upload.fallback)
            announce_devices(cursor, user_id, (device_id,))
            note_keys_change(cursor, user_id, device_ids=(device_id,))
            return True

        return await self._database.write(change)

    async def get(self, user_id: str) -> DehydratedDevice | None:
        row = await self._database.read(lambda cursor: cursor.one(_GET, user_id))
        return None if row is None else DehydratedDevice(row[0], bytes(row[1]))

    async def remove(self, user_id: str) -> str | None:
        return await self._database.write(lambda cursor: _remove(cursor, user_id))
