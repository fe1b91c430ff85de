"""Thumbnails (client-server API, "Content repository")."""

from config.media import Media as Settings
from homeserver.client_api.media.serving import Served, find_file, serve_file
from homeserver.errors import NotFound
from homeserver.media.library import Library
from homeserver.media.sizes import CROP, SCALE
from homeserver.media.store import MediaFiles
from homeserver.media.thumbnails import Thumbnails
from homeserver.protocol.ids import ServerName
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_PATH = "/thumbnail/{server_name}/{media_id}"


class ThumbnailEndpoints:
    def __init__(self, settings: Settings, library: Library, thumbnails: Thumbnails, files: MediaFiles) -> None:
        self._open = settings.unauthenticated_downloads
        self._library = library
        self._thumbnails = thumbnails
        self._files = files

    @endpoint("GET", "/_matrix/client/v1/media" + _PATH, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def thumbnail(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        return await self._serve(request, server_name, media_id)

    @endpoint("GET", "/_matrix/media/v3" + _PATH, access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def thumbnail_openly(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        if not self._open:
            raise NotFound("This server gives files to those with an account alone")
        return await self._serve(request, server_name, media_id, may_fetch=request.flag("allow_remote", True), public=True)

    async def _serve(self, request: Request, origin: str, media_id: str, *, may_fetch: bool = True, public: bool = False) -> Reply:
        request.required("width")
        request.required("height")
        width, height = request.integer("width", 1, least=1), request.integer("height", 1, least=1)
        method = request.choice("method", (CROP, SCALE), SCALE)
        moving = request.flag("animated")
        record = await find_file(self._library, request, origin, media_id, may_fetch=may_fetch)
        made = await self._thumbnails.of(record, width, height, method, moving=moving)
        name = f"thumbnail.{made.content_type.partition('/')[2]}"
        return await serve_file(self._files, Served(made.file, made.size, made.content_type, name), request, public=public)
