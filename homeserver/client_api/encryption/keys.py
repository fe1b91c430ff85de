"""Keys of devices: uploaded, looked up, given out (client-server API, "Key management API")."""

from homeserver.client_api.encryption.callers import require_device
from homeserver.encryption.claim import KeyClaims, wanted_keys
from homeserver.encryption.device_lists import DeviceLists
from homeserver.encryption.query import KeyQuery, timeout_of, wanted_devices
from homeserver.encryption.upload import KeyUpload
from homeserver.errors import BadJson
from homeserver.sync.token import SyncToken
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request

_KEYS = "/_matrix/client/v3/keys"


class Keys:
    def __init__(self, uploading: KeyUpload, query: KeyQuery, claims: KeyClaims) -> None:
        self._uploading = uploading
        self._query = query
        self._claims = claims

    @endpoint("POST", f"{_KEYS}/upload", access=Access.GUEST, rate=Rate.WRITE, body=Body.OBJECT)
    async def upload(self, request: Request) -> Answer:
        counts = await self._uploading.upload(request.user.user_id, require_device(request), request.body)
        return {"one_time_key_counts": dict(counts.one_time)}

    @endpoint("POST", f"{_KEYS}/query", access=Access.GUEST, rate=Rate.READ, body=Body.OBJECT)
    async def query(self, request: Request) -> Answer:
        body = request.body
        if "device_keys" not in body:
            raise BadJson("device_keys is missing")
        return await self._query.answer(wanted_devices(body["device_keys"]), request.user.user_id, timeout_of(body))

    @endpoint("POST", f"{_KEYS}/claim", access=Access.GUEST, rate=Rate.WRITE, body=Body.OBJECT)
    async def claim(self, request: Request) -> Answer:
        body = request.body
        if "one_time_keys" not in body:
            raise BadJson("one_time_keys is missing")
        return await self._claims.answer(wanted_keys(body["one_time_keys"]), timeout_of(body))


class KeyChanges:
    def __init__(self, lists: DeviceLists) -> None:
        self._lists = lists

    @endpoint("GET", f"{_KEYS}/changes", access=Access.GUEST, rate=Rate.READ, body=Body.NONE)
    async def changes(self, request: Request) -> Answer:
        since = SyncToken.parse(request.required("from")).position
        until = SyncToken.parse(request.required("to")).position
        if since >= until or self._lists.is_quiet(since):
            return {"changed": [], "left": []}
        found = await self._lists.between(request.user.user_id, since, until)
        return {"changed": found.changed, "left": found.left}
