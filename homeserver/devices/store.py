"""What the devices ask of the storage."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

DEVICE_CHANGE = "device"  # Change.kind: the subject is a DeviceChange
DEVICE_DELETED = (
    "device_deleted"  # Change.kind: the same once for each device that went, for those below who know of devices only that; its ID
)
TOKEN_CHANGE = "token"  # Change.kind: the subject is a tuple of hashes of access tokens that are no more; None: all of the user's

# With the device's ID: the type of the account data that says which notifications it shows (MSC3890). It goes with the device.
LOCAL_SETTINGS = "org.matrix.msc3890.local_notification_settings."


class DeviceChange(NamedTuple):
    """Which devices of the change's user came, were renamed or went."""

    device_ids: tuple[str, ...]
    removed: bool = False


class Device(NamedTuple):
    user_id: str
    device_id: str
    display_name: str | None
    last_seen_ts: int | None
    last_seen_ip: str | None
    user_agent: str | None


class NamedAsKey(Exception):
    """A device may not have the name of one of its user's cross-signing keys: both name signatures (client-server API, "Key and signature security")."""


class Seen(NamedTuple):
    """The last request of a device."""

    user_id: str
    device_id: str
    ts: int
    ip: str
    user_agent: str | None


class DeviceStore(Protocol):
    async def devices(self, user_id: str) -> list[Device]:
        """By device ID."""

    async def device(self, user_id: str, device_id: str) -> Device | None: ...

    async def add(self, user_id: str, device_id: str, display_name: str | None, created_ts: int) -> bool:
        """False, and nothing done, when the user has a device of that ID. Raises NamedAsKey."""

    async def rename(self, user_id: str, device_id: str, display_name: str) -> bool:
        """False when there is no such device."""

    async def remove(self, user_id: str, device_ids: Sequence[str]) -> None:
        """The devices with all their tokens and LOCAL_SETTINGS; those that do not exist are passed over."""

    async def remove_all(self, user_id: str) -> None:
        """Every device and every token of the user."""

    async def record_seen(self, seen: Sequence[Seen]) -> None:
        """Devices that are no more are passed over."""
