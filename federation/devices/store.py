"""What is kept of other servers' users: their device lists, as far as they are followed."""

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, Protocol


class RemoteDevice(NamedTuple):
    device_id: str
    body: bytes  # JSON object, without `unsigned`
    display_name: str | None


class RemoteUser(NamedTuple):
    """The devices of a user, and the update after which they were so. `stale`: an update is missing."""

    user_id: str
    stream_id: int
    devices: Sequence[RemoteDevice] = ()
    master_key: bytes | None = None
    self_signing_key: bytes | None = None
    stale: bool = False


class DeviceUpdate(NamedTuple):
    """One device came or changed, or (`device` is None) went."""

    user_id: str
    stream_id: int
    previous: Sequence[int]
    device_id: str
    device: RemoteDevice | None


class CrossSigningUpdate(NamedTuple):
    user_id: str
    keys: Mapping[str, bytes] = MappingProxyType({})  # by usage: master, self_signing


class RemoteDeviceStore(Protocol):
    """Every change of a list is a change of the user's keys, which people here hear of."""

    async def users(self, user_ids: Collection[str]) -> Mapping[str, RemoteUser]:
        """Those that are followed."""

    async def put(self, user: RemoteUser, *, is_news: bool) -> None:
        """The whole list, in the place of what was known. `is_news`: people here may know something else."""

    async def update(self, update: DeviceUpdate) -> bool:
        """False: the list is followed and lacks an update that came before this, or this names none; it is stale now. Of a list that is not
        followed, only that it changed."""

    async def update_signing(self, update: CrossSigningUpdate) -> None: ...

    async def sharing(self, user_ids: Collection[str]) -> set[str]:
        """Those of the users who share a room with somebody of this server."""

    async def strangers(self, user_ids: Collection[str], room_ids: Collection[str]) -> set[str]:
        """Of these users, and of the members of those rooms that nobody here is in, those who are followed and share no room with anybody here."""

    async def all_strangers(self) -> set[str]:
        """Of all who are followed."""

    async def forget(self, user_ids: Collection[str]) -> None:
        """They are followed no longer."""

    async def own_stream_id(self, user_id: str) -> int:
        """Where a device of this user of ours changed last."""
