"""Downloads, for those who say who they are, and the deprecated ones for everybody (client-server API, "Content repository")."""

from config.media import Media as Settings
from homeserver.client_api.media.serving import Served, find_file, serve_file
from homeserver.errors import NotFound
from homeserver.media.library import Library
from homeserver.media.names import check_file_name
from homeserver.media.store import MediaFiles
from homeserver.protocol.ids import ServerName
from homeserver.web.endpoint import Access, Answer, Body, Rate, Reply, endpoint
from homeserver.web.request import Request

_FILE = "/download/{server_name}/{media_id}"
_NAMED = _FILE + "/{file_name}"
_NEW = "/_matrix/client/v1/media"
_OLD = "/_matrix/media/v3"


class DownloadEndpoints:
    def __init__(self, settings: Settings, library: Library, files: MediaFiles) -> None:
        self._open = settings.unauthenticated_downloads
        self._library = library
        self._files = files

    @endpoint("GET", _NEW + _FILE, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def download(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        return await self._serve(request, server_name, media_id)

    @endpoint("GET", _NEW + _NAMED, access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def download_named(self, request: Request, server_name: ServerName, media_id: str, file_name: str) -> Answer:
        return await self._serve(request, server_name, media_id, file_name)

    @endpoint("GET", _OLD + _FILE, access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def download_openly(self, request: Request, server_name: ServerName, media_id: str) -> Answer:
        return await self._serve_openly(request, server_name, media_id)

    @endpoint("GET", _OLD + _NAMED, access=Access.NONE, rate=Rate.READ, body=Body.NONE)
    async def download_named_openly(self, request: Request, server_name: ServerName, media_id: str, file_name: str) -> Answer:
        return await self._serve_openly(request, server_name, media_id, file_name)

    async def _serve_openly(self, request: Request, origin: str, media_id: str, file_name: str | None = None) -> Reply:
        if not self._open:
            raise NotFound("This server gives files to those with an account alone")
        return await self._serve(request, origin, media_id, file_name, may_fetch=request.flag("allow_remote", True), public=True)

    async def _serve(
        self, request: Request, origin: str, media_id: str, file_name: str | None = None, *, may_fetch: bool = True, public: bool = False
    ) -> Reply:
        name = check_file_name(file_name)
        record = await find_file(self._library, request, origin, media_id, may_fetch=may_fetch)
        if record.digest is None:
            raise RuntimeError("a file was found that is not here")
        served = Served(record.digest, record.size, record.content_type, name or record.file_name)
        return await serve_file(self._files, served, request, public=public)
