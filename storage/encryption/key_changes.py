"""Noting that what /keys/query says of a user has changed."""

from collections.abc import Sequence

from homeserver.encryption.store import COUNTS_CHANGE, KEYS_CHANGE, CountsChange, KeysChange
from homeserver.streams import Change
from storage.database import WriteCursor

_NOTE = """INSERT INTO device_list_changes (user_id, observer, position, devices_position) VALUES (?, ?, ?, ?)
    ON CONFLICT (user_id, observer) DO UPDATE SET position = excluded.position,
    devices_position = coalesce(excluded.devices_position, device_list_changes.devices_position)"""
_PREVIOUS = "SELECT devices_position FROM device_list_changes WHERE user_id = ? AND observer = ''"
_ROOMS = """SELECT r.room_id FROM memberships m JOIN rooms r ON r.room_num = m.room_num
    WHERE m.user_id = ? AND m.membership = 'join' ORDER BY r.room_num"""

_OF_USER = (
    "DELETE FROM cross_signing_keys WHERE user_id = ?",
    "DELETE FROM user_signatures WHERE user_id = ?",
    "DELETE FROM user_signatures WHERE signer = ?",
    "DELETE FROM backup_keys WHERE user_id = ?",
    "DELETE FROM backup_versions WHERE user_id = ?",
)


def note_keys_change(cursor: WriteCursor, user_id: str, observer: str = "", device_ids: Sequence[str] = ()) -> None:
    """Everybody who shares a room with the user will hear of it; with an observer, that user alone."""
    previous = cursor.value(_PREVIOUS, user_id) if device_ids else None
    position = cursor.position()
    cursor.many(_NOTE, [(user_id, observer, position, position if device_ids else None)])
    rooms = () if observer else tuple(row[0] for row in cursor.all(_ROOMS, user_id))
    change = KeysChange(observer, rooms, tuple(device_ids), previous)
    cursor.announce(Change(position, KEYS_CHANGE, user_id=user_id, subject=change))


def note_counts_change(cursor: WriteCursor, user_id: str, device_id: str, *, is_loss: bool) -> int:
    """The position of the change."""
    position = cursor.position()
    cursor.announce(Change(position, COUNTS_CHANGE, user_id=user_id, subject=CountsChange(device_id, is_loss)))
    return position


def drop_device_keys(cursor: WriteCursor, user_id: str, device_ids: list[str]) -> None:
    """What goes with devices that go."""
    had_keys = cursor.run("DELETE FROM device_keys WHERE user_id = ? AND device_id IN ??", user_id, device_ids)
    cursor.run("DELETE FROM one_time_keys WHERE user_id = ? AND device_id IN ??", user_id, device_ids)
    cursor.run("DELETE FROM fallback_keys WHERE user_id = ? AND device_id IN ??", user_id, device_ids)
    cursor.run("DELETE FROM to_device WHERE user_id = ? AND device_id IN ??", user_id, device_ids)
    cursor.run("DELETE FROM dehydrated_devices WHERE user_id = ? AND device_id IN ??", user_id, device_ids)
    if had_keys:
        note_keys_change(cursor, user_id, device_ids=device_ids)


def note_rename(cursor: WriteCursor, user_id: str, device_id: str) -> None:
    """A device's name is shown beside its keys, and told to other servers even where there are none."""
    note_keys_change(cursor, user_id, device_ids=(device_id,))


def drop_user_keys(cursor: WriteCursor, user_id: str) -> None:
    """What goes with an account that is closed; of its devices, see `drop_device_keys`."""
    for statement in _OF_USER:
        cursor.run(statement, user_id)
