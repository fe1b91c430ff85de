"""Uploads and what they may be (client-server API, "Content repository")."""

from config.media import Media as Settings
from homeserver.errors import UserSuspended
from homeserver.media.upload import Upload, Uploads
from homeserver.protocol.ids import ServerName
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request


class UploadEndpoints:
    def __init__(self, settings: Settings, uploads: Uploads, server_name: str) -> None:
        self._config = {"m.upload.size": settings.max_upload_bytes}
        self._uploads = uploads
        self._address = f"mxc://{server_name}/"

    @endpoint("GET", "/_matrix/client/v1/media/config", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    @endpoint("GET", "/_matrix/media/v3/config", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def config(self, request: Request) -> Answer:
        return self._config

    @endpoint("POST", "/_matrix/media/v3/upload", access=Access.USER, rate=Rate.WRITE, body=Body.STREAM)
    async def upload(self, request: Request) -> Answer:
        media_id = await self._uploads.upload(_uploader(request), _upload(request))
        return {"content_uri": self._address + media_id}

    @endpoint("POST", "/_matrix/media/v1/create", access=Access.USER, rate=Rate.WRITE, body=Body.NONE)
    async def create(self, request: Request) -> Answer:
        place = await self._uploads.keep_place(_uploader(request))
        return {"content_uri": self._address + place.media_id, "unused_expires_at": place.expires_ts}

    @endpoint("PUT", "/_matrix/media/v3/upload/{server_name}/{media_id}", access=Access.USER, rate=Rate.WRITE, body=Body.STREAM)
    async def fill(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        await self._uploads.fill(_uploader(request), server_name, media_id, _upload(request))
        return {}


def _uploader(request: Request) -> str:
    if request.user.suspended:
        raise UserSuspended("You cannot perform this action while suspended")
    return request.user.user_id


def _upload(request: Request) -> Upload:
    reader = request.reader
    if reader is None:
        raise RuntimeError("an upload without a body to read")
    return Upload(reader, reader.declared, request.headers.get("content-type"), request.text("filename"))
