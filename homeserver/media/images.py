"""Pictures made smaller, by Pillow: formats by allow-list and first bytes, a cap on pixels before anything is decoded. Blocks: for threads alone.

What is made carries nothing over but its pixels: no position, no camera, no comment.
"""

from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

from PIL import Image, ImageOps, WebPImagePlugin  # noqa: F401 - named here, WebP needs no search through all plugins

from homeserver.media.content_types import HEAD_BYTES, sniff
from homeserver.media.pictures import FORMATS, Made, NoPicture, TooManyPixels
from homeserver.media.sizes import CROP, Size, covering, fitted
from homeserver.media.store import FilesUnavailable

_ORIENTATION = 0x0112  # an EXIF tag; values from 5 lie on their side
_LYING = 5
MOST_FRAMES = 500
FRAME_PIXELS = 4  # how many times the cap on pixels all frames of a moving picture may have
MADE_PIXELS = 16_000_000  # of all frames of a moving thumbnail: they are in memory together
DEFAULT_FRAME_MS = 100
_LOSSY = frozenset({"image/jpeg", "image/webp"})


def make_thumbnail(file: BinaryIO, size: Size | None, *, moving: bool, most_pixels: int) -> Made:
    """NoPicture, TooManyPixels, FilesUnavailable. A size of None: as large as it is."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    content_type = sniff(head) or ""
    if content_type not in FORMATS:
        raise NoPicture(content_type)
    image = _open(file, FORMATS[content_type], most_pixels)
    with image:
        try:
            return _make(image, content_type, size, moving, most_pixels)
        except FilesUnavailable:
            raise
        except (TooManyPixels, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise TooManyPixels from error
        except Exception as error:  # decoders fail on broken pictures in ways that no list holds
            raise NoPicture(content_type) from error


def measure(data: bytes, *, most_pixels: int) -> tuple[int, int]:
    """Width and height as it is shown. NoPicture, TooManyPixels."""
    with _open(BytesIO(data), FORMATS.get(sniff(data) or "", ""), most_pixels) as image:
        return _upright(image)


def _open(file: BinaryIO, name: str, most_pixels: int) -> Image.Image:
    """Reads the header alone."""
    try:
        image = Image.open(file, formats=(name,))
    except FilesUnavailable:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels from error
    except Exception as error:
        raise NoPicture(name) from error
    if _is_too_large(image, most_pixels):
        image.close()
        raise TooManyPixels
    return image


def _is_too_large(image: Image.Image, most_pixels: int) -> bool:
    return image.width * image.height > most_pixels


def _make(image: Image.Image, content_type: str, size: Size | None, moving: bool, most_pixels: int) -> Made:
    frames = getattr(image, "n_frames", 1)
    moves = frames > 1
    if (size is None or size.covers(*_upright(image))) and (moving or not moves):
        return Made(None, content_type)
    if moves and moving and size is not None and _may_move(image, frames, size, most_pixels):
        return _moving(image, frames, size, most_pixels)
    return _still(image, size, as_jpeg=content_type in _LOSSY and not image.has_transparency_data)


def _upright(image: Image.Image) -> tuple[int, int]:
    if image.getexif().get(_ORIENTATION, 1) >= _LYING:
        return image.height, image.width
    return image.width, image.height


def _still(image: Image.Image, size: Size | None, *, as_jpeg: bool) -> Made:
    if size is not None:
        least = max(covering(*_upright(image), size))
        image.draft(None, (least, least))  # a JPEG is decoded no larger than needed
    frame = _colours(ImageOps.exif_transpose(image))
    if size is not None:
        frame = _resized(frame, size)
    frame.info = {}
    data = BytesIO()
    if as_jpeg:
        frame.convert("RGB").save(data, "JPEG", quality=82)
        return Made(data.getvalue(), "image/jpeg")
    frame.save(data, "PNG")
    return Made(data.getvalue(), "image/png")


def _may_move(image: Image.Image, frames: int, size: Size, most_pixels: int) -> bool:
    pixels = image.width * image.height
    return frames <= MOST_FRAMES and frames * pixels <= FRAME_PIXELS * most_pixels and frames * size.width * size.height <= MADE_PIXELS


def _moving(image: Image.Image, frames: int, size: Size, most_pixels: int) -> Made:
    durations: list[int] = []

    def each() -> Iterator[Image.Image]:
        for number in range(frames):
            image.seek(number)
            if _is_too_large(image, most_pixels):  # a later frame of a GIF may be larger than the picture
                raise TooManyPixels
            durations.append(int(image.info.get("duration") or DEFAULT_FRAME_MS))
            frame = _resized(_colours(image), size)
            frame.info = {}
            yield frame

    first, *others = each()
    data = BytesIO()
    loop = int(image.info.get("loop", 0))
    first.save(data, "WEBP", save_all=True, append_images=others, duration=durations, loop=loop, quality=75, method=2)
    return Made(data.getvalue(), "image/webp")


def _colours(image: Image.Image) -> Image.Image:
    clear = image.has_transparency_data
    return image.convert("RGBA" if clear else "RGB")


def _resized(image: Image.Image, size: Size) -> Image.Image:
    if size.method != CROP:
        return image.resize(fitted(*image.size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    whole = image.resize(covering(*image.size, size), Image.Resampling.LANCZOS, reducing_gap=2.0)
    width, height = min(size.width, whole.width), min(size.height, whole.height)
    left, top = (whole.width - width) // 2, (whole.height - height) // 2
    return whole.crop((left, top, left + width, top + height))
