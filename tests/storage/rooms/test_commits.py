"""What rooms write and read back, on every driver: whole servers over it, and the store alone."""

from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import gatherResults

from homeserver.errors import Unavailable
from homeserver.streams import Streams
from storage import rooms
from storage.database import Database
from storage.rooms import NumberBlock
from tests.storage.conftest import DatabaseFactory
from tests.support.client import Client, start
from tests.support.loop import ThreadLoop
from tests.support.places import Failing, LoopServer, on_database, verified
from tests.support.rooms import create_room, join, member, path
from tests.sync.histories import History

NUL = "nul\0nul"
LONG = "".join(sha256(b"%d" % number).hexdigest() for number in range(80))  # more than an index takes, and not to be compressed


@pytest.fixture
def server(tmp_path: Path, database: Database, streams: Streams, loop: ThreadLoop) -> LoopServer:
    return on_database(tmp_path, database, streams, loop)


@pytest.fixture
def alice(server: LoopServer) -> Client:
    return server.user("alice")


def messages(server: LoopServer, client: Client, room: str) -> list[Any]:
    query = {"dir": "b", "limit": 100, "filter": '{"types":["m.room.message"]}'}
    return [event["content"] for event in reversed(server.ok(client.get(path("rooms", room, "messages"), query))["chunk"])]


@pytest.mark.parametrize("seed", [3, 9])
def test_a_generated_history(server: LoopServer, tmp_path: Path, seed: int) -> None:
    history = History(server, seed)
    for _ in range(200):
        history.step()
    assert verified(server, tmp_path) > 20


def hostile(room: str, known: str) -> list[tuple[str, Callable[[Client], Any]]]:
    """Texts that a database may refuse in the middle of a transaction that others share."""
    message = ("rooms", room, "send", "m.room.message")
    state = ("rooms", room, "state")
    mate = "@bob:test"
    return [
        ("transaction ID", lambda c: c.put(path(*message, NUL), {"body": NUL})),
        ("long transaction ID", lambda c: c.put(path(*message, LONG), {"body": "long"})),
        ("long parent", lambda c: c.put(path(*message, "8"), {"m.relates_to": {"rel_type": LONG, "event_id": LONG}})),
        ("type", lambda c: c.put(path("rooms", room, "send", NUL, "1"), {})),
        ("state type", lambda c: c.put(path(*state, NUL, ""), {})),
        ("state key", lambda c: c.put(path(*state, "org.example", NUL), {})),
        ("relation type", lambda c: c.put(path(*message, "2"), {"m.relates_to": {"rel_type": NUL, "event_id": known}})),
        ("parent", lambda c: c.put(path(*message, "3"), {"m.relates_to": {"rel_type": "m.reference", "event_id": NUL}})),
        ("thread", lambda c: c.put(path(*message, "4"), {"m.relates_to": {"rel_type": "m.thread", "event_id": "$" + NUL}})),
        ("key", lambda c: c.put(path("rooms", room, "send", "m.reaction", "5"), {"m.relates_to": annotation(known, NUL)})),
        ("redacted event", lambda c: c.put(path("rooms", room, "redact", "$" + NUL, "6"), {})),
        ("name", lambda c: c.put(path(*state, "m.room.member", "@alice:test"), {"membership": "join", "displayname": NUL})),
        ("picture", lambda c: c.put(path(*state, "m.room.member", "@alice:test"), {"membership": "join", "avatar_url": NUL})),
        ("mention", lambda c: c.put(path(*message, "7"), {"body": "x", "m.mentions": {"user_ids": [f"@{NUL}:test"]}})),
        ("invited user", lambda c: c.post(path("rooms", room, "invite"), {"user_id": f"@{NUL}:test"})),
        ("member", lambda c: c.put(path(*state, "m.room.member", f"@{NUL}:test"), {"membership": "ban"})),
        ("reason", lambda c: c.post(path("rooms", room, "invite"), {"user_id": mate, "reason": NUL})),
        ("account data", lambda c: c.put(path("user", "@alice:test", "rooms", room, "account_data", "org.example"), {"x": NUL})),
        ("alias", lambda c: c.put(path("directory", "room", f"#{NUL}:test"), {"room_id": room})),
    ]


def annotation(event_id: str, key: str) -> dict[str, str]:
    return {"rel_type": "m.annotation", "event_id": event_id, "key": key}


def test_nobody_breaks_the_commits_of_others(server: LoopServer, alice: Client, tmp_path: Path) -> None:
    """Whatever one client sends, the messages that share its transaction are stored."""
    bob = server.user("bob")
    room, other = create_room(server, alice), create_room(server, bob)
    known = server.ok(alice.put(path("rooms", room, "send", "m.room.message", "0"), {"body": "hello"}))["event_id"]
    for number, (name, ask) in enumerate(hostile(room, known)):

        async def both(ask: Callable[[Client], Any] = ask, number: int = number) -> list[Any]:
            fine = start(bob.put(path("rooms", other, "send", "m.room.message", str(number)), {"body": str(number)}))
            return await gatherResults([start(ask(alice)), fine])

        (status, answer), fine = server.run(both())
        assert fine[0] == 200, (name, fine)
        assert status < 500, (name, answer)
    assert [int(content["body"]) for content in messages(server, bob, other)] == list(range(number + 1))
    verified(server, tmp_path)


