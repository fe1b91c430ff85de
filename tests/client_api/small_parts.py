"""A server of the small parts alone, with rooms written straight into the tables."""

from homeserver.account_data.account_data import AccountData
from homeserver.account_data.filters import Filters
from homeserver.account_data.tags import Tags
from homeserver.client_api.personal.account_data import AccountDataEndpoints
from homeserver.client_api.personal.filters import FilterEndpoints
from homeserver.client_api.personal.presence import PresenceEndpoints
from homeserver.client_api.personal.read_markers import ReadMarkerEndpoints
from homeserver.client_api.personal.receipts import ReceiptEndpoints
from homeserver.client_api.personal.tags import TagEndpoints
from homeserver.client_api.personal.typing import TypingEndpoints
from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.receipts import Receipts
from homeserver.ephemeral.sequence import Ephemera
from homeserver.ephemeral.typing import Typing
from homeserver.streams import Streams
from homeserver.web.endpoint import Caller
from storage.event_rows import RoomNames
from storage.members import Members
from storage.personal.account_data import StoredAccountData
from storage.personal.filters import StoredFilters
from storage.personal.presence import StoredPresence
from storage.personal.receipts import StoredReceipts
from tests.ephemeral.rows import Rows
from tests.support.client import Client, dispatch_for, run
from tests.support.clock import FakeClock
from tests.support.storage import open_memory_database

ALICE, BOB, EVE, GUEST = "@alice:test", "@bob:test", "@eve:test", "@guest:test"
ROOM = "!room:test"
CALLERS = {
    "alice": Caller(ALICE, "A", 1),
    "bob": Caller(BOB, "B", 2),
    "eve": Caller(EVE, "E", 3),
    "guest": Caller(GUEST, "G", 4, is_guest=True),
}


class SmallParts:
    """Alice and Bob share a room with the event $1 and the thread reply $2 to it; Eve is in none."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.streams = Streams()
        self.database = run(open_memory_database(self.streams))
        self.members = Members(self.database, RoomNames())
        self.rows = Rows(self.database)
        self.ephemera = Ephemera("boot")
        stored_data = StoredAccountData(self.database)
        self.account_data = AccountData(stored_data, self.streams)
        self.typing = Typing(self.ephemera, self.clock, self.streams)
        self.presence = Presence(StoredPresence(self.database), self.members, self.ephemera, self.clock, self.streams, enabled=True)
        self.receipts = Receipts(StoredReceipts(self.database), self.members, self.account_data, self.clock, self.streams)
        self.chapters: list[object] = [
            AccountDataEndpoints(self.account_data),
            TagEndpoints(Tags(self.account_data, stored_data)),
            FilterEndpoints(Filters(StoredFilters(self.database))),
            ReceiptEndpoints(self.receipts, self.presence),
            ReadMarkerEndpoints(self.receipts, self.presence),
            TypingEndpoints(self.typing, self.members, self.presence),
            PresenceEndpoints(self.presence),
        ]
        run(self._fill())

    async def _fill(self) -> None:
        for user_id in (ALICE, BOB, EVE, GUEST):
            await self.rows.user(user_id)
        await self.rows.room(ROOM)
        for user_id in (ALICE, BOB):
            await self.rows.member(ROOM, user_id)
        await self.rows.event(ROOM, "$1")
        await self.rows.event(ROOM, "$2", thread="$1", parent=("$1", "m.thread"))

    def client(self, token: str | None = "alice") -> Client:
        return Client(dispatch_for(*self.chapters, tokens=CALLERS, clock=self.clock), token)
