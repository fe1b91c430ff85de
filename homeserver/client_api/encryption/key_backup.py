"""Backups of message keys (client-server API, "Server-side key backups")."""

from typing import Any

import orjson

from homeserver.encryption.backup.backup import Backups, key_of_session, keys_of_room, keys_of_rooms, rooms_json, sessions_json
from homeserver.encryption.backup.store import BackupVersion, KeyPlace
from homeserver.errors import MissingParam, NotFound
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_VERSION = "/_matrix/client/v3/room_keys/version"
_KEYS = "/_matrix/client/v3/room_keys/keys"
_ROOM = f"{_KEYS}/{{room}}"
_SESSION = f"{_ROOM}/{{session}}"


def _described(version: BackupVersion) -> dict[str, Any]:
    return {
        "algorithm": version.algorithm,
        "auth_data": orjson.Fragment(version.auth_data),
        "count": version.key_count,
        "etag": str(version.etag),
        "version": str(version.version),
    }


def _updated(version: BackupVersion) -> dict[str, Any]:
    return {"count": version.key_count, "etag": str(version.etag)}


class BackupVersions:
    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    @endpoint("POST", _VERSION, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def create(self, request: Request) -> Answer:
        return {"version": await self._backups.create(request.user.user_id, request.body)}

    @endpoint("GET", _VERSION, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def last(self, request: Request) -> Answer:
        return _described(await self._backups.version(request.user.user_id, None))

    @endpoint("GET", _VERSION + "/{version}", access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get(self, request: Request, version: str) -> Answer:
        return _described(await self._backups.version(request.user.user_id, version))

    @endpoint("PUT", _VERSION + "/{version}", access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def update(self, request: Request, version: str) -> Answer:
        await self._backups.update(request.user.user_id, version, request.body)
        return {}

    @endpoint("DELETE", _VERSION + "/{version}", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete(self, request: Request, version: str) -> Answer:
        await self._backups.delete(request.user.user_id, version)
        return {}


class BackupKeys:
    def __init__(self, backups: Backups) -> None:
        self._backups = backups

    @endpoint("PUT", _KEYS, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def put_all(self, request: Request) -> Answer:
        if "rooms" not in request.body:
            raise MissingParam("rooms is missing")
        keys = keys_of_rooms(request.body["rooms"])
        return _updated(await self._backups.put(request.user.user_id, request.required("version"), keys))

    @endpoint("PUT", _ROOM, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def put_room(self, request: Request, room: str) -> Answer:
        keys = keys_of_room(room, request.body.get("sessions"))
        return _updated(await self._backups.put(request.user.user_id, request.required("version"), keys))

    @endpoint("PUT", _SESSION, access=Access.USER, rate=Rate.WRITE, body=Body.OBJECT)
    async def put_session(self, request: Request, room: str, session: str) -> Answer:
        keys = [key_of_session(room, session, request.body)]
        return _updated(await self._backups.put(request.user.user_id, request.required("version"), keys))

    @endpoint("GET", _KEYS, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get_all(self, request: Request) -> Answer:
        return rooms_json(await self._backups.keys(request.user.user_id, request.required("version"), KeyPlace()))

    @endpoint("GET", _ROOM, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get_room(self, request: Request, room: str) -> Answer:
        return sessions_json(await self._backups.keys(request.user.user_id, request.required("version"), KeyPlace(room)))

    @endpoint("GET", _SESSION, access=Access.USER, rate=Rate.READ, body=Body.NONE)
    async def get_session(self, request: Request, room: str, session: str) -> Answer:
        keys = await self._backups.keys(request.user.user_id, request.required("version"), KeyPlace(room, session))
        if not keys:
            raise NotFound("There is no such key")
        return keys[0].body

    @endpoint("DELETE", _KEYS, access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete_all(self, request: Request) -> Answer:
        return await self._remove(request, KeyPlace())

    @endpoint("DELETE", _ROOM, access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete_room(self, request: Request, room: str) -> Answer:
        return await self._remove(request, KeyPlace(room))

    @endpoint("DELETE", _SESSION, access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def delete_session(self, request: Request, room: str, session: str) -> Answer:
        return await self._remove(request, KeyPlace(room, session))

    async def _remove(self, request: Request, place: KeyPlace) -> Answer:
        return _updated(await self._backups.remove_keys(request.user.user_id, request.required("version"), place))
