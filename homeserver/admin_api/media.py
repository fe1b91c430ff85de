"""Files for administrators and the tools that they use already: quarantine, removal, what somebody has uploaded."""

from typing import Any

from homeserver.accounts.accounts import Accounts
from homeserver.errors import InvalidParam, NotFound
from homeserver.media.names import check_media_id
from homeserver.media.removal import Removal
from homeserver.media.store import MediaRecord, MediaStore
from homeserver.protocol.ids import ServerName, UserId
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

MOST_LISTED = 1_000
MOST_CLEARED = 100  # files at a time, for a cache that is cleared
EARLIEST_MS = 30 * 365 * 86_400_000  # 1999: who says less means seconds
_V1 = "/_synapse/admin/v1"
_OF_USER = _V1 + "/users/{user_id}/media"


class MediaAdministration:
    def __init__(self, removal: Removal, store: MediaStore, accounts: Accounts, server_name: str) -> None:
        self._removal = removal
        self._store = store
        self._accounts = accounts
        self._server_name = server_name

    @endpoint("POST", _V1 + "/media/quarantine/{server_name}/{media_id}", access=Access.ADMIN, rate=Rate.WRITE, body=Body.NONE)
    async def quarantine(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        await self._removal.quarantine(server_name, check_media_id(media_id), request.user.user_id)
        return {}

    @endpoint("POST", _V1 + "/media/unquarantine/{server_name}/{media_id}", access=Access.ADMIN, rate=Rate.WRITE, body=Body.NONE)
    async def release(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        await self._removal.release(server_name, check_media_id(media_id))
        return {}

    @endpoint("POST", _V1 + "/user/{user_id}/media/quarantine", access=Access.ADMIN, rate=Rate.WRITE, body=Body.NONE)
    async def quarantine_of_user(self, request: Request, user_id: UserId) -> Answer:
        await self._check_ours(user_id)
        return {"num_quarantined": await self._removal.quarantine_of_user(user_id, request.user.user_id)}

    @endpoint("GET", _V1 + "/media/{server_name}/{media_id}", access=Access.ADMIN, rate=Rate.READ, body=Body.NONE)
    async def show(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        record = await self._store.get(server_name, check_media_id(media_id))
        if record is None:
            raise NotFound("There is no such file")
        return {"media_info": {**_told(record), "media_origin": record.origin, "user_id": record.uploader}}

    @endpoint("DELETE", _V1 + "/media/{server_name}/{media_id}", access=Access.ADMIN, rate=Rate.WRITE, body=Body.NONE)
    async def delete(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        await self._removal.delete(server_name, check_media_id(media_id))
        return {"deleted_media": [media_id], "total": 1}

    @endpoint("GET", _OF_USER, access=Access.ADMIN, rate=Rate.READ, body=Body.NONE)
    async def of_user(self, request: Request, user_id: UserId) -> Answer:
        await self._check_ours(user_id)
        start, records = await self._page(request, user_id)
        total = await self._store.count_of_user(user_id)
        answer: dict[str, Any] = {"media": [_told(record) for record in records], "total": total}
        if start + len(records) < total:
            answer["next_token"] = start + len(records)
        return answer

    @endpoint("DELETE", _OF_USER, access=Access.ADMIN, rate=Rate.WRITE, body=Body.NONE)
    async def delete_of_user(self, request: Request, user_id: UserId) -> Answer:
        """A page of what `of_user` lists."""
        await self._check_ours(user_id)
        _, records = await self._page(request, user_id)
        await self._removal.delete_all(records)
        return {"deleted_media": [record.media_id for record in records], "total": len(records)}

    @endpoint("POST", _V1 + "/purge_media_cache", access=Access.ADMIN, rate=Rate.WRITE, body=Body.NONE)
    async def clear_cache(self, request: Request) -> Answer:
        """What was fetched from elsewhere and nobody has asked for since `before_ts`."""
        request.required("before_ts")
        before_ms, count = request.integer("before_ts", 0, least=EARLIEST_MS), 0
        while removed := await self._removal.forget_remote(before_ms, MOST_CLEARED):
            count += removed
        return {"deleted": count}

    async def _page(self, request: Request, user_id: str) -> tuple[int, list[MediaRecord]]:
        request.choice("order_by", ("created_ts",), "created_ts")
        newest_first = request.choice("dir", ("f", "b"), "f" if request.text("order_by") else "b") == "b"
        start, limit = request.integer("from", 0), request.integer("limit", 100, least=1, most=MOST_LISTED)
        return start, await self._store.listed(user_id, start, limit, newest_first=newest_first)

    async def _check_ours(self, user_id: UserId) -> None:
        if user_id.server_name != self._server_name:
            raise InvalidParam("This user belongs to another server")
        await self._accounts.require(user_id)


def _told(record: MediaRecord) -> dict[str, Any]:
    return {
        "media_id": record.media_id,
        "media_type": record.content_type,
        "media_length": record.size,
        "upload_name": record.file_name,
        "created_ts": record.created_ts,
        "last_access_ts": record.accessed_ts,
        "quarantined_by": record.quarantined_by,
        "safe_from_quarantine": False,
    }
