from typing import Any

import orjson
import pytest

from homeserver.protocol.room_versions import room_version
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Streams
from homeserver.upkeep.background import RETRY_S
from homeserver.user_directory.directory import UserDirectory
from homeserver.user_directory.mutual_rooms import PAGE, MutualRooms
from homeserver.user_directory.reader import DirectoryReader
from homeserver.user_directory.search_text import query_of, search_text
from storage.database import StorageUnavailable
from storage.personal.user_directory import StoredDirectory
from tests.ephemeral.rows import Rows
from tests.support.client import run
from tests.support.clock import FakeClock
from tests.support.storage import open_memory_database

ALICE, BOB, EVE, CARL = "@alice:test", "@bob:test", "@eve:test", "@carl:far"


class World:
    def __init__(self) -> None:
        self.streams = Streams()
        self.database = run(open_memory_database(self.streams))
        self.store = StoredDirectory(self.database)
        self.clock = FakeClock()
        self.rows = Rows(self.database)
        self.reader = self.started()
        for user_id in (ALICE, BOB, EVE):
            run(self.rows.user(user_id))
            self.announce("account", user_id=user_id)

    def started(self) -> DirectoryReader:
        reader = DirectoryReader(self.store, self.streams, self.clock, "test")
        run(reader.start())
        return reader

    def announce(self, kind: str, **rest: Any) -> None:
        run(self.rows.announce(kind, **rest))

    def name(self, user_id: str, displayname: str) -> None:
        sql = """INSERT INTO profiles (user_id, field, value) VALUES (?, 'displayname', ?)
            ON CONFLICT (user_id, field) DO UPDATE SET value = excluded.value"""
        run(self.rows.sql(sql, user_id, orjson.dumps(displayname)))
        self.announce("profile", user_id=user_id)

    def room(self, room_id: str, *members: str, public: bool = False, names: dict[str, str] | None = None) -> None:
        run(self.rows.room(room_id))
        for user_id in members:
            run(self.rows.member(room_id, user_id, displayname=(names or {}).get(user_id)))
        if public:
            self.rule(room_id, "m.room.join_rules", {"join_rule": "public"})

    def rule(self, room_id: str, type: str, content: dict[str, str]) -> None:
        event_id = f"${self.streams.position}"
        run(self.rows.event(room_id, event_id, type=type, state_key="", content=orjson.dumps(content), current=True))
        event = StoredEvent(
            1, 1, 1, 1, 0, 0, 0, type, ALICE, "", event_id, None, None, None, None, b"", b"", room_id, room_version("12")
        )  # fmt: skip
        self.announce("event", room_id=room_id, subject=event)

    def search(self, user_id: str, term: str, limit: int = 10, **settings: bool) -> list[str]:
        directory = UserDirectory(self.store, **{"enabled": True, "search_all_users": False, **settings})
        return [listed.user_id for listed in run(directory.search(user_id, term, limit)).results]


@pytest.fixture
def world() -> World:
    return World()


def test_only_those_one_may_see_are_found(world: World) -> None:
    world.name(ALICE, "Alice Cooper")
    world.room("!public", ALICE, public=True)
    world.room("!private", ALICE, BOB)
    assert world.search(EVE, "Alice Cooper") == [ALICE]
    assert world.search(EVE, "bob") == []
    assert world.search(BOB, "ALICE") == [ALICE]
    assert world.search(ALICE, "bob") == [BOB]
    assert world.search(ALICE, "alice") == []
    assert world.search(EVE, "bob", search_all_users=True) == [BOB]
    assert world.search(EVE, "alice", enabled=False) == []


def test_whole_ids_words_and_pieces_are_found(world: World) -> None:
    world.name(ALICE, "Älice  Cooper-Straße")
    world.room("!public", ALICE, BOB, public=True)
    for term in ("@alice", "@Alice:Test", "alice:", "älice", "ÄLICE coop", "STRASSE", "lice", "cooper alice", " coop  äl "):
        expected = [] if term == "alice:" else [ALICE]
        assert world.search(EVE, term) == expected, term
    for term in ("@alice:else", "%", "_", "\\", "cooper bob", "", "   ", "\0"):
        assert world.search(EVE, term) == [], term


def test_beginnings_of_words_come_first_and_named_people_before_nameless(world: World) -> None:
    for user_id in ("@xann:test", "@ann:test", "@anna:test"):
        run(world.rows.user(user_id))
    world.name("@anna:test", "Anna")
    world.announce("account", user_id="@xann:test")
    world.announce("account", user_id="@ann:test")
    world.room("!public", "@xann:test", "@ann:test", "@anna:test", public=True)
    assert world.search(EVE, "ann") == ["@anna:test", "@ann:test", "@xann:test"]
    assert world.search(EVE, "ann", 1) == ["@anna:test"]
    directory = UserDirectory(world.store, enabled=True, search_all_users=False)
    assert run(directory.search(EVE, "ann", 2)).limited
    assert not run(directory.search(EVE, "ann", 3)).limited
    assert run(directory.search(EVE, "ann", 0)) == ([], True)


