"""Requests to the homeserver as the assistant's own user: the client-server API with the application service's token."""

import logging
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from appservices.assistant.matrix.covering import Covering
from appservices.assistant.matrix.errors import BadFile, CannotEncrypt, NotNow, Refused, Unreachable
from appservices.assistant.matrix.events import as_object, as_text
from appservices.assistant.matrix.web import Web
from appservices.assistant.runtime import Clock

_log = logging.getLogger(__name__)

ATTEMPTS: Final = 5
_SECONDS: Final = 30.0
_NOT_NOW: Final = (429, 502, 503, 504)
_V3: Final = "/_matrix/client/v3"
Json = dict[str, Any]


class Homeserver:
    def __init__(self, web: Web, clock: Clock, url: str, token: str) -> None:
        self._web = web
        self._clock = clock
        self._url = url.rstrip("/")
        self._token = token
        self._cover: Covering | None = None
        self._is_closed = False

    def wear(self, cover: Covering) -> None:
        """Without it nothing is sent into rooms and nothing read there. It asks for keys through this very homeserver, so it comes a moment later."""
        self._cover = cover

    @property
    def _covered(self) -> Covering:
        if self._cover is None:
            raise RuntimeError("nobody has said yet how rooms are spoken to")
        return self._cover

    async def is_encrypted(self, room: str) -> bool:
        return await self._covered.is_encrypted(room)

    def is_known_encrypted(self, room: str) -> bool:
        return self._covered.is_known(room)

    async def ask(
        self, method: str, path: str, body: Any = None, query: Mapping[str, str] | None = None, *, attempts: int = ATTEMPTS
    ) -> Json:
        """Tried again while the server is busy or away. Raises Refused; Unreachable where it stays away."""
        data = None if body is None else orjson.dumps(body)
        for attempt in range(attempts):
            if self._is_closed:
                break
            try:
                status, answer = await self._once(method, path, data, query)
            except Unreachable:
                if attempt == attempts - 1:
                    raise
                await self._clock.sleep(0.2 * 4**attempt)
                continue
            if self._was_closed():
                break  # the journal is closed with us: who asked could not write down what came
            found = _as_object(answer)
            if 200 <= status < 300:
                return found
            if status not in _NOT_NOW:
                raise Refused(status, str(found.get("errcode", "M_UNKNOWN")), str(found.get("error", "")))
            if attempt == attempts - 1:
                raise NotNow(f"{status} {found.get('errcode', '')}".strip())
            wait = found.get("retry_after_ms")
            await self._clock.sleep(min(wait / 1000 if isinstance(wait, int) else 0.2 * 4**attempt, 30.0))
        raise Unreachable("no attempt was left")

    def _was_closed(self) -> bool:
        return self._is_closed

    async def _once(
        self, method: str, path: str, data: bytes | None, query: Mapping[str, str] | None, kind: str = "application/json"
    ) -> tuple[int, bytes]:
        headers = {"Authorization": f"Bearer {self._token}"} | ({} if data is None else {"Content-Type": kind})
        url = f"{self._url}{path}?{urlencode(query)}" if query else self._url + path
        return await self._web.request(method, url, headers, data, seconds=_SECONDS)

    async def send(self, room: str, kind: str, content: Mapping[str, Any], txn: str) -> str:
        """The event ID: the same for the same transaction ID. Encrypted where the room is."""
        kind, content = await self._covered.seal(room, kind, content)
        answer = await self.ask("PUT", f"{_V3}/rooms/{_q(room)}/send/{_q(kind)}/{_q(txn)}", dict(content))
        return str(answer["event_id"])

    async def capabilities(self) -> Json:
        try:
            return dict((await self.ask("GET", f"{_V3}/capabilities")).get("capabilities") or {})
        except Refused:
            return {}

    async def send_later(self, room: str, kind: str, content: Mapping[str, Any], txn: str, delay_ms: int) -> str:
        """The ID of the delay (MSC4140), for servers that say they know them. Not in encrypted rooms, for who will be there then?"""
        if await self.is_encrypted(room):
            raise CannotEncrypt("nothing is sent later in encrypted rooms")
        path = f"{_V3}/rooms/{_q(room)}/send/{_q(kind)}/{_q(txn)}"
        answer = await self.ask("PUT", path, dict(content), {"org.matrix.msc4140.delay": str(delay_ms)}, attempts=2)
        return str(answer["delay_id"])

    async def cancel_later(self, delay_id: str) -> None:
        await self.ask("POST", f"/_matrix/client/unstable/org.matrix.msc4140/delayed_events/{_q(delay_id)}/cancel", {})

    async def set_state(self, room: str, kind: str, key: str, content: Mapping[str, Any]) -> str:
        await self._covered.check_state(room, kind)
        answer = await self.ask("PUT", f"{_V3}/rooms/{_q(room)}/state/{_q(kind)}/{_q(key)}", dict(content))
        return str(answer["event_id"])

    async def state(self, room: str, kind: str, key: str = "") -> Json | None:
        """The content; None where there is none, or it is not for us."""
        try:
            return await self.ask("GET", f"{_V3}/rooms/{_q(room)}/state/{_q(kind)}/{_q(key)}")
        except Refused as error:
            if error.status in (403, 404):
                return None
            raise

    async def event(self, room: str, event_id: str) -> Json | None:
        try:
            return await self._open(room, await self.ask("GET", f"{_V3}/rooms/{_q(room)}/event/{_q(event_id)}"))
        except Refused as error:
            if error.status in (403, 404):
                return None
            raise

    async def messages(self, room: str, start: str | None, limit: int = 100, kinds: tuple[str, ...] = ()) -> Json:
        """Backwards from there, or from the end; events of these types, or all."""
        query = {"dir": "b", "limit": str(limit)} | ({"from": start} if start else {})
        if kinds:
            query["filter"] = orjson.dumps({"types": kinds}).decode()
        page = await self.ask("GET", f"{_V3}/rooms/{_q(room)}/messages", query=query)
        return page | {"chunk": [await self._open(room, event) for event in page.get("chunk") or () if isinstance(event, dict)]}

    async def _open(self, room: str, event: Json) -> Json:
        return await self._covered.open({"room_id": room} | event)

    async def related(self, room: str, event_id: str, relation: str) -> list[Json]:
        path = f"/_matrix/client/v1/rooms/{_q(room)}/relations/{_q(event_id)}/{_q(relation)}"
        found = (await self.ask("GET", path, query={"limit": "100"})).get("chunk", [])
        return [await self._open(room, each) for each in found if isinstance(each, dict)]

    async def joined_members(self, room: str) -> dict[str, str]:
        """User ID to display name."""
        found = (await self.ask("GET", f"{_V3}/rooms/{_q(room)}/joined_members")).get("joined", {})
        return {user: str((member or {}).get("display_name") or user) for user, member in found.items()}

    async def joined_rooms(self) -> list[str]:
        return [str(room) for room in (await self.ask("GET", f"{_V3}/joined_rooms")).get("joined_rooms", [])]

    async def create_event(self, room: str) -> Json:
        """The whole event, for its sender; of old servers the content alone."""
        return await self.ask("GET", f"{_V3}/rooms/{_q(room)}/state/m.room.create/", query={"format": "event"})

    async def profile(self, user: str) -> Json:
        return await self.ask("GET", f"{_V3}/profile/{_q(user)}", attempts=1)

    async def join(self, room: str) -> None:
        await self.ask("POST", f"{_V3}/rooms/{_q(room)}/join", {})

    async def redact(self, room: str, event_id: str, txn: str) -> None:
        await self.ask("PUT", f"{_V3}/rooms/{_q(room)}/redact/{_q(event_id)}/{_q(txn)}", {})

    async def typing(self, room: str, user: str, is_typing: bool) -> None:
        """A hint; that it could not be given is no failure of anything."""
        body = {"typing": True, "timeout": 30_000} if is_typing else {"typing": False}
        try:
            await self.ask("PUT", f"{_V3}/rooms/{_q(room)}/typing/{_q(user)}", body)
        except (Refused, Unreachable) as error:
            _log.debug("typing was not told in %s: %s", room, error)

    async def make_device(self, device: str, name: str) -> None:
        """Made where it is not there (application-service API, "Creating devices")."""
        await self.ask("PUT", f"{_V3}/devices/{_q(device)}", {"display_name": name}, attempts=2)

    async def send_to_devices(self, kind: str, txn: str, messages: Mapping[str, Mapping[str, Any]]) -> None:
        await self.ask("PUT", f"{_V3}/sendToDevice/{_q(kind)}/{_q(txn)}", {"messages": messages}, attempts=2)

    async def presence(self, user: str) -> Json:
        """Empty where nobody tells."""
        try:
            return await self.ask("GET", f"{_V3}/presence/{_q(user)}/status", attempts=1)
        except (Refused, NotNow):
            return {}

    async def upload(self, room: str, data: bytes, kind: str, name: str) -> Json:
        """What a message into that room says of where the file is. In encrypted rooms nobody sees name, kind or bytes."""
        if not await self._covered.is_encrypted(room):
            return {"url": await self._upload(data, kind, name)}
        locked, file = self._covered.lock_file(data)
        return {"file": file | {"url": await self._upload(locked, "application/octet-stream", "file")}}

    async def _upload(self, data: bytes, kind: str, name: str) -> str:
        """The mxc address."""
        status, answer = await self._once("POST", "/_matrix/media/v3/upload", data, {"filename": name}, kind)
        if status in _NOT_NOW:
            raise NotNow(str(status))
        uri = _as_object(answer).get("content_uri")
        if status != 200 or not isinstance(uri, str):
            raise Refused(status, str(_as_object(answer).get("errcode", "M_UNKNOWN")))
        return uri

    async def file_of(self, content: Mapping[str, Any]) -> bytes:
        """Raises BadFile, Refused, Unreachable."""
        file = as_object(content.get("file"))
        address = as_text(file.get("url") if file else content.get("url"))
        if not address.startswith("mxc://"):
            raise BadFile("there is none")
        data = await self._download(address)
        return self._covered.unlock_file(data, file) if file else data

    async def _download(self, mxc: str) -> bytes:
        server, _, media = mxc.removeprefix("mxc://").partition("/")
        status, data = await self._once("GET", f"/_matrix/client/v1/media/download/{_q(server)}/{_q(media)}", None, None)
        if status != 200:
            raise Refused(status, str(_as_object(data).get("errcode", "M_UNKNOWN")))
        return data

    async def become(self, localpart: str, user: str, display_name: str) -> None:
        """Be there: the user of the registration, with its name."""
        try:
            await self.ask("POST", f"{_V3}/register", {"type": "m.login.application_service", "username": localpart, "inhibit_login": True})
        except Refused as error:
            if error.errcode not in ("M_USER_IN_USE", "M_EXCLUSIVE"):
                raise
        await self.ask("PUT", f"{_V3}/profile/{_q(user)}/displayname", {"displayname": display_name})

    def move(self, url: str) -> None:
        """Where the homeserver is to be found from now on."""
        self._url = url.rstrip("/")

    async def close(self) -> None:
        """What still waits to be tried again is not tried."""
        self._is_closed = True
        await self._web.close()


def _as_object(data: bytes) -> Json:
    try:
        found = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _q(part: str) -> str:
    return quote(part, safe="")
