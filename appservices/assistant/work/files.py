"""What a file is, by its first bytes."""

import csv
import io
from dataclasses import dataclass
from typing import Final

_MAGIC: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\xfd7zXZ", "application/x-xz"),
    (b"OggS", "application/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x7fELF", "application/x-executable"),
    (b"MZ", "application/vnd.microsoft.portable-executable"),
    (b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_IN_ZIP: Final = (
    (b"word/", "a Word document"),
    (b"xl/", "an Excel workbook"),
    (b"ppt/", "a PowerPoint file"),
    (b"META-INF/", "a Java archive"),
)
_SAME: Final = frozenset({("application/ogg", "audio/ogg"), ("application/ogg", "video/ogg"), ("application/gzip", "application/x-gzip")})


@dataclass(frozen=True)
class FileLook:
    type: str
    differs: bool  # from what it says it is
    size: int
    text: str = ""
    more: str = ""

    def describe(self) -> str:
        warning = " This is not what it says it is." if self.differs else ""
        return f"{self.type}, {_size(self.size)}{f', {self.more}' if self.more else ''}.{warning}"


def look(data: bytes, declared: str) -> FileLook:
    kind = next((name for magic, name in _MAGIC if data.startswith(magic)), "")
    if data[:4] == b"RIFF" and data[8:12] in (b"WEBP", b"WAVE"):
        kind = "image/webp" if data[8:12] == b"WEBP" else "audio/wav"
    if not kind and data[4:8] == b"ftyp":
        kind = "video/mp4"
    declared = declared.partition(";")[0].strip().lower()
    if kind:
        more = next((what for mark, what in _IN_ZIP if mark in data[:4000]), "") if kind == "application/zip" else ""
        return FileLook(kind, _differs(kind, declared), len(data), "", more)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return FileLook("application/octet-stream", declared.startswith(("image/", "text/")), len(data))
    if "\x00" in text:
        return FileLook("application/octet-stream", declared.startswith(("image/", "text/")), len(data))
    return _text(text, declared, len(data))


def _text(text: str, declared: str, size: int) -> FileLook:
    start = text.lstrip()[:200].lower()
    lines = text.count("\n") + 1
    differs = declared.startswith(("image/", "audio/", "video/")) and declared != "image/svg+xml"
    if start.startswith(("<!doctype html", "<html", "<script")):
        return FileLook("text/html", differs or declared == "text/plain", size, text, f"{lines} lines")
    if start.startswith("<svg") or (start.startswith("<?xml") and "<svg" in text[:1000]):
        return FileLook("image/svg+xml", differs, size, text)
    if declared == "text/csv" or (lines > 2 and 0 < text.split("\n", maxsplit=1)[0].count(",") == text.split("\n")[1].count(",")):
        return FileLook("text/csv", differs, size, text, f"{lines} lines, columns: {', '.join(_columns(text))}")
    return FileLook("text/plain" if not declared.startswith(("text/", "application/")) else declared, differs, size, text, f"{lines} lines")


def _columns(text: str) -> list[str]:
    try:
        header = next(csv.reader(io.StringIO(text, newline="")), [])
    except csv.Error:  # a field beyond all measure
        header = []
    return [name[:60] for name in header[:12]]


def _differs(found: str, declared: str) -> bool:
    if not declared or found == declared or (found, declared) in _SAME or declared == "application/octet-stream":
        return False
    if found == "application/zip":
        return declared.startswith(("image/", "audio/", "video/", "text/"))
    return found.partition("/")[0] != declared.partition("/")[0] or found.startswith("image/")


def _size(count: int) -> str:
    return f"{count} bytes" if count < 2000 else f"{count / 1000:.0f} kB" if count < 2_000_000 else f"{count / 1_000_000:.1f} MB"
