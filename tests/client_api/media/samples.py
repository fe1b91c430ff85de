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


def gif_bomb(side: int) -> bytes:
    """A moving picture whose last frame says that it is far larger than the picture."""
    data = BytesIO()
    first, *others = (Image.new("RGB", (200, 200), (80 * number, 0, 0)) for number in range(3))
    first.save(data, "GIF", save_all=True, append_images=others, duration=100)
    place, size = bytes(4), struct.pack("<HH", 200, 200)
    head, _, tail = data.getvalue().rpartition(b"," + place + size)
    return head + b"," + place + struct.pack("<HH", side, side) + tail


def webp_bomb(side: int = 16_000) -> bytes:
    """Two frames of one pixel on a canvas of side × side."""
    data = BytesIO()
    first, second = (Image.new("RGB", (1, 1), (80 * number, 0, 0)) for number in range(2))
    first.save(data, "WEBP", save_all=True, append_images=[second], duration=100)
    packed = bytearray(data.getvalue())
    packed[24:30] = (side - 1).to_bytes(3, "little") * 2  # of the chunk VP8X
    return bytes(packed)


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
