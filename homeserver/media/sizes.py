"""Sizes of thumbnails: a fixed list, so that nobody can ask for thousands of them (client-server API, "Thumbnails")."""

from typing import NamedTuple

CROP = "crop"
SCALE = "scale"


class Size(NamedTuple):
    width: int
    height: int
    method: str

    @property
    def name(self) -> str:
        return f"{self.method}-{self.width}x{self.height}"

    def covers(self, width: int, height: int) -> bool:
        return self.width >= width and self.height >= height


# Each method from small to large. Beyond the specification's own: squares for large avatars, and one for large screens.
SIZES = (
    Size(32, 32, CROP),
    Size(96, 96, CROP),
    Size(240, 240, CROP),
    Size(480, 480, CROP),
    Size(320, 240, SCALE),
    Size(640, 480, SCALE),
    Size(800, 600, SCALE),
    Size(1600, 1200, SCALE),
)


def choose(width: int, height: int, method: str) -> Size | None:
    """The smallest size that is not below what was asked for; None: only the picture itself is large enough."""
    for wanted in (method, SCALE):
        for size in SIZES:
            if size.method == wanted and size.covers(width, height):
                return size
    return None


def fitted(width: int, height: int, size: Size) -> tuple[int, int]:
    """The picture within the size, at its own aspect, never larger than it is."""
    factor = min(size.width / width, size.height / height, 1.0)
    return max(1, round(width * factor)), max(1, round(height * factor))


def covering(width: int, height: int, size: Size) -> tuple[int, int]:
    """The picture around the size, to be cropped to it, never larger than it is."""
    factor = min(max(size.width / width, size.height / height), 1.0)
    return max(1, round(width * factor)), max(1, round(height * factor))
