"""Keys of devices and users. Fills `homeserver.encryption.store.KeyStore`."""

from collections.abc import Collection, Mapping, Sequence

from homeserver.encryption.store import (
    MASTER,
    Claim,
    CrossSigningKey,
    DeviceKeys,
    KeyCounts,
    Merge,
    OneTimeKey,
    Upload,
    UserKeys,
    UserSignature,
)
from storage.database import Cursor, Database, WriteCursor
from storage.encryption.key_changes import note_counts_change, note_keys_change
from storage.encryption.key_names import names_device
from storage.encryption.one_time_keys import add_fallback, add_one_time, claim_key, count_keys

_DEVICE = "SELECT body FROM device_keys WHERE user_id = ? AND device_id = ?"
_PUT_DEVICE = """INSERT INTO device_keys (user_id, device_id, body) VALUES (?, ?, ?)
    ON CONFLICT (user_id, device_id) DO UPDATE SET body = excluded.body"""
_OF_DEVICES = """SELECT k.device_id, k.body, d.display_name FROM device_keys k
    LEFT JOIN devices d ON d.user_id = k.user_id AND d.device_id = k.device_id WHERE k.user_id = ? ORDER BY k.device_id"""
_OF_NAMED = """SELECT k.device_id, k.body, d.display_name FROM device_keys k
    LEFT JOIN devices d ON d.user_id = k.user_id AND d.device_id = k.device_id
    WHERE k.user_id = ? AND k.device_id IN ?? ORDER BY k.device_id"""
_CROSS = "SELECT usage, public_key, body FROM cross_signing_keys WHERE user_id = ?"
_PUT_CROSS = """INSERT INTO cross_signing_keys (user_id, usage, public_key, body) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, usage) DO UPDATE SET public_key = excluded.public_key, body = excluded.body"""
_MASTER = "SELECT body FROM cross_signing_keys WHERE user_id = ? AND usage = ?"
_SET_MASTER = "UPDATE cross_signing_keys SET body = ? WHERE user_id = ? AND usage = ?"
_SIGN = """INSERT INTO user_signatures (signer, user_id, public_key, key_id, signature) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (signer, user_id, public_key, key_id) DO UPDATE SET signature = excluded.signature"""
_SIGNED = "SELECT signer, user_id, public_key, key_id, signature FROM user_signatures WHERE signer = ? AND user_id = ?"


class StoredKeys:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def upload(self, upload: Upload, merge: Merge | None, most: int) -> KeyCounts:
        def change(cursor: WriteCursor) -> KeyCounts:
            user_id, device_id = upload.user_id, upload.device_id
            if merge is not None and _merge_device(cursor, user_id, device_id, merge):
                note_keys_change(cursor, user_id, device_ids=(device_id,))
            if upload.one_time or upload.fallback:
                position = note_counts_change(cursor, user_id, device_id, is_loss=False)
                add_one_time(cursor, user_id, device_id, upload.one_time, position, most)
                add_fallback(cursor, user_id, device_id, upload.fallback)
            return count_keys(cursor, user_id, device_id)

        return await self._database.write(change)

    async def counts(self, user_id: str, device_id: str) -> KeyCounts:
        return await self._database.read(lambda cursor: count_keys(cursor, user_id, device_id))

    async def claim(self, claims: Sequence[Claim]) -> list[OneTimeKey | None]:
        return await self._database.write(lambda cursor: [claim_key(cursor, claim) for claim in claims])

    async def keys_of(self, users: Mapping[str, Collection[str]], viewer: str) -> dict[str, UserKeys]:
        def question(cursor: Cursor) -> dict[str, UserKeys]:
            return {user_id: _keys_of(cursor, user_id, device_ids, viewer) for user_id, device_ids in users.items()}

        return await (self._database.read(question) if len(users) < 10 else self._database.scan(question))

    async def replace_cross_signing(self, user_id: str, keys: Sequence[CrossSigningKey], known: Mapping[str, str], *, anew: bool) -> bool:
        def change(cursor: WriteCursor) -> bool:
            if {usage: public_key for usage, public_key, _ in cursor.all(_CROSS, user_id)} != known:
                return False
            if names_device(cursor, user_id, [key.public_key for key in keys]):
                return False
            if anew:
                cursor.run("DELETE FROM cross_signing_keys WHERE user_id = ?", user_id)
                cursor.run("DELETE FROM user_signatures WHERE user_id = ?", user_id)
                cursor.run("DELETE FROM user_signatures WHERE signer = ?", user_id)
            cursor.many(_PUT_CROSS, [(user_id, *key) for key in keys])
            note_keys_change(cursor, user_id)
            return True

        return await self._database.write(change)

    async def names_device(self, user_id: str, public_keys: Collection[str]) -> bool:
        return await self._database.read(lambda cursor: names_device(cursor, user_id, public_keys))

    async def merge_device(self, user_id: str, device_id: str, merge: Merge) -> None:
        def change(cursor: WriteCursor) -> None:
            if _merge_device(cursor, user_id, device_id, merge):
                note_keys_change(cursor, user_id, device_ids=(device_id,))

        await self._database.write(change)

    async def merge_master(self, user_id: str, merge: Merge) -> None:
        def change(cursor: WriteCursor) -> None:
            body = merge(_bytes(cursor.value(_MASTER, user_id, MASTER)))
            if body is not None:
                cursor.run(_SET_MASTER, body, user_id, MASTER)
                note_keys_change(cursor, user_id)

        await self._database.write(change)

    async def sign_user(self, signature: UserSignature) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.many(_SIGN, [signature])
            note_keys_change(cursor, signature.user_id, signature.signer)

        await self._database.write(change)


def _bytes(value: bytes | None) -> bytes | None:
    return None if value is None else bytes(value)


def _merge_device(cursor: WriteCursor, user_id: str, device_id: str, merge: Merge) -> bool:
    """Whether anything was written."""
    body = merge(_bytes(cursor.value(_DEVICE, user_id, device_id)))
    if body is None:
        return False
    cursor.many(_PUT_DEVICE, [(user_id, device_id, body)])
    return True


def _keys_of(cursor: Cursor, user_id: str, device_ids: Collection[str], viewer: str) -> UserKeys:
    rows = cursor.all(_OF_NAMED, user_id, list(device_ids)) if device_ids else cursor.all(_OF_DEVICES, user_id)
    found = UserKeys([DeviceKeys(row[0], bytes(row[1]), row[2]) for row in rows])
    for usage, public_key, body in cursor.all(_CROSS, user_id):
        found.cross_signing[usage] = CrossSigningKey(usage, public_key, bytes(body))
    if viewer != user_id:
        found.signatures = [UserSignature(*row) for row in cursor.all(_SIGNED, viewer, user_id)]
    return found
