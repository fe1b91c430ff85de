import pytest

from homeserver.user_directory.search_text import query_of, search_text
from homeserver.user_directory.store import Affected, Openness, Person
from storage.database import Database
from storage.personal.user_directory import StoredDirectory
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE, BOB, CARL = "@alice:test", "@bob:test", "@carl:far"


@pytest.fixture
def rows(loop: ThreadLoop, database: Database) -> Rows:
    rows = Rows(database)
    for user_id in (ALICE, BOB):
        loop.run(rows.user(user_id))
    loop.run(rows.room("!r"))
    return rows


def test_what_changed_and_who_is_listed(loop: ThreadLoop, database: Database, rows: Rows) -> None:
    store = StoredDirectory(database)
    assert loop.run(store.position()) == 0
    assert loop.run(store.unlisted()) == {ALICE, BOB}
    loop.run(rows.member("!r", CARL, displayname="Carl"))
    assert loop.run(store.strangers("!r")) == {CARL}
    loop.run(rows.event("!r", "$1", type="m.room.join_rules", state_key="", content=b'{"join_rule":"public"}', current=True))
    assert loop.run(store.affected(0, 100)) == Affected({CARL}, {1})
    assert loop.run(store.affected(100, 200)) == Affected(set(), set())
    assert loop.run(store.room_num("!r")) == 1
    assert loop.run(store.openness(1)) == Openness({"join_rule": "public"}, {})
    assert loop.run(store.people([ALICE, CARL, "@none:test"])) == [Person(ALICE, None, None), Person(CARL, None, None)]
    assert loop.run(store.set_open(1, True)) == {CARL}
    assert loop.run(store.set_open(1, True)) is None
    assert loop.run(store.people([CARL])) == [Person(CARL, "Carl", None)]
    loop.run(store.write([], [(Person(user_id, None, None), search_text(user_id, None)) for user_id in (ALICE, BOB, CARL)], 7))
    assert loop.run(store.position()) == 7
    assert (loop.run(store.unlisted()), loop.run(store.strangers("!r"))) == (set(), set())
    loop.run(rows.sql("UPDATE users SET deactivated = 1 WHERE user_id = ?", ALICE))
    assert loop.run(store.unlisted()) == {ALICE}
    loop.run(store.write([ALICE], [], 8))
    assert loop.run(store.unlisted()) == set()
    assert loop.run(store.set_open(1, False)) == {CARL}


@pytest.mark.parametrize(
    "term, found", [("ali", True), ("LICE", True), ("@alice:te", True), ("al_ce", False), ("%", False), ("a\\", False)]
)
def test_search(loop: ThreadLoop, database: Database, rows: Rows, term: str, found: bool) -> None:
    store = StoredDirectory(database)
    loop.run(store.write([], [(Person(ALICE, "Alice", "mxc://a/b"), search_text(ALICE, "Alice"))], 1))
    query = query_of(term, 5)
    assert query is not None
    assert [listed.user_id for listed in loop.run(store.search(query, BOB, everybody=True))] == ([ALICE] if found else [])
    assert loop.run(store.search(query, BOB, everybody=False)) == []
    assert loop.run(store.search(query, ALICE, everybody=True)) == []
    for user_id in (ALICE, BOB):
        loop.run(rows.member("!r", user_id))
    assert len(loop.run(store.search(query, BOB, everybody=False))) == int(found)
