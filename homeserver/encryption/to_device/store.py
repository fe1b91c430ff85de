"""What messages to devices ask of the storage, and the records that travel."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

TO_DEVICE = "to_device"  # Change.kind: a message came for a device of the change's user; the subject is the device ID
ALL_DEVICES = "*"


class Letter(NamedTuple):
    """One message; `device_id` may be ALL_DEVICES."""

    user_id: str
    device_id: str
    event: bytes  # ready JSON


class Transaction(NamedTuple):
    """Under which name the origin, one of our users' devices or another server, sends: the same name again sends nothing."""

    origin: str
    device_id: str
    txn_id: str
    ts: int


class Limits(NamedTuple):
    """How many messages may wait for one device."""

    of_all: int
    of_one_sender: int


class Waiting(NamedTuple):
    position: int
    event: bytes


class ToDeviceStore(Protocol):
    async def post(self, transaction: Transaction, sender: str, letters: Sequence[Letter], limits: Limits) -> bool:
        """Stores each for the devices there are, unless the transaction is known; what goes beyond the limits is left out. False, and nothing
        stored: there are such devices, but none takes a further message."""

    async def bounds(self, user_id: str, device_id: str) -> tuple[int, int]:
        """The positions of the first and the last message that wait; (0, 0): none."""

    async def waiting(self, user_id: str, device_id: str, since: int, until: int, most: int) -> list[Waiting]:
        """After `since`, up to `until`, in order of arrival."""

    async def remove(self, user_id: str, device_id: str, until: int) -> None:
        """The device has everything up to there."""

    async def forget_transactions(self, before_ms: int, most: int) -> int:
        """At most so many, the eldest first; how many there were."""
