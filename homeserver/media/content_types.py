"""Content types: declared ones checked, contents known by their first bytes (client-server API, "Serving inline content").

A type is believed unless the content is obviously something else; what is obviously wrong is served as `application/octet-stream`.
"""

import re

UNKNOWN = "application/octet-stream"
HEAD_BYTES = 64  # what `sniff` wants to see
MAX_LENGTH = 255

INLINE = frozenset(
    {
        "text/css", "text/plain", "text/csv", "application/json", "application/ld+json",
        "image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif",
        "video/mp4", "video/webm", "video/ogg", "video/quicktime",
        "audio/mp4", "audio/webm", "audio/aac", "audio/mpeg", "audio/ogg", "audio/wave", "audio/wav", "audio/x-wav", "audio/x-pn-wav",
        "audio/flac", "audio/x-flac",
    }
)  # fmt: skip
_PICTURES = frozenset({"image/jpeg", "image/gif", "image/png", "image/apng", "image/webp", "image/avif"})
_DOCUMENTS = frozenset({"text/html", "application/pdf", "application/postscript"})
_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"%!PS", "application/postscript"),
    (b"\xc5\xd0\xd3\xc6", "application/postscript"),
)
_MARKUP = (b"<!doctype", b"<html", b"<head", b"<body", b"<script", b"<svg", b"<?xml", b"<!--", b"<iframe")
_ESSENCE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")


def essence(content_type: str) -> str:
    """Type and subtype, without parameters."""
    return content_type.partition(";")[0].strip().lower()


def declared_type(text: str | None) -> str:
    """What the uploader said, or UNKNOWN where that is no content type."""
    if text is None or len(text) > MAX_LENGTH or not text.isascii() or not text.isprintable() or not _ESSENCE.fullmatch(essence(text)):
        return UNKNOWN
    return text.strip()


def sniff(head: bytes) -> str | None:
    """What the first bytes say."""
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:12] in (b"ftypavif", b"ftypavis"):
        return "image/avif"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n\f").lower()
    return "text/html" if text.startswith(_MARKUP) else None


def agreed_type(declared: str, head: bytes) -> str:
    """The type to serve."""
    kind = essence(declared)
    found = sniff(head)
    if kind in _PICTURES:
        return declared if found in _PICTURES else UNKNOWN
    if found in _DOCUMENTS and kind != "image/svg+xml" and kind.startswith(("image/", "audio/", "video/")):
        return UNKNOWN
    return declared


def is_inline(content_type: str) -> bool:
    """Whether a browser may show it."""
    return essence(content_type) in INLINE
