"""What sending to application services asks of the storage, and the records that travel."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from homeserver.rooms.store import StoredEvent


class Letter(NamedTuple):
    """A message to a device of one of our users."""

    user_id: str
    device_id: str
    position: int
    event: bytes  # ready JSON


class Fetched(NamedTuple):
    """A device has everything up to there."""

    user_id: str
    device_id: str
    position: int


class Transaction(NamedTuple):
    """What was begun to be sent. It is sent as it is, under this ID, until it is accepted; then everything up to `until` has been told."""

    txn_id: str
    until: int
    body: bytes
    fetched: tuple[Fetched, ...] = ()  # by whom, once it is accepted


class Progress(NamedTuple):
    """How far a service is. `failures`: how often in a row it did not accept the transaction; `retry_ts`: when it is to be tried again."""

    position: int
    transaction: Transaction | None = None
    failures: int = 0
    retry_ts: int = 0


class LocalMember(NamedTuple):
    """A membership of a user of this server, and where it last changed."""

    user_id: str
    membership: str
    position: int


class AppserviceStore(Protocol):
    async def progress(self, service_id: str) -> Progress | None:
        """None: nothing was ever kept of this service."""

    async def keep_only(self, service_ids: Sequence[str]) -> None:
        """Services that are no longer registered begin anew when they come back."""

    async def begin(self, service_id: str, position: int, transaction: Transaction | None, fetched: Sequence[Fetched]) -> None:
        """Up to `position` everything was accepted, and these messages to devices with it; `transaction` comes next."""

    async def failed(self, service_id: str, failures: int, retry_ts: int) -> None: ...

    async def local_members(self, room_id: str) -> list[LocalMember]: ...

    async def events(self, after: int, until: int, most: int) -> list[StoredEvent]:
        """Those that are shown, and invites to rooms elsewhere; in order."""

    async def letters(self, after: int, until: int, most: int) -> list[Letter]:
        """In order of arrival."""
