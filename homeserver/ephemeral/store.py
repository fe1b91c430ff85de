"""What receipts and presence ask of the storage, and the records that travel."""

from collections.abc import Awaitable, Collection, Sequence
from typing import NamedTuple, Protocol

from homeserver.ephemeral.ports import EventPlace, EventPlaces

READ = "m.read"
READ_PRIVATE = "m.read.private"
UNTHREADED = ""
MAIN = "main"

PUBLIC_KIND = "receipt"
PRIVATE_KIND = "private_receipt"


class Receipt(NamedTuple):
    """Somebody has read up to an event. `thread` is "" (unthreaded), "main" or a root's event ID; `position` is 0 until it is stored."""

    room_id: str
    user_id: str
    type: str
    thread: str
    event_id: str
    event_position: int
    ts: int
    position: int = 0


class NewReceipt(NamedTuple):
    room_num: int
    receipt: Receipt


class ReceiptStore(EventPlaces, Protocol):
    """Writes announce Change("receipt" or "private_receipt", room ID, user ID, subject=Receipt)."""

    def record(self, new: NewReceipt) -> Awaitable[Receipt | None]:
        """Move the receipt forward; None when it stands as late already. Queued at once."""

    async def end(self, room_id: str) -> EventPlace | None:
        """A place later than every event so far, for a receipt at an event that is not here; None when the room is not here either."""

    async def all(self, room_id: str) -> list[Receipt]:
        """All of the room, oldest first."""

    async def all_of(self, room_ids: Sequence[str]) -> dict[str, list[Receipt]]:
        """All of these rooms, oldest first."""

    async def changed(self, room_ids: Collection[str], since: int) -> set[str]:
        """Those of the rooms where a receipt came after the position."""


class PresenceRecord(NamedTuple):
    """What outlives a restart."""

    user_id: str
    state: str
    status_msg: str | None
    last_active_ts: int


class PresenceStore(Protocol):
    async def get(self, user_id: str) -> PresenceRecord | None: ...

    async def worth_knowing(self, most: int) -> list[PresenceRecord]:
        """Those not offline or with a status message, latest active last."""

    async def put(self, records: Sequence[PresenceRecord]) -> None: ...
