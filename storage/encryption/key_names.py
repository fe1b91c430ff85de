"""Devices and cross-signing keys name signatures in the same way, so no two of a user may have one name."""

from collections.abc import Collection

from homeserver.devices.store import NamedAsKey
from storage.database import Cursor

_KEY = "SELECT 1 FROM cross_signing_keys WHERE user_id = ? AND public_key = ?"
_DEVICE = "SELECT 1 FROM devices WHERE user_id = ? AND device_id IN ?? LIMIT 1"


def check_device_name(cursor: Cursor, user_id: str, device_id: str) -> None:
    """Of a new device. Raises NamedAsKey, which undoes the whole."""
    if cursor.one(_KEY, user_id, device_id) is not None:
        raise NamedAsKey


def names_device(cursor: Cursor, user_id: str, public_keys: Collection[str]) -> bool:
    return cursor.one(_DEVICE, user_id, list(public_keys)) is not None
