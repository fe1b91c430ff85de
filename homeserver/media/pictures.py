"""What comes of making a picture smaller, for those who do not bring Pillow along."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

# What is decoded at all, with Pillow's names. Not AVIF: its decoder takes the size from the pixels themselves, whatever the head of the file says.
FORMATS: Mapping[str, str] = MappingProxyType({"image/png": "PNG", "image/jpeg": "JPEG", "image/gif": "GIF", "image/webp": "WEBP"})


class NoPicture(Exception):
    """Not one of the formats, or broken."""


class TooManyPixels(Exception):
    """Not looked at."""


class Made(NamedTuple):
    """`data` is None where the picture itself serves."""

    data: bytes | None
    content_type: str
