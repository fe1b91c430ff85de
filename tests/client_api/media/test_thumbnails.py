"""Thumbnails: sizes, methods, moving pictures, formats; what is never decoded."""

import tracemalloc
from io import BytesIO
from pathlib import Path
from typing import Any

import orjson
import pytest
from PIL import Image

from homeserver.web.endpoint import Reply
from tests.client_api.media.samples import call, gif_bomb, png, png_bomb, upload, webp_bomb
from tests.support.client import Client
from tests.support.server import TestServer


def thumbnail(
    server: TestServer, client: Client, path: str, width: Any, height: Any, prefix: str = "client/v1/media", **query: Any
) -> Reply:
    return call(server, client, "GET", f"/_matrix/{prefix}/thumbnail/{path}", None, {"width": width, "height": height, **query})


def picture(reply: Reply) -> Image.Image:
    assert reply.status == 200, reply.body
    image = Image.open(BytesIO(reply.body))
    assert reply.content_type == f"image/{str(image.format).lower()}"
    assert reply.headers["Content-Disposition"] == f'inline; filename="thumbnail.{reply.content_type[6:]}"'
    image.load()
    return image


def moving(kind: str, size: tuple[int, int] = (400, 300), frames: int = 3) -> bytes:
    data = BytesIO()
    first, *others = (Image.new("RGB", size, (80 * number % 256, number % 256, 0)) for number in range(frames))
    first.save(data, kind, save_all=True, append_images=others, duration=100)
    return data.getvalue()


def encoded(kind: str, mode: str = "RGB") -> bytes:
    data = BytesIO()
    Image.new(mode, (400, 300)).save(data, kind)
    return data.getvalue()


def jpeg(width: int, height: int, orientation: int | None = None, mode: str = "RGB") -> bytes:
    data = BytesIO()
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    exif[0x8825] = {1: "N", 2: (1.0, 2.0, 3.0)}
    Image.new(mode, (width, height)).save(data, "JPEG", exif=exif)
    return data.getvalue()


@pytest.mark.parametrize(
    ("asked", "made"),
    [
        ((32, 32, "crop"), (32, 32)),
        ((33, 20, "crop"), (96, 96)),
        ((100, 100, "crop"), (240, 240)),
        ((320, 240, "scale"), (320, 160)),
        ((1, 1, "scale"), (320, 160)),
        ((641, 1, "scale"), (800, 400)),
        ((600, 600, "crop"), (800, 400)),
        ((1000, 1000, "scale"), (1000, 500)),
        ((5000, 5000, "scale"), (1000, 500)),
        ((5000, 5000, "crop"), (1000, 500)),
    ],
)
def test_sizes(server: TestServer, alice: Client, asked: tuple[int, int, str], made: tuple[int, int]) -> None:
    path = upload(server, alice, png(1000, 500))
    for prefix in ("client/v1/media", "media/v3", "media/r0"):
        assert picture(thumbnail(server, alice, path, *asked[:2], prefix=prefix, method=asked[2])).size == made


def test_a_small_picture_serves_itself(server: TestServer, alice: Client, tmp_path: Path) -> None:
    data = png(30, 20)
    path = upload(server, alice, data)
    for method in ("crop", "scale"):
        for _ in range(2):
            assert thumbnail(server, alice, path, 32, 32, method=method).body == data
    assert sum(file.is_file() for file in (tmp_path / "media").rglob("*")) == 1


def test_thumbnails_are_made_once(server: TestServer, alice: Client, tmp_path: Path) -> None:
    path = upload(server, alice, png(500, 500))
    first = thumbnail(server, alice, path, 32, 32, method="crop")
    times = {file: file.stat().st_mtime_ns for file in (tmp_path / "media").rglob("*") if file.is_file()}
    again = thumbnail(server, alice, upload(server, alice, png(500, 500)), 30, 30, method="crop")
    assert (again.body, again.headers["ETag"]) == (first.body, first.headers["ETag"])
    assert {file: file.stat().st_mtime_ns for file in (tmp_path / "media").rglob("*") if file.is_file()} == times


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_moving_pictures(server: TestServer, alice: Client, kind: str) -> None:
    path = upload(server, alice, moving(kind), f"image/{kind.lower()}")
    for query in ({}, {"animated": "false"}):
        still = picture(thumbnail(server, alice, path, 96, 96, method="crop", **query))
        assert (getattr(still, "n_frames", 1), still.size) == (1, (96, 96))
    animated = picture(thumbnail(server, alice, path, 96, 96, method="crop", animated="true"))
    assert (animated.format, getattr(animated, "n_frames", 1), animated.size) == ("WEBP", 3, (96, 96))
    # Smaller than what is asked for: itself when it may move, else its first frame.
    assert getattr(picture(thumbnail(server, alice, path, 1000, 1000, animated="true")), "n_frames", 1) == 3
    first = picture(thumbnail(server, alice, path, 1000, 1000))
    assert (getattr(first, "n_frames", 1), first.size) == (1, (400, 300))


