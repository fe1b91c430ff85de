"""An answer that is written while it is taken."""

from collections.abc import AsyncGenerator, Callable
from typing import Self


class Pieces:
    """`end` is called once: at the end, when it fails, or when nobody wants the rest, even if nothing was read."""

    def __init__(self, source: AsyncGenerator[bytes, None], end: Callable[[], None]) -> None:
        self._source = source
        self._end: Callable[[], None] | None = end

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        try:
            return await anext(self._source)
        except BaseException:
            self._finish()
            raise

    async def aclose(self) -> None:
        try:
            await self._source.aclose()
        finally:
            self._finish()

    def _finish(self) -> None:
        end, self._end = self._end, None
        if end is not None:
            end()