def test_a_failed_transaction_leaves_nothing(tmp_path: Path, database_factory: DatabaseFactory, streams: Streams, loop: ThreadLoop) -> None:
    observer = Failing()
    server = on_database(tmp_path, database_factory(observer=observer), streams, loop)
    alice = server.user("alice")
    room = create_room(server, alice, preset="public_chat")
    before = verified(server, tmp_path)
    observer.broken = True
    status, _ = server.run(alice.put(path("rooms", room, "send", "m.room.message", "1"), {"body": "lost"}))
    assert status == 503
    status, _ = server.run(alice.put(path("rooms", room, "state", "m.room.name", ""), {"name": "lost"}))
    assert status == 503
    observer.broken = False
    assert verified(server, tmp_path) == before
    server.ok(alice.put(path("rooms", room, "send", "m.room.message", "1"), {"body": "kept"}))
    assert messages(server, alice, room) == [{"body": "kept"}]
    assert verified(server, tmp_path) == before + 1


def test_leaving_and_coming_back_in_one_transaction(server: LoopServer, alice: Client, tmp_path: Path) -> None:
    bob = server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    join(server, bob, room)

    async def both() -> list[Any]:
        return await gatherResults([start(bob.post(path("rooms", room, "leave"))), start(bob.post(path("join", room)))])

    assert [status for status, _ in server.run(both())] == [200, 200]
    verified(server, tmp_path)


def test_a_redacted_membership_shows_no_name(server: LoopServer, alice: Client, tmp_path: Path) -> None:
    server.ok(alice.put(path("profile", "@alice:test", "displayname"), {"displayname": "secret word"}))
    room = create_room(server, alice)
    event_id = server.ok(alice.get(path("rooms", room, "state", "m.room.member", "@alice:test"), {"format": "event"}))["event_id"]
    server.ok(alice.put(path("rooms", room, "redact", event_id, "1")))
    assert server.ok(alice.get(path("rooms", room, "joined_members")))["joined"] == {
        "@alice:test": {"display_name": "", "avatar_url": "mxc://"}
    }
    verified(server, tmp_path)


class TestNumbers:
    """Unique numbers, a block at a time."""

    @pytest.fixture(autouse=True)
    def small_blocks(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(rooms, "NUMBER_BLOCK", 10)

    def test_no_number_comes_twice(self, database: Database, loop: ThreadLoop) -> None:
        blocks = [NumberBlock(database, "event_num") for _ in range(3)]  # one after the other, as over restarts
        taken: list[int] = []
        for block in blocks:
            loop.run(block.reserve())
            for _ in range(27):
                taken.append(block.take())
                loop.run(database.read(lambda cursor: cursor.value("SELECT 1")))
                loop.run(database.write(lambda cursor: None))
        assert len(set(taken)) == 81
        assert taken == sorted(taken)

    def test_when_the_database_is_away_numbers_run_out_and_come_back(self, database_factory: DatabaseFactory, loop: ThreadLoop) -> None:
        observer = Failing()
        database = database_factory(observer=observer)
        block = NumberBlock(database, "event_num")
        loop.run(block.reserve())
        observer.broken = True
        taken: list[int] = []

        def take_all() -> None:
            while True:
                taken.append(block.take())
                loop.turn()

        with pytest.raises(Unavailable):
            take_all()
        assert len(taken) == 10
        observer.broken = False
        while len(taken) < 30:
            try:
                taken.append(block.take())
            except Unavailable:
                loop.turn()
        assert len(set(taken)) == 30


def test_bans_and_counts(server: LoopServer, alice: Client, tmp_path: Path) -> None:
    people = [server.user(name) for name in ("bob", "carol", "dave")]
    room = create_room(server, alice, preset="public_chat")
    for person in people:
        join(server, person, room)
    for action, user in (("kick", "@bob:test"), ("ban", "@carol:test"), ("invite", "@bob:test"), ("unban", "@carol:test")):
        assert member(server, alice, room, action, user)[0] == 200
    verified(server, tmp_path)


def test_what_is_known_of_events_before_they_come(server: LoopServer, alice: Client) -> None:
    """The room and those that are stored, in one question; and the redactions that name them."""
    room = create_room(server, alice)
    said = [server.ok(alice.put(path("rooms", room, "send", "m.room.message", f"k{n}"), {"body": str(n)}))["event_id"] for n in range(3)]
    redaction = server.ok(alice.put(path("rooms", room, "redact", said[1], "r"), {}))["event_id"]
    store = server.server._parts.rooms.store
    record, known = server.run(store.known(room, [*said, "$nowhere"]))
    assert record is not None
    assert (record.room_id, set(known)) == (room, set(said))
    assert server.run(store.known("!nowhere", said[:1]))[0] is None
    foretold = server.run(store.foretold(room, [*said, "$nowhere"]))
    assert {target: [one.event_id for one in named] for target, named in foretold.redactions.items()} == {said[1]: [redaction]}
    assert foretold.gaps == {}