def test_rooms_open_and_close(world: World) -> None:
    world.room("!r", ALICE)
    assert world.search(EVE, "alice") == []
    world.rule("!r", "m.room.history_visibility", {"history_visibility": "world_readable"})
    assert world.search(EVE, "alice") == [ALICE]
    world.rule("!r", "m.room.history_visibility", {"history_visibility": "shared"})
    assert world.search(EVE, "alice") == []
    world.rule("!r", "m.room.join_rules", {"join_rule": "public"})
    assert world.search(EVE, "alice") == [ALICE]


def test_names_of_strangers_come_from_open_rooms_alone(world: World) -> None:
    world.room("!private", ALICE, CARL, names={CARL: "Secret"})
    assert world.search(ALICE, "secret") == []
    assert world.search(ALICE, "carl") == [CARL]
    world.room("!public", CARL, names={CARL: "Carl the Great"}, public=True)
    assert world.search(EVE, "great") == [CARL]
    world.rule("!public", "m.room.join_rules", {"join_rule": "invite"})
    assert world.search(EVE, "great") == []
    assert world.search(ALICE, "great") == []
    assert world.search(ALICE, "carl") == [CARL]
    for room_id in ("!private", "!public"):
        run(world.rows.member(room_id, CARL, "leave"))
    assert run(world.store.people([CARL])) == []


def test_renamed_and_deactivated_people(world: World) -> None:
    world.room("!public", ALICE, public=True)
    world.name(ALICE, "First")
    world.name(ALICE, "Second")
    assert (world.search(EVE, "first"), world.search(EVE, "second")) == ([], [ALICE])
    run(world.rows.sql("UPDATE users SET deactivated = 1 WHERE user_id = ?", ALICE))
    world.announce("account", user_id=ALICE)
    assert world.search(EVE, "second", search_all_users=True) == []


def test_what_happened_while_it_was_away_is_taken_up(world: World) -> None:
    run(world.reader.stop())
    world.room("!public", ALICE, CARL, names={CARL: "Carl"}, public=True)
    run(world.rows.user("@new:test"))
    assert world.search(EVE, "carl") == []
    reader = world.started()
    assert world.search(EVE, "carl") == [CARL]
    assert world.search(EVE, "new", search_all_users=True) == ["@new:test"]
    assert run(world.store.position()) == world.streams.position
    run(reader.stop())


def test_positions_of_other_processes_are_asked_of_the_store(world: World) -> None:
    world.room("!public", ALICE, public=True)
    run(world.reader.stop())
    run(world.rows.member("!public", CARL, displayname="Carl"))
    late = world.streams.position
    world.streams.position -= 1
    reader = world.started()
    assert world.search(EVE, "carl") == []
    world.streams.skip_to(late)
    assert world.search(EVE, "carl") == [CARL]
    run(reader.stop())


def test_messages_cost_the_directory_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.room("!public", ALICE, public=True)
    run(world.rows.member("!public", CARL))
    saved = run(world.store.position())
    event = StoredEvent(
        1, 1, 1, 1, 0, 0, 0, "m.room.message", ALICE, None, "$m", None, None, None, None, b"", b"", "!public", room_version("12")
    )  # fmt: skip
    world.announce("event", room_id="!public", subject=event)
    assert run(world.store.position()) == saved
    monkeypatch.setattr("homeserver.user_directory.reader.SAVED_EVERY", 2)
    world.announce("event", room_id="!public", subject=event)
    assert run(world.store.position()) == world.streams.position


def test_when_the_database_is_away_it_is_tried_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "write", fail)
        world.room("!public", ALICE, public=True)
        world.name(ALICE, "Renamed")
    assert world.search(EVE, "renamed") == []
    world.clock.advance(RETRY_S)
    assert world.search(EVE, "renamed") == [ALICE]


def test_search_texts_and_queries_are_bounded() -> None:
    assert search_text("@Al:test", "B  C") == " @al al b c"
    assert search_text("@al:test", None) == " @al al"
    assert len(search_text("@al:test", "x" * 10_000)) <= 600
    query = query_of("a b c d e f g", 5)
    assert query is not None
    assert query.words == ("a", "b", "c", "d", "e")
    assert query_of(" \n", 5) is None


class Shared:
    def __init__(self, count: int) -> None:
        self.rooms = [f"!{number:04}" for number in range(count)]

    async def shared_rooms(self, user_id: str, other_id: str) -> list[str]:
        return list(reversed(self.rooms))


@pytest.mark.parametrize("count, pages", [(0, 1), (PAGE, 1), (PAGE + 1, 2), (3 * PAGE, 3)])
def test_mutual_rooms_in_pages(count: int, pages: int) -> None:
    shared = Shared(count)
    found: list[str] = []
    token: str | None = None
    for number in range(pages):
        page = run(MutualRooms(shared).page(ALICE, BOB, token))
        assert page.total == count
        found += page.joined
        token = page.next_batch
        assert (token is None) == (number == pages - 1)
    assert found == shared.rooms
