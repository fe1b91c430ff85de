"""A reverse proxy on loopback that writes down every exchange, one JSON object a line, to be held against the specification.

The recording holds passwords and tokens: throw-away accounts only.
"""

import asyncio
import json
import re
import threading
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector, web
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

HOST = "127.0.0.1"
LARGEST_BODY = 1 << 20  # larger ones are marked and left out
LARGEST_UPLOAD = 1 << 30
# The two connections are not one, and bodies are recorded as they are meant.
OF_ONE_CONNECTION = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
TOKEN_IN_QUERY = re.compile(r"(access_token=)[^&]*")


class Recorder:
    """`with Recorder(file) as recorder:` listens at `recorder.address` and passes on to `recorder.upstream`, set before the first request."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.address = ""
        self.upstream = ""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="recorder", daemon=True)
        self._runner: web.AppRunner
        self._session: ClientSession

    def __enter__(self) -> "Recorder":
        self._out = self.file.open("a", encoding="utf-8", buffering=1)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._open(), self._loop).result(30)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)
        self._loop.close()
        self._out.close()

    async def _open(self) -> None:
        self._session = ClientSession(
            connector=TCPConnector(limit=0), timeout=ClientTimeout(total=None), cookie_jar=DummyCookieJar(), auto_decompress=False
        )
        app = web.Application(client_max_size=LARGEST_UPLOAD)
        app.router.add_route("*", "/{path:.*}", self._pass_on)
        self._runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        self.address = f"http://{HOST}:{self._runner.addresses[0][1]}"

    async def _close(self) -> None:
        await self._runner.cleanup()
        await self._session.close()

    async def _pass_on(self, request: web.Request) -> web.Response:
        sent = await request.read()
        url = URL(self.upstream + request.raw_path, encoded=True)
        headers = of_message(request.headers)
        headers["Accept-Encoding"] = "identity"
        try:
            async with self._session.request(
                request.method, url, headers=headers, data=sent or None, allow_redirects=False, skip_auto_headers=["Content-Type"]
            ) as answer:
                received = await answer.read()
        except ClientError as error:
            return web.Response(status=HTTPStatus.BAD_GATEWAY, text=f"no answer from the server: {error!r}\n")
        self._write(request, sent, answer.status, answer.headers.get("Content-Type", ""), received)
        return web.Response(status=answer.status, reason=answer.reason, headers=of_message(answer.headers), body=received)

    def _write(self, request: web.Request, sent: bytes, status: int, content_type: str, received: bytes) -> None:
        exchange = {
            "method": request.method,
            "path": TOKEN_IN_QUERY.sub(r"\1***", request.raw_path),
            "authenticated": "Authorization" in request.headers or "access_token=" in request.raw_path,
            "status": status,
            "response_content_type": content_type or None,
            **body_of("request", sent, expected_json=sent[:1] == b"{"),
            **body_of("response", received, expected_json="json" in content_type or request.path.startswith("/.well-known/")),
        }
        self._out.write(json.dumps(exchange, ensure_ascii=False) + "\n")


def of_message(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in OF_ONE_CONNECTION)


def body_of(side: str, body: bytes, *, expected_json: bool) -> dict[str, Any]:
    if len(body) > LARGEST_BODY:
        return {f"{side}_body": None, f"{side}_body_omitted": True}
    parsed = None
    if expected_json:
        try:
            parsed = json.loads(body)
        except ValueError:
            parsed = None  # not JSON after all: the check says so
    return {f"{side}_body": parsed}
