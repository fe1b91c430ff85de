from homeserver.account_data.store import GLOBAL, Marker, Put
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.personal.account_data import StoredAccountData
from storage.personal.filters import StoredFilters
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE, ROOM = "@alice:test", "!room"


def test_puts_edits_and_reads(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    heard: list[Change] = []
    streams.subscribe(heard.extend)
    store = StoredAccountData(database)
    first = loop.run(store.put(Put(ALICE, GLOBAL, "a", b'{"n":1}')))
    second = loop.run(store.put(Put(ALICE, ROOM, "a", b'{"n":2}')))
    third = loop.run(store.put(Put(ALICE, GLOBAL, "a", b"")))
    loop.run(store.put(Put("@bob:test", GLOBAL, "a", b"{}")))
    assert first.position < second.position < third.position
    assert [(entry.room_id, entry.content, entry.deleted) for entry in loop.run(store.all(ALICE))] == [
        (ROOM, b'{"n":2}', False),
        (GLOBAL, b"{}", True),
    ]
    assert [(change.kind, change.room_id, change.user_id, change.subject) for change in heard[:3]] == [
        ("account_data", None, ALICE, first),
        ("account_data", ROOM, ALICE, second),
        ("account_data", None, ALICE, third),
    ]
    seen: list[bytes | None] = []

    def edit(before: bytes | None) -> bytes | None:
        seen.append(before)
        return b'{"n":3}' if before is None else None

    assert loop.run(store.edit(ALICE, GLOBAL, "a", edit)) is not None  # what was deleted counts as nothing
    assert loop.run(store.edit(ALICE, GLOBAL, "a", edit)) is None
    assert seen == [None, b'{"n":3}']


def test_an_edit_that_raises_changes_nothing(loop: ThreadLoop, database: Database) -> None:
    store = StoredAccountData(database)

    def edit(before: bytes | None) -> bytes | None:
        raise ValueError(before)

    try:
        loop.run(store.edit(ALICE, GLOBAL, "a", edit))
    except ValueError:
        assert loop.run(store.all(ALICE)) == []
    else:
        raise AssertionError("the error was lost")


def test_the_marker_moves_forward_only(loop: ThreadLoop, database: Database) -> None:
    rows = Rows(database)
    loop.run(rows.room(ROOM))
    first, second = loop.run(rows.event(ROOM, "$1")), loop.run(rows.event(ROOM, "$2"))
    store = StoredAccountData(database)
    moved = [
        loop.run(store.mark_read(Marker(ALICE, ROOM, *place))) is not None for place in (("$2", second), ("$1", first), ("$2", second))
    ]
    assert moved == [True, False, False]
    loop.run(store.put(Put(ALICE, ROOM, "m.fully_read", b'{"event_id":"$gone"}')))
    assert loop.run(store.mark_read(Marker(ALICE, ROOM, "$1", first))) is not None


def test_filters(loop: ThreadLoop, database: Database) -> None:
    store = StoredFilters(database)
    for body in (b"{}", b"{}"):
        loop.run(store.put(ALICE, "one", body))
    assert loop.run(store.get(ALICE, "one")) == b"{}"
    assert loop.run(store.get("@bob:test", "one")) is None
    assert (loop.run(store.count(ALICE)), loop.run(store.count("@bob:test"))) == (1, 0)
