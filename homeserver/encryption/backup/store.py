"""What backups ask of the storage, and the records that travel."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol


class BackupVersion(NamedTuple):
    version: int
    algorithm: str
    auth_data: bytes  # JSON object
    etag: int  # changes with every change of the keys
    key_count: int


class BackupKey(NamedTuple):
    room_id: str
    session_id: str
    first_message_index: int
    forwarded_count: int
    is_verified: bool
    body: bytes  # the JSON object that has all these, and what is encrypted


class KeyPlace(NamedTuple):
    """Which keys of a version: all, those of a room, or one."""

    room_id: str | None = None
    session_id: str | None = None


IsBetter = Callable[[BackupKey, BackupKey], bool]


class BackupStore(Protocol):
    async def create(self, user_id: str, algorithm: str, auth_data: bytes) -> int:
        """The number of the new version, greater than any before."""

    async def version(self, user_id: str, version: int | None) -> BackupVersion | None:
        """None: the last there is."""

    async def set_auth_data(self, user_id: str, version: int, auth_data: bytes) -> None: ...

    async def delete(self, user_id: str, version: int) -> bool:
        """With its keys; False when there never was one of that number."""

    async def put(self, user_id: str, version: int, keys: Sequence[BackupKey], is_better: IsBetter) -> BackupVersion | None:
        """Adds keys, or takes them instead of stored ones if they are better; None, and nothing done: that version is not the last."""

    async def keys(self, user_id: str, version: int, place: KeyPlace) -> list[BackupKey]:
        """By room and session."""

    async def remove_keys(self, user_id: str, version: int, place: KeyPlace) -> BackupVersion | None: ...
