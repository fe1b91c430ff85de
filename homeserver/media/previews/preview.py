"""Previews of addresses in messages: fetched within bounds, told in the words of OpenGraph, their picture kept here."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urljoin, urlsplit

import orjson
from twisted.internet.defer import Deferred

from homeserver.clock import Clock
from homeserver.errors import InvalidParam, LimitExceeded
from homeserver.media.content_types import essence
from homeserver.media.locks import NamedLocks
from homeserver.media.previews.page import Page, clean, decode, read_page
from homeserver.outside import Fetched, Outside, Unreachable
from homeserver.waiting import shielded
from homeserver.workbench import Workbench

MOST_URL = 2_048
MOST_PAGE_BYTES = 2 * 2**20
MOST_IMAGE_BYTES = 10 * 2**20
SECONDS = 10.0  # for all of a preview
MOST_HOPS = 5
KEPT_S = 3_600.0
FAILED_S = 300.0
MOST_KEPT = 1_000
MOST_AT_ONCE = 8
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_TOLD = ("og:title", "og:description", "og:site_name", "og:type", "og:url", "og:locale", "og:author")
_OEMBED = (("og:title", "title"), ("og:site_name", "provider_name"), ("og:author", "author_name"))

Preview = dict[str, Any]
KeepImage = Callable[[bytes], Awaitable[Preview]]  # what there is to tell of a picture that is kept here; {} for what is none


class _Kept(NamedTuple):
    until: float
    preview: Preview | None  # None: it could not be fetched


class Previews:
    def __init__(self, outside: Outside, keep_image: KeepImage, workbench: Workbench, clock: Clock) -> None:
        self._outside = outside
        self._keep_image = keep_image
        self._workbench = workbench
        self._clock = clock
        self._kept: dict[str, _Kept] = {}
        self._making = NamedLocks()
        self._running = 0

    async def of(self, url: str) -> Preview:
        """InvalidParam, Unreachable, LimitExceeded."""
        url = checked_url(url)
        kept = self._kept.get(url)
        if kept is None or kept.until <= self._clock.monotonic():
            kept = await shielded(Deferred.fromCoroutine(self._made_once(url)))
        if kept.preview is None:
            raise Unreachable
        return kept.preview

    async def _made_once(self, url: str) -> _Kept:
        """Who asks for the same meanwhile waits for it."""
        if self._running >= MOST_AT_ONCE:
            raise LimitExceeded("Too many previews are being made just now", retry_after_ms=2000)
        self._running += 1
        try:
            async with self._making.hold(url):
                kept = self._kept.get(url)
                if kept is None or kept.until <= self._clock.monotonic():
                    kept = await self._make(url)
                return kept
        finally:
            self._running -= 1

    async def _make(self, url: str) -> _Kept:
        deadline = self._clock.monotonic() + SECONDS
        try:
            preview: Preview | None = await self._look(url, deadline)
        except Unreachable:
            preview = None
        self._kept.pop(url, None)
        if len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        kept = self._kept[url] = _Kept(self._clock.monotonic() + (FAILED_S if preview is None else KEPT_S), preview)
        return kept

    async def _look(self, url: str, deadline: float) -> Preview:
        url, found = await self._fetch(url, "text/html,image/*;q=0.9", MOST_IMAGE_BYTES, deadline)
        kind = essence(found.content_type)
        if kind.startswith("image/"):
            return await self._image(found)
        if kind not in _HTML:
            return {}
        page = await self._workbench.run(lambda: read_page(decode(found.body[:MOST_PAGE_BYTES], found.content_type)))
        preview = _open_graph(page)
        image = page.meta.get("og:image") or page.meta.get("og:image:url") or page.meta.get("twitter:image")
        if page.oembed is not None and not (image and "og:title" in page.meta):
            image = await self._embedded(preview, _joined(url, page.oembed), deadline) or image
        if image:
            preview.update(await self._picture(_joined(url, image), deadline))
        return preview

    async def _embedded(self, preview: Preview, url: str, deadline: float) -> str | None:
        """What oEmbed adds; the address of its picture."""
        try:
            _, found = await self._fetch(url, "application/json", MOST_PAGE_BYTES, deadline)
            told = orjson.loads(found.body)
        except (Unreachable, orjson.JSONDecodeError):
            return None
        if not isinstance(told, dict):
            return None
        for name, field in _OEMBED:
            if isinstance(told.get(field), str):
                preview.setdefault(name, clean(told[field]))
        picture = told.get("thumbnail_url") or (told.get("url") if told.get("type") == "photo" else None)
        return picture if isinstance(picture, str) else None

    async def _picture(self, url: str, deadline: float) -> Preview:
        """A page without its picture is a preview still."""
        try:
            _, found = await self._fetch(url, "image/*", MOST_IMAGE_BYTES, deadline)
        except Unreachable:
            return {}
        return await self._image(found)

    async def _image(self, found: Fetched) -> Preview:
        return await self._keep_image(found.body) if found.whole else {}

    async def _fetch(self, url: str, accept: str, most: int, deadline: float) -> tuple[str, Fetched]:
        """Follows redirects, each looked at as the first address was; the address where they ended."""
        for _ in range(MOST_HOPS):
            left = deadline - self._clock.monotonic()
            if left <= 0:
                raise Unreachable
            try:
                url = checked_url(url)
            except InvalidParam as error:
                raise Unreachable from error
            found = await self._outside.get(url, accept=accept, most_bytes=most, seconds=left)
            if found.location is None or not 300 <= found.status < 400:
                if found.status != 200:
                    raise Unreachable
                return url, found
            url = _joined(url, found.location)
        raise Unreachable


def _open_graph(page: Page) -> Preview:
    preview: Preview = {name: page.meta[name] for name in _TOLD if name in page.meta}
    title = page.meta.get("twitter:title") or page.title
    description = page.meta.get("description") or page.meta.get("twitter:description")
    if title:
        preview.setdefault("og:title", title)
    if description:
        preview.setdefault("og:description", description)
    return preview


def _joined(url: str, reference: str) -> str:
    """What is no address leads nowhere."""
    try:
        return urljoin(url, reference)
    except ValueError:
        return ""


def checked_url(url: str) -> str:
    """An address over http or https in plain ASCII, without a fragment; InvalidParam otherwise."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        name = host.encode("idna").decode("ascii") if host and not host.isascii() else host
    except ValueError as error:
        raise InvalidParam("This is no address of a web page") from error
    if parts.scheme not in ("http", "https") or not name or parts.username is not None or len(url) > MOST_URL:
        raise InvalidParam("This is no address of a web page")
    if any(character <= " " or character == "\x7f" for character in url):
        raise InvalidParam("An address holds neither spaces nor control characters")
    place = f"[{name}]" if ":" in name else name
    netloc = place if port is None else f"{place}:{port}"
    return parts._replace(netloc=netloc, path=_ascii(parts.path) or "/", query=_ascii(parts.query), fragment="").geturl()


def _ascii(text: str) -> str:
    if text.isascii():
        return text
    return "".join(character if character.isascii() else "".join(f"%{byte:02X}" for byte in character.encode()) for character in text)
