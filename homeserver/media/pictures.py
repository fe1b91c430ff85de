"""What comes of making a picture smaller, for those who do not bring Pillow along."""

from typing import NamedTuple


class NoPicture(Exception):
    """Not one of the formats, or broken."""


class TooManyPixels(Exception):
    """Not looked at."""


class Made(NamedTuple):
    """`data` is None where the picture itself serves."""

    data: bytes | None
    content_type: str
