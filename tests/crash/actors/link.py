"""The smallest HTTP/1.1 client that a load needs: one connection, one request at a time, and a clear word when the server is gone."""

import asyncio
from typing import Any
from urllib.parse import quote, urlencode

import orjson

ANSWER_SECONDS = 60


class Gone(Exception):
    """The connection ended before the whole answer was there: whether the request was carried out, nobody here knows."""


class Link:
    """A client's connection to the server, made anew when it was lost."""

    def __init__(self, port: int, token: str = "") -> None:
        self.port = port
        self.token = token
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """Status and JSON; raises Gone."""
        target = f"{path}?{urlencode(query)}" if query else path
        data = b"" if body is None else orjson.dumps(body)
        head = (
            f"{method} {target} HTTP/1.1\r\nHost: crash.test\r\nAuthorization: Bearer {self.token}\r\nContent-Length: {len(data)}\r\n\r\n"
        )
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._exchange(head.encode() + data)
        except (OSError, EOFError) as error:
            self.close()
            raise Gone from error
        except asyncio.CancelledError:
            self.close()
            raise

    async def ok(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """The JSON of an answer that must be a 200."""
        status, answer = await self.ask(method, path, body, **query)
        if status != 200:
            raise AssertionError(f"{method} {path}: {status} {answer}")
        return answer

    def close(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
        self._reader = self._writer = None

    async def _exchange(self, request: bytes) -> tuple[int, Any]:
        if self._reader is None or self._writer is None:
            self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 22)
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        first, *fields = head[:-4].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        body = await self._reader.readexactly(int(headers["content-length"]))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(first.split(" ")[1]), orjson.loads(body)


def room_path(room_id: str, *rest: str) -> str:
    return "/".join(("/_matrix/client/v3/rooms", quote(room_id, safe=""), *(quote(part, safe="") for part in rest)))
