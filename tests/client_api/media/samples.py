"""Small files of each kind, and a server that holds them."""

import struct
import zlib
from io import BytesIO
from typing import Any

import orjson
from PIL import Image

from homeserver.web.endpoint import Reply
from tests.support.client import Client
from tests.support.server import TestServer


def png(width: int = 8, height: int = 8, colour: str = "red") -> bytes:
    data = BytesIO()
    Image.new("RGB", (width, height), colour).save(data, "PNG")
    return data.getvalue()


def png_bomb(side: int = 20_000) -> bytes:
    """A picture of side × side pixels in a few kilobytes: one bit each, all the same."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packed = zlib.compressobj(9)
    line = b"\0" * (1 + side // 8)
    rows = b"".join(packed.compress(line) for _ in range(side)) + packed.flush()
    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def upload(server: TestServer, client: Client, data: bytes, content_type: str | None = "image/png", name: str | None = None) -> str:
    """The path of the file: server name and media ID."""
    headers = {} if content_type is None else {"content-type": content_type}
    reply = call(server, client, "POST", "/_matrix/media/v3/upload", data, {"filename": name}, **headers)
    assert reply.status == 200, reply.body
    uri: str = orjson.loads(reply.body)["content_uri"]
    return uri.removeprefix("mxc://")


def call(
    server: TestServer, client: Client, method: str, path: str, body: Any = None, query: dict[str, Any] | None = None, **headers: str
) -> Reply:
    plain = {name.replace("_", "-"): value for name, value in headers.items()}
    return server.run(client.call(method, path, body, query, plain))


def download(server: TestServer, client: Client, path: str, query: dict[str, Any] | None = None, **headers: str) -> Reply:
    return call(server, client, "GET", f"/_matrix/client/v1/media/download/{path}", None, query, **headers)
