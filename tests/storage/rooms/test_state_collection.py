"""The collection of state nodes on every driver: roots page by page, sweeps in steps, the epoch that protects what is written meanwhile."""

from random import Random

import pytest

from homeserver.rooms import state_map
from homeserver.rooms.collect import StateCollector
from homeserver.rooms.state_map import EMPTY
from storage.database import Cursor
from storage.room_commits import UPSERT_NODE, CommitWriter
from storage.state_collection import StoredCollection
from tests.storage.rooms.rows import OTHER, ROOM, UNKNOWN, Rooms, Row
from tests.support.loop import ThreadLoop


@pytest.fixture
def writer() -> CommitWriter:
    return CommitWriter()


@pytest.fixture
def store(rooms: Rooms, writer: CommitWriter) -> StoredCollection:
    return StoredCollection(rooms.database, rooms.names, writer)


class States:
    """States of a room, one after the other, and their nodes."""

    def __init__(self, rooms: Rooms, writer: CommitWriter, room_num: int = 1) -> None:
        self._rooms = rooms
        self._writer = writer
        self._room_num = room_num
        self.nodes: dict[bytes, bytes] = {}

    def make(self, seed: int, count: int) -> list[bytes]:
        """The roots of that many states, each a change of the one before; nodes are written."""
        chance, root, roots = Random(seed), EMPTY, []
        for number in range(count):
            changes: dict[bytes, int | None] = {chance.randbytes(8): seed * 10_000 + number * 10 + step for step in range(8)}
            root, made = state_map.update(root, changes, self.nodes)
            self.nodes.update(made)
            self.write(made)
            roots.append(root)
        return roots

    def write(self, nodes: dict[bytes, bytes]) -> None:
        self._rooms.execute(UPSERT_NODE, [(node, self._room_num, self._writer.epoch, body) for node, body in nodes.items()])

    def reachable(self, roots: list[bytes]) -> set[bytes]:
        """Every node that those states are made of."""
        found: set[bytes] = set()
        todo = list(roots)
        while todo:
            node = todo.pop()
            if node not in found and node != EMPTY:
                found.add(node)
                todo += state_map.child_ids(self.nodes[node])
        return found


def stored(rooms: Rooms, room_num: int = 1) -> set[bytes]:
    def ask(cursor: Cursor) -> set[bytes]:
        return {row[0] for row in cursor.all("SELECT node_id FROM state_nodes WHERE room_num = ?", room_num)}

    return rooms.run(rooms.database.read(ask))


def keep(rooms: Rooms, roots: list[bytes]) -> None:
    """Events that name these roots; the last one is the current state."""
    rows = [(num, 1, num, num, "t", "s", f"${num}", root, root, b"", b"") for num, root in enumerate(roots, 1)]
    sql = (
        "INSERT INTO events (num, room_num, position, topo, ts, type, sender, event_id, state_before, state_after, body, links) "
        "VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?)"
    )
    rooms.execute(sql, rows)
    rooms.execute("INSERT INTO room_roots (room_num, root) VALUES (1, ?)", [(roots[-1],)])


@pytest.mark.parametrize("seed", range(2))
def test_what_no_state_is_made_of_goes(rooms: Rooms, store: StoredCollection, writer: CommitWriter, loop: ThreadLoop, seed: int) -> None:
    states, others = States(rooms, writer), States(rooms, writer, 2)
    roots, garbage = states.make(seed + 1, 40), states.make(seed + 100, 20)
    others.make(seed + 200, 20)
    kept = [root for index, root in enumerate(roots) if index % 3 == 0]
    keep(rooms, kept)
    expected = states.reachable(kept)
    assert stored(rooms) > expected
    rooms.run(store.note(ROOM))
    rooms.run(store.note(ROOM))
    rooms.run(store.note(UNKNOWN))
    assert rooms.run(store.next_room()) == 1
    rooms.run(StateCollector(store, loop).collect_all())
    assert stored(rooms) == expected
    assert stored(rooms, 2) == set(others.nodes)
    assert rooms.run(store.next_room()) is None
    assert garbage


def test_roots_come_page_by_page(rooms: Rooms, store: StoredCollection) -> None:
    rooms.insert([Row(num, num, 1 if num % 2 else 2, state_key="") for num in range(1, 21)])
    rooms.execute("INSERT INTO room_roots (room_num, root) VALUES (?, ?)", [(1, b"current"), (2, b"of the other")])
    found: set[bytes] = set()
    last: int | None = -1
    pages = 0
    while last is not None:
        roots, last = rooms.run(store.roots(1, last, 3))
        found |= roots
        pages += 1
    assert found == {b"current"} | {text % num for num in range(1, 21, 2) for text in (b"before %d", b"after %d")}
    assert pages == 4


def test_what_is_written_while_it_runs_stays(rooms: Rooms, store: StoredCollection, writer: CommitWriter) -> None:
    """Also when a sweep looks at it for the first time, and when it was there before."""
    states = States(rooms, writer)
    states.make(1, 5)
    old = dict(states.nodes)
    epoch = rooms.run(store.begin())
    assert writer.epoch == epoch
    new = states.make(2, 5)
    again = dict(list(old.items())[::2])
    states.write(again)
    after: bytes | None = b""
    while after is not None:
        after = rooms.run(store.sweep(1, (), epoch, after, 3))
    assert stored(rooms) == (set(states.nodes) - set(old)) | set(again)
    assert new


def test_done(rooms: Rooms, store: StoredCollection) -> None:
    for room in (OTHER, ROOM):
        rooms.run(store.note(room))
    assert rooms.run(store.next_room()) == 1
    rooms.run(store.done(1))
    assert rooms.run(store.next_room()) == 2


def test_nodes(rooms: Rooms, store: StoredCollection, writer: CommitWriter) -> None:
    states = States(rooms, writer)
    states.make(1, 10)
    assert rooms.run(store.nodes([*states.nodes, b"x" * 16])) == states.nodes
    assert rooms.run(store.nodes([])) == {}
