"""What media asks of other servers."""

from collections.abc import AsyncGenerator
from typing import Protocol


class RemoteFile(Protocol):
    """A file that is arriving from another server."""

    content_type: str | None
    file_name: str | None
    size: int | None  # as announced

    def pieces(self) -> AsyncGenerator[bytes, None]: ...


class RemoteMedia(Protocol):
    async def fetch(self, origin: str, media_id: str, *, timeout_ms: int) -> RemoteFile | None:
        """None: that server cannot be asked or has no such file. NotYetUploaded: it waits for it itself."""


class NoRemoteMedia:
    """A server that asks no others."""

    async def fetch(self, origin: str, media_id: str, *, timeout_ms: int) -> RemoteFile | None:
        return None
