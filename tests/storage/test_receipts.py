import pytest

from homeserver.ephemeral.ports import EventPlace
from homeserver.ephemeral.store import NewReceipt, PresenceRecord, Receipt
from homeserver.rooms.store import REJECTED
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.personal.presence import StoredPresence
from storage.personal.receipts import StoredReceipts
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE, ROOM = "@alice:test", "!room"


@pytest.fixture
def rows(loop: ThreadLoop, database: Database) -> Rows:
    rows = Rows(database)
    loop.run(rows.room(ROOM))
    loop.run(rows.room("!other"))
    return rows


def receipt(event_position: int, type: str = "m.read", thread: str = "", user_id: str = ALICE) -> NewReceipt:
    return NewReceipt(1, Receipt(ROOM, user_id, type, thread, f"${event_position}", event_position, 5))


def test_receipts_move_forward(loop: ThreadLoop, database: Database, streams: Streams, rows: Rows) -> None:
    heard: list[Change] = []
    streams.subscribe(heard.extend)
    store = StoredReceipts(database)
    pending = [store.record(new) for new in (receipt(3), receipt(2), receipt(4), receipt(3, "m.read.private"), receipt(1, thread="main"))]
    stored = [loop.run(one) for one in pending]
    assert [one is not None for one in stored] == [True, False, True, True, True]
    kept = [one for one in stored[2:] if one is not None]
    assert loop.run(store.all(ROOM)) == kept
    assert loop.run(store.all_of([ROOM, "!other", "!none"])) == {ROOM: kept}
    assert [(change.kind, change.subject) for change in heard] == [
        ("receipt", stored[0]),
        ("receipt", stored[2]),
        ("private_receipt", stored[3]),
        ("receipt", stored[4]),
    ]
    assert loop.run(store.changed([ROOM, "!other"], kept[-1].position - 1)) == {ROOM}
    assert loop.run(store.changed([ROOM, "!other"], kept[-1].position)) == set()


def test_places(loop: ThreadLoop, database: Database, rows: Rows) -> None:
    root = loop.run(rows.event(ROOM, "$root"))
    reply = loop.run(rows.event(ROOM, "$reply", thread="$root", parent=("$root", "m.thread")))
    edit = loop.run(rows.event(ROOM, "$edit", parent=("$reply", "m.replace")))
    chain = "$root"
    for number in range(4):
        chain, parent = f"$c{number}", chain
        loop.run(rows.event(ROOM, chain, parent=(parent, "m.reference")))
    loop.run(rows.event(ROOM, "$bad", flags=REJECTED))
    loop.run(rows.event(ROOM, "$orphan", parent=("$unknown", "m.reference")))
    store = StoredReceipts(database)

    def place(event_id: str, room_id: str = ROOM) -> EventPlace | None:
        return loop.run(store.place(room_id, event_id, relations=True))

    assert place("$root") == EventPlace(1, root, None, frozenset())
    assert place("$reply") == EventPlace(1, reply, "$root", frozenset())
    assert place("$edit") == EventPlace(1, edit, "$root", frozenset({"$reply"}))
    far = place("$c3")
    assert far is not None
    assert far.ancestors == {"$c2", "$c1", "$c0"}
    orphan = place("$orphan")
    assert orphan is not None
    assert orphan.ancestors == {"$unknown"}
    assert (place("$bad"), place("$none"), place("$root", "!other")) == (None, None, None)
    end = loop.run(store.end(ROOM))
    assert end is not None
    assert end.position >= orphan.position
    assert loop.run(store.end("!none")) is None


def test_presence(loop: ThreadLoop, database: Database) -> None:
    store = StoredPresence(database)
    records = [
        PresenceRecord("@a:test", "online", None, 3),
        PresenceRecord("@b:test", "offline", "away", 2),
        PresenceRecord("@c:test", "offline", None, 1),
    ]
    loop.run(store.put(records))
    assert loop.run(store.worth_knowing(10)) == [records[1], records[0]]
    assert loop.run(store.worth_knowing(1)) == [records[0]]
    loop.run(store.put([PresenceRecord("@a:test", "offline", None, 9)]))
    assert loop.run(store.get("@a:test")) == PresenceRecord("@a:test", "offline", None, 9)
    assert loop.run(store.get("@none:test")) is None
