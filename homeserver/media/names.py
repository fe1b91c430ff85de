"""Media IDs and file names (client-server API, "Matrix Content (mxc://) URIs"). A file name is only ever told, never used as a path."""

from urllib.parse import quote

from homeserver.errors import InvalidParam

MEDIA_ID_LENGTH = 24
MAX_MEDIA_ID = 255
MAX_FILE_NAME_BYTES = 1024
_MEDIA_ID = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")


def check_media_id(media_id: str) -> str:
    if not 0 < len(media_id) <= MAX_MEDIA_ID or not _MEDIA_ID.issuperset(media_id):
        raise InvalidParam("This is no media ID")
    return media_id


def check_file_name(name: str | None) -> str | None:
    """None for none; InvalidParam for what could break a header field or a terminal."""
    if not name:
        return None
    if any(_is_control(character) for character in name):
        raise InvalidParam("A file name must not hold control characters")
    if len(name.encode()) > MAX_FILE_NAME_BYTES:
        raise InvalidParam(f"A file name may have at most {MAX_FILE_NAME_BYTES} bytes")
    return name


def clean_file_name(name: str | None) -> str | None:
    """As another server tells it: without what `check_file_name` refuses."""
    plain = "".join(character for character in name or "" if not _is_control(character) and not "\ud800" <= character <= "\udfff")
    return plain.encode()[:MAX_FILE_NAME_BYTES].decode(errors="ignore") or None


def _is_control(character: str) -> bool:
    return character < " " or "\x7f" <= character < "\xa0" or character in "\u2028\u2029"


def disposition(kind: str, name: str | None) -> str:
    """The value of Content-Disposition (RFC 6266)."""
    if not name:
        return kind
    if name.isascii() and '"' not in name and "\\" not in name and "%" not in name:
        return f'{kind}; filename="{name}"'
    return f"{kind}; filename*=utf-8''{quote(name, safe='')}"
