"""Which fields a profile may have, and what may stand in them (client-server API, "Profiles"; appendices, "Common Namespaced Identifier Grammar")."""

from collections.abc import Mapping
from typing import Any

import orjson

from homeserver.errors import InvalidParam, KeyTooLarge, ProfileTooLarge
from homeserver.protocol.limits import MAX_DISPLAYNAME_BYTES, MAX_PROFILE_BYTES, MAX_PROFILE_KEY_BYTES

DISPLAYNAME = "displayname"
AVATAR_URL = "avatar_url"
TIME_ZONE = "m.tz"
ROOM_FIELDS = (DISPLAYNAME, AVATAR_URL)  # what member events carry too
MAX_AVATAR_URL_BYTES = 1_000
MAX_TIME_ZONE_BYTES = 255

_FIRST = frozenset("abcdefghijklmnopqrstuvwxyz")
_ALLOWED = _FIRST | frozenset("0123456789_-.")
_TEXTS = {DISPLAYNAME: MAX_DISPLAYNAME_BYTES, AVATAR_URL: MAX_AVATAR_URL_BYTES, TIME_ZONE: MAX_TIME_ZONE_BYTES}


def check_key(key: str) -> None:
    """Raises KeyTooLarge or InvalidParam."""
    if len(key.encode()) > MAX_PROFILE_KEY_BYTES:
        raise KeyTooLarge
    if key in ROOM_FIELDS:
        return
    namespaced = "." in key.strip(".") and not key.endswith(".") and ".." not in key
    if not namespaced or key[0] not in _FIRST or not _ALLOWED.issuperset(key):
        raise InvalidParam("This cannot be a profile field: it must be namespaced, like com.example.field")


def encode_value(key: str, value: Any) -> bytes | None:
    """The value as it is stored; None when it removes the field (an empty name or picture). Raises InvalidParam."""
    most = _TEXTS.get(key)
    if most is not None:
        if not isinstance(value, str) or "\0" in value:
            raise InvalidParam(f"{key} must be a string")
        if len(value.encode()) > most:
            raise InvalidParam(f"{key} has at most {most} bytes")
        if not value:
            return None
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def check_size(fields: Mapping[str, bytes], key: str, value: bytes | None) -> None:
    """Raises ProfileTooLarge when the profile with that value would be more than 64 KiB as canonical JSON."""
    if value is None:
        return
    size = len(key) + len(value)
    count = 1
    for other, held in fields.items():
        if other != key:
            size += len(other) + len(held)
            count += 1
    if size + 4 * count + 1 > MAX_PROFILE_BYTES:
        raise ProfileTooLarge
