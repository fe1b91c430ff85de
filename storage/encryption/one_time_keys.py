"""Keys that are given out: one-time keys once and in the order of their upload, fallback keys when there are no others."""

from collections.abc import Sequence

from homeserver.encryption.store import Claim, KeyCounts, KeyIdTaken, OneTimeKey, TooManyKeys
from storage.database import Cursor, WriteCursor
from storage.encryption.key_changes import note_counts_change

_HELD = "SELECT algorithm, key_id, body FROM one_time_keys WHERE user_id = ? AND device_id = ? AND key_id IN ??"
_COUNT = "SELECT algorithm, count(*) FROM one_time_keys WHERE user_id = ? AND device_id = ? GROUP BY algorithm ORDER BY algorithm"
_UNUSED = "SELECT algorithm FROM fallback_keys WHERE user_id = ? AND device_id = ? AND used = 0 ORDER BY algorithm"
_ADD = "INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, position, body) VALUES (?, ?, ?, ?, ?, ?)"
_FALLBACK = """SELECT key_id, body, used FROM fallback_keys WHERE user_id = ? AND device_id = ? AND algorithm = ?"""
_PUT_FALLBACK = """INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, body, used) VALUES (?, ?, ?, ?, ?, 0)
    ON CONFLICT (user_id, device_id, algorithm) DO UPDATE SET key_id = excluded.key_id, body = excluded.body, used = 0"""
_USE_FALLBACK = "UPDATE fallback_keys SET used = 1 WHERE user_id = ? AND device_id = ? AND algorithm = ?"
_ELDEST = """SELECT key_id, body FROM one_time_keys WHERE user_id = ? AND device_id = ? AND algorithm = ?
    ORDER BY position, key_id LIMIT 1"""
_TAKE = "DELETE FROM one_time_keys WHERE user_id = ? AND device_id = ? AND algorithm = ? AND key_id = ?"


def count_keys(cursor: Cursor, user_id: str, device_id: str) -> KeyCounts:
    unused = tuple(row[0] for row in cursor.all(_UNUSED, user_id, device_id))
    return KeyCounts(dict(cursor.all(_COUNT, user_id, device_id)), unused)


def add_one_time(cursor: WriteCursor, user_id: str, device_id: str, keys: Sequence[OneTimeKey], position: int, most: int) -> None:
    """Raises KeyIdTaken, TooManyKeys. The same key again does no harm."""
    if not keys:
        return
    held = {(row[0], row[1]): bytes(row[2]) for row in cursor.all(_HELD, user_id, device_id, [key.key_id for key in keys])}
    new = []
    for key in keys:
        body = held.get((key.algorithm, key.key_id))
        if body is None:
            new.append((user_id, device_id, key.algorithm, key.key_id, position, key.body))
        elif body != key.body:
            raise KeyIdTaken(key.name)
    count = cursor.value("SELECT count(*) FROM one_time_keys WHERE user_id = ? AND device_id = ?", user_id, device_id)
    if new and count + len(new) > most:
        raise TooManyKeys
    if new:
        cursor.many(_ADD, new)


def add_fallback(cursor: WriteCursor, user_id: str, device_id: str, keys: Sequence[OneTimeKey]) -> None:
    """A key that is there already stays as used as it is."""
    for key in keys:
        held = cursor.one(_FALLBACK, user_id, device_id, key.algorithm)
        if held is None or held[0] != key.key_id or bytes(held[1]) != key.body:
            cursor.many(_PUT_FALLBACK, [(user_id, device_id, key.algorithm, key.key_id, key.body)])


def claim_key(cursor: WriteCursor, claim: Claim) -> OneTimeKey | None:
    user_id, device_id, algorithm = claim
    eldest = cursor.one(_ELDEST, user_id, device_id, algorithm)
    if eldest is not None:
        cursor.run(_TAKE, user_id, device_id, algorithm, eldest[0])
        note_counts_change(cursor, user_id, device_id, is_loss=True)
        return OneTimeKey(algorithm, eldest[0], bytes(eldest[1]))
    fallback = cursor.one(_FALLBACK, user_id, device_id, algorithm)
    if fallback is None:
        return None
    if not fallback[2]:
        cursor.run(_USE_FALLBACK, user_id, device_id, algorithm)
        note_counts_change(cursor, user_id, device_id, is_loss=True)
    return OneTimeKey(algorithm, fallback[0], bytes(fallback[1]))
