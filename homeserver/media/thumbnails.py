"""Thumbnails, made when first asked for and kept (client-server API, "Thumbnails")."""

from twisted.internet.defer import Deferred

from homeserver.errors import NotFound, RemoteTooLarge, TooLarge, Unknown
from homeserver.media.keep import Keeper, Whole
from homeserver.media.locks import NamedLocks
from homeserver.media.pictures import Made, NoPicture, TooManyPixels
from homeserver.media.sizes import Size, choose
from homeserver.media.store import MediaFiles, MediaRecord, Thumbnail, ThumbnailStore
from homeserver.waiting import shielded
from homeserver.workbench import Workbench

ORIGINAL = "original"


class Thumbnails:
    def __init__(
        self, server_name: str, store: ThumbnailStore, files: MediaFiles, keeper: Keeper, workbench: Workbench, *, most_pixels: int
    ) -> None:
        self._server_name = server_name
        self._store = store
        self._files = files
        self._keeper = keeper
        self._workbench = workbench
        self._most_pixels = most_pixels
        self._making = NamedLocks()

    async def of(self, record: MediaRecord, width: int, height: int, method: str, *, moving: bool) -> Thumbnail:
        """At least of that size where the picture allows it. Unknown for what is no picture, TooLarge, LimitExceeded."""
        digest = record.digest
        if digest is None:
            raise NotFound("There is no such file")
        size = choose(width, height, method)
        variant = (size.name if size is not None else ORIGINAL) + ("-moving" if moving else "")
        known = await self._store.get(digest, variant)
        if known is not None:
            return known
        return await shielded(Deferred.fromCoroutine(self._made_once(record, digest, variant, size, moving)))

    async def _made_once(self, record: MediaRecord, digest: bytes, variant: str, size: Size | None, moving: bool) -> Thumbnail:
        """Who asks for the same meanwhile waits for it."""
        async with self._making.hold((digest, variant)):
            known = await self._store.get(digest, variant)
            return known or await self._make(record, digest, variant, size, moving)

    async def _make(self, record: MediaRecord, digest: bytes, variant: str, size: Size | None, moving: bool) -> Thumbnail:
        def make() -> Made:
            from homeserver.media.images import make_thumbnail  # Pillow takes memory and time: it comes with the first picture

            with self._files.open(digest) as file:
                return make_thumbnail(file, size, moving=moving, most_pixels=self._most_pixels)

        try:
            made = await self._workbench.run(make)
        except NoPicture as error:
            raise Unknown("No thumbnail can be made of this file") from error
        except TooManyPixels as error:
            raise (TooLarge if record.origin == self._server_name else RemoteTooLarge)("This picture is too large") from error
        if made.data is None:
            thumbnail = Thumbnail(digest, variant, digest, record.size, made.content_type)
            await self._store.add(thumbnail)
            return thumbnail
        return await self._kept(digest, variant, made.data, made.content_type)

    async def _kept(self, digest: bytes, variant: str, data: bytes, content_type: str) -> Thumbnail:
        async with self._keeper.receive(Whole(data), len(data)) as sealed:
            thumbnail = Thumbnail(digest, variant, sealed.digest, sealed.size, content_type)
            await sealed.keep(lambda: self._record(thumbnail))
        return thumbnail

    async def _record(self, thumbnail: Thumbnail) -> None:
        if not await self._store.add(thumbnail):
            raise NotFound("There is no such file")
