"""Key backups: versions, and the keys of each. Of two keys of one session the better stays."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

import orjson

from homeserver.encryption.backup.store import BackupKey, BackupStore, BackupVersion, KeyPlace
from homeserver.encryption.key_shapes import encode_object
from homeserver.errors import BadJson, InvalidParam, MissingParam, NotFound, WrongRoomKeysVersion
from homeserver.protocol.limits import MAX_INTEGER

MAX_AUTH_BYTES = 65_536
MAX_KEY_BYTES = 65_536
MAX_NAME_BYTES = 255
_MAX_DIGITS = 15


def is_better(new: BackupKey, old: BackupKey) -> bool:
    """Verified before unverified, then the one that decrypts more, then the one that went through fewer hands; else the old one stays."""
    return (not new.is_verified, new.first_message_index, new.forwarded_count) < (
        not old.is_verified,
        old.first_message_index,
        old.forwarded_count,
    )


class Backups:
    def __init__(self, store: BackupStore) -> None:
        self._store = store

    async def create(self, user_id: str, body: dict[str, Any]) -> str:
        algorithm, auth_data = _description(body)
        return str(await self._store.create(user_id, algorithm, auth_data))

    async def version(self, user_id: str, version: str | None) -> BackupVersion:
        """The last one if none is named; raises NotFound."""
        found = await self._store.version(user_id, None if version is None else _number(version))
        if found is None:
            raise NotFound("There is no such backup")
        return found

    async def update(self, user_id: str, version: str, body: dict[str, Any]) -> None:
        algorithm, auth_data = _description(body)
        if body.get("version", version) != version:
            raise InvalidParam("The version in the body is another one than that in the path")
        there = await self.version(user_id, version)
        if there.algorithm != algorithm:
            raise InvalidParam("The algorithm of a backup cannot change")
        await self._store.set_auth_data(user_id, there.version, auth_data)

    async def delete(self, user_id: str, version: str) -> None:
        if not await self._store.delete(user_id, _number(version)):
            raise NotFound("There is no such backup")

    async def put(self, user_id: str, version: str, keys: list[BackupKey]) -> BackupVersion:
        """Raises NotFound, WrongRoomKeysVersion."""
        stored = await self._store.put(user_id, _number(version), keys, is_better)
        if stored is None:
            current = await self.version(user_id, None)
            raise WrongRoomKeysVersion(current_version=str(current.version))
        return stored

    async def keys(self, user_id: str, version: str, place: KeyPlace) -> list[BackupKey]:
        """Raises NotFound for a version there is not."""
        there = await self.version(user_id, version)
        return await self._store.keys(user_id, there.version, place)

    async def remove_keys(self, user_id: str, version: str, place: KeyPlace) -> BackupVersion:
        left = await self._store.remove_keys(user_id, _number(version), place)
        if left is None:
            raise NotFound("There is no such backup")
        return left


def _number(version: str) -> int:
    if not (version.isascii() and version.isdigit() and len(version) <= _MAX_DIGITS):
        raise NotFound("There is no such backup")
    return int(version)


def _description(body: dict[str, Any]) -> tuple[str, bytes]:
    missing = [name for name in ("algorithm", "auth_data") if name not in body]
    if missing:
        raise MissingParam(f"Missing: {', '.join(missing)}")
    algorithm = body["algorithm"]
    if not isinstance(algorithm, str) or len(algorithm.encode()) > MAX_NAME_BYTES:
        raise BadJson("algorithm must be a short text")
    return algorithm, encode_object(body["auth_data"], "auth_data", MAX_AUTH_BYTES)


def keys_of_rooms(rooms: Any) -> list[BackupKey]:
    """The `rooms` of a body; raises BadJson, MissingParam."""
    if not isinstance(rooms, dict):
        raise BadJson("rooms must map rooms to sessions")
    keys = []
    for room_id, room in rooms.items():
        if not isinstance(room, dict):
            raise BadJson("rooms must map rooms to objects")
        keys += keys_of_room(room_id, room.get("sessions"))
    return keys


def keys_of_room(room_id: str, sessions: Any) -> list[BackupKey]:
    if sessions is None:
        raise MissingParam("sessions is missing")
    if not isinstance(sessions, dict):
        raise BadJson("sessions must map sessions to keys")
    return [key_of_session(room_id, session_id, key) for session_id, key in sessions.items()]


def key_of_session(room_id: str, session_id: str, key: Any) -> BackupKey:
    if len(room_id.encode()) > MAX_NAME_BYTES or len(session_id.encode()) > MAX_NAME_BYTES:
        raise InvalidParam("The name of a room or a session is too long")
    body = encode_object(key, "a key", MAX_KEY_BYTES)
    missing = [name for name in ("first_message_index", "forwarded_count", "is_verified", "session_data") if name not in key]
    if missing:
        raise MissingParam(f"Missing in a key: {', '.join(missing)}")
    index, forwarded = key["first_message_index"], key["forwarded_count"]
    if type(index) is not int or type(forwarded) is not int or not isinstance(key["is_verified"], bool):
        raise BadJson("A key needs two numbers and whether it is verified")
    if not (0 <= index <= MAX_INTEGER and 0 <= forwarded <= MAX_INTEGER):
        raise InvalidParam("A number of a key is out of range")
    if not isinstance(key["session_data"], dict):
        raise BadJson("session_data must be an object")
    return BackupKey(room_id, session_id, index, forwarded, key["is_verified"], body)


def sessions_json(keys: Iterable[BackupKey]) -> bytes:
    """The keys of one room as they are told."""
    return b'{"sessions":{%b}}' % b",".join([b"%b:%b" % (orjson.dumps(key.session_id), key.body) for key in keys])


def rooms_json(keys: Iterable[BackupKey]) -> bytes:
    """`keys` by room."""
    rooms = [b"%b:%b" % (orjson.dumps(room_id), sessions_json(own)) for room_id, own in groupby(keys, lambda key: key.room_id)]
    return b'{"rooms":{%b}}' % b",".join(rooms)