def test_still_pictures_keep_what_they_need(server: TestServer, alice: Client) -> None:
    for kind, mode, made in (("WEBP", "RGB", "JPEG"), ("WEBP", "RGBA", "PNG"), ("PNG", "RGB", "PNG"), ("PNG", "RGBA", "PNG")):
        path = upload(server, alice, encoded(kind, mode), f"image/{kind.lower()}")
        for query in ({}, {"animated": "true"}):
            assert picture(thumbnail(server, alice, path, 96, 96, method="crop", **query)).format == made


def test_too_much_movement_stands_still(server: TestServer, alice: Client) -> None:
    path = upload(server, alice, moving("GIF", (1700, 20), 600), "image/gif")
    assert getattr(picture(thumbnail(server, alice, path, 800, 600, animated="true")), "n_frames", 1) == 1


def test_photographs_stand_upright_and_tell_nothing(server: TestServer, alice: Client) -> None:
    image = picture(thumbnail(server, alice, upload(server, alice, jpeg(1000, 500, 6), "image/jpeg"), 320, 240))
    assert image.size == (120, 240)
    assert (image.format, dict(image.getexif())) == ("JPEG", {})
    for mode in ("L", "CMYK"):
        assert picture(thumbnail(server, alice, upload(server, alice, jpeg(1000, 500, mode=mode), "image/jpeg"), 32, 32)).mode == "RGB"


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
def test_every_kind_of_pixel(server: TestServer, alice: Client, mode: str) -> None:
    data = BytesIO()
    Image.new(mode, (1000, 20)).save(data, "PNG")
    assert picture(thumbnail(server, alice, upload(server, alice, data.getvalue()), 320, 240)).size == (320, 6)


@pytest.mark.parametrize("bomb", [png_bomb(), gif_bomb(9_000), gif_bomb(12_000), webp_bomb()], ids=["PNG", "GIF", "larger GIF", "WEBP"])
def test_a_bomb_is_not_decoded(server: TestServer, alice: Client, bomb: bytes) -> None:
    assert len(bomb) < 100_000
    path = upload(server, alice, bomb)
    for kind in ("GIF", "PNG", "WEBP"):  # whatever is loaded the first time
        thumbnail(server, alice, upload(server, alice, moving(kind)), 32, 32, animated="true")
    peak_bytes()
    tracemalloc.start()
    before = resident_bytes()
    reply = thumbnail(server, alice, path, 32, 32, method="crop", animated="true")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (reply.status, orjson.loads(reply.body)["errcode"]) == (413, "M_TOO_LARGE")
    assert peak < 5_000_000
    assert peak_bytes() - before < 50_000_000


def resident_bytes() -> int:
    return _memory("VmRSS")


def peak_bytes() -> int:
    """The most since the last look. Linux forgets it when told to."""
    most = _memory("VmHWM")
    Path("/proc/self/clear_refs").write_text("5")
    return most


def _memory(name: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


@pytest.mark.parametrize(
    "data",
    [
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 100 100\n",
        b"<svg xmlns='http://www.w3.org/2000/svg' width='100' height='100'/>",
        b"BM" + bytes(100),
        b"",
        b"\x89PNG\r\n\x1a\n",
        png(500, 500)[:100],
        jpeg(500, 500)[:200],
        b"GIF89a" + bytes(30),
        b"RIFF\x10\0\0\0WEBPVP8 " + bytes(30),
        encoded("AVIF"),
    ],
)
def test_what_is_no_picture(server: TestServer, alice: Client, data: bytes) -> None:
    reply = thumbnail(server, alice, upload(server, alice, data), 32, 32)
    assert (reply.status, orjson.loads(reply.body)["errcode"]) == (400, "M_UNKNOWN")


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ({"height": 1}, "M_MISSING_PARAM"),
        ({"width": 1}, "M_MISSING_PARAM"),
        ({"width": "a", "height": 1}, "M_INVALID_PARAM"),
        ({"width": -1, "height": 1}, "M_INVALID_PARAM"),
        ({"width": 0, "height": 1}, "M_INVALID_PARAM"),
        ({"width": 1, "height": 1, "method": "stretch"}, "M_INVALID_PARAM"),
        ({"width": 1, "height": 1, "animated": "perhaps"}, "M_INVALID_PARAM"),
    ],
)
def test_wrong_parameters(server: TestServer, alice: Client, query: dict[str, Any], code: str) -> None:
    reply = call(server, alice, "GET", f"/_matrix/client/v1/media/thumbnail/{upload(server, alice, png())}", None, query)
    assert (reply.status, orjson.loads(reply.body)["errcode"]) == (400, code)
