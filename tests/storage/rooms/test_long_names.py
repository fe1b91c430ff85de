"""Names that no index takes, from servers that make up what they like: they do no harm to what is written beside them. On every driver."""

from hashlib import sha256

from twisted.internet.defer import gatherResults

from homeserver.protocol.room_versions import room_version
from homeserver.rooms.store import EventCommit, Lineage, Redaction, StoredEvent
from storage.rooms import StoredRooms
from tests.storage.rooms.rows import ROOM, Rooms
from tests.support.clock import SeededChance
from tests.support.loop import ThreadLoop

LONG = "$" + "".join(sha256(b"%d" % number).hexdigest() for number in range(80))
EVE = "@eve:far.test"
V12 = room_version("12")


def commit(num: int, type: str, redaction: Redaction | None = None) -> EventCommit:
    event = StoredEvent(num, 1, None, num, 0, 0, 0, type, EVE, None, f"${num}", None, None, b"", None, b"", b"", ROOM, V12)
    return EventCommit(event, Lineage(), becomes_extremity=False, redaction=redaction)


def test_a_redaction_of_what_cannot_be(rooms: Rooms, loop: ThreadLoop) -> None:
    store = StoredRooms(rooms.database, rooms.names, SeededChance())
    loop.run(store.open())
    commits = [commit(1, "m.room.message"), commit(2, "m.room.redaction", Redaction(LONG)), commit(3, "m.room.message")]

    async def all_together() -> None:
        await gatherResults([store.commit([each]) for each in commits])

    loop.run(all_together())
    assert sorted(loop.run(store.events(["$1", "$2", "$3"]))) == ["$1", "$2", "$3"]
