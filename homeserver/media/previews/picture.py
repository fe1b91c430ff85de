"""The picture of a preview, kept here: clients fetch it from us, not from wherever it lay."""

from homeserver.clock import Chance, Clock
from homeserver.errors import TooLarge
from homeserver.media.content_types import sniff
from homeserver.media.keep import Keeper, Whole
from homeserver.media.names import MEDIA_ID_LENGTH
from homeserver.media.pictures import FORMATS, NoPicture, TooManyPixels
from homeserver.media.previews.preview import Preview
from homeserver.media.store import NO_QUOTA, MediaRecord, MediaStore
from homeserver.workbench import Workbench


class PictureKeeper:
    def __init__(
        self,
        server_name: str,
        store: MediaStore,
        keeper: Keeper,
        workbench: Workbench,
        clock: Clock,
        chance: Chance,
        *,
        most_pixels: int,
        most_bytes: int,
    ) -> None:
        self._server_name = server_name
        self._store = store
        self._keeper = keeper
        self._workbench = workbench
        self._clock = clock
        self._chance = chance
        self._most_pixels = most_pixels
        self._most_bytes = most_bytes

    async def keep(self, data: bytes) -> Preview:
        """What there is to tell of it; {} for what is no picture."""
        content_type = sniff(data) or ""
        if content_type not in FORMATS:
            return {}

        def measure() -> tuple[int, int]:
            from homeserver.media.images import measure  # as for thumbnails

            return measure(data, most_pixels=self._most_pixels)

        try:
            width, height = await self._workbench.run(measure)
            media_id = await self._stored(data, content_type)
        except (NoPicture, TooManyPixels, TooLarge):
            return {}
        return {
            "og:image": f"mxc://{self._server_name}/{media_id}",
            "og:image:type": content_type,
            "og:image:width": width,
            "og:image:height": height,
            "matrix:image:size": len(data),
        }

    async def _stored(self, data: bytes, content_type: str) -> str:
        media_id = self._chance.token(MEDIA_ID_LENGTH)
        async with self._keeper.receive(Whole(data), self._most_bytes) as sealed:
            now = self._clock.now_ms()
            record = MediaRecord(
                self._server_name, media_id, None, now, None, sealed.digest, sealed.size, content_type, None, accessed_ts=now
            )

            async def add() -> None:
                await self._store.add(record, NO_QUOTA)

            await sealed.keep(add)
        return media_id
