"""Reading rooms in the order of their graph, on every driver: pages, moments and relations against a model in plain Python."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

import pytest

from homeserver.rooms.reading.place import Place, Span, after, before
from homeserver.rooms.reading.relation_store import Children
from homeserver.rooms.store import HAS_CHILDREN, REJECTED
from storage.database import Database, WriteCursor
from storage.event_rows import RoomNames
from storage.paging import StoredPages
from storage.relations import StoredRelations
from tests.support.loop import ThreadLoop

ROOM, OTHER = "!room:test", "!other:test"
ALICE, BOB = "@alice:test", "@bob:test"
_EVENT = (
    "INSERT INTO events (num, room_num, position, topo, flags, ts, type, sender, event_id, state_before, state_after, body, links) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
_RELATION = (
    "INSERT INTO relations (parent_id, rel_type, topo, position, num, room_num, ts, type, sender, aggregation_key) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


class Row(NamedTuple):
    num: int
    position: int
    topo: int
    flags: int = 0
    ts: int = 0
    sender: str = ALICE
    type: str = "m.room.message"
    room_num: int = 1
    parent: tuple[str, str, str | None] | None = None  # event ID, relation type, key

    @property
    def event_id(self) -> str:
        return f"${self.num}"


class World:
    def __init__(self, database: Database, loop: ThreadLoop) -> None:
        self.database, self.run = database, loop.run
        names = RoomNames()
        self.pages, self.relations = StoredPages(database, names), StoredRelations(database, names)

        def rooms(cursor: WriteCursor) -> None:
            sql = "INSERT INTO rooms (room_num, room_id, version, created_ts) VALUES (?, ?, '12', 0)"
            cursor.many(sql, [(1, ROOM), (2, OTHER)])
            cursor.run("INSERT INTO room_roots (room_num, root) VALUES (1, ?)", b"root")

        self.run(database.write(rooms))

    def insert(self, *rows: Row) -> None:
        def change(cursor: WriteCursor) -> None:
            cursor.many(
                _EVENT,
                [
                    (r.num, r.room_num, r.position, r.topo, r.flags, r.ts, r.type, r.sender, r.event_id, b"b%d" % r.num, None, b"", b"")
                    for r in rows
                ],
            )
            cursor.many(
                _RELATION,
                [
                    (r.parent[0], r.parent[1], r.topo, r.position, r.num, r.room_num, r.ts, r.type, r.sender, r.parent[2])
                    for r in rows
                    if r.parent is not None
                ],
            )
            threads = {r.parent[0]: r for r in sorted(rows, key=_place) if r.parent is not None and r.parent[1] == "m.thread"}
            sql = "INSERT INTO threads (room_num, root_id, latest_num, latest_position) VALUES (?, ?, ?, ?)"
            cursor.many(sql, [(r.room_num, root, r.num, r.position) for root, r in threads.items()])

        self.run(self.database.write(change))


def _place(row: Row) -> tuple[int, int]:
    return (row.topo, row.position)


@pytest.fixture
def world(database: Database, loop: ThreadLoop) -> World:
    return World(database, loop)


def forked_room(seed: int) -> list[Row]:
    """Events whose depth and position disagree, some hidden, some from before our time, some of another room."""
    chance = Random(seed)
    positions = chance.sample([number for number in range(-20, 80) if number], 60)
    return [
        Row(num, position, chance.randint(-5, 20), REJECTED if chance.random() < 0.1 else 0, chance.randint(0, 30))
        if chance.random() < 0.9
        else Row(num, position, chance.randint(-5, 20), room_num=2)
        for num, position in enumerate(positions, 1)
    ]


@pytest.mark.parametrize("seed", range(3))
def test_pages(world: World, seed: int) -> None:
    rows = forked_room(seed)
    world.insert(*rows)
    chance = Random(seed)
    shown = sorted((row for row in rows if row.room_num == 1 and not row.flags), key=_place)

    def place() -> Place | None:
        row = chance.choice(rows)
        return chance.choice([None, Place(row.position), Place(row.position, row.topo), Place(row.position - 1, row.topo)])

    def is_before(row: Row, place: Place) -> bool:
        return row.position <= place.position if place.topo is None else _place(row) <= (place.topo, place.position)

    for _ in range(40):
        low, high, backwards, limit = place(), place(), chance.random() < 0.5, chance.randint(1, 8)
        between = [r for r in shown if (low is None or not is_before(r, low)) and (high is None or is_before(r, high))]
        expected = between[::-1][:limit] if backwards else between[:limit]
        span = Span().after(low).up_to(high)
        events = world.run(world.pages.page(ROOM, span, backwards=backwards, limit=limit, far=chance.random() < 0.5))
        assert [event.num for event in events] == [row.num for row in expected]
        assert all(event.room_id == ROOM for event in events)
        for event in events:
            rest = span.beyond(event, backwards=backwards)
            following = world.run(world.pages.page(ROOM, rest, backwards=backwards, limit=1))
            left = between[::-1] if backwards else between
            index = [row.num for row in left].index(event.num)
            assert [event.num for event in following] == [row.num for row in left[index + 1 : index + 2]]


def test_places_of_events(world: World) -> None:
    world.insert(Row(1, 5, 3))
    (event,) = world.run(world.pages.page(ROOM, Span(), backwards=True, limit=5))
    assert (str(before(event)), str(after(event))) == ("t3_4", "t3_5")
    assert world.run(world.pages.page(ROOM, Span().up_to(before(event)), backwards=True, limit=5)) == []
    assert world.run(world.pages.page("!none:test", Span(), backwards=True, limit=5)) == []


def test_roots_and_depths(world: World) -> None:
    world.insert(Row(1, 1, 1), Row(2, 2, 5), Row(3, 3, 2), Row(4, 4, 6, room_num=2))
    assert world.run(world.pages.root_at(ROOM, Place(2))) == b"b2"
    assert world.run(world.pages.root_at(ROOM, Place(9))) == b"b3"
    assert world.run(world.pages.root_at(ROOM, Place(9, 2))) == b"b3"
    assert world.run(world.pages.root_at(ROOM, Place(9, 4))) == b"b3"
    assert world.run(world.pages.root_at(ROOM, Place(0))) is None
    assert world.run(world.pages.current_root(ROOM)) == b"root"
    assert world.run(world.pages.current_root(OTHER)) is None
    assert world.run(world.pages.lowest_topo(ROOM, 1)) == 2
    assert world.run(world.pages.lowest_topo(ROOM, 3)) is None


def test_arrivals(world: World) -> None:
    world.insert(Row(1, 1, 1), Row(2, 2, 5, REJECTED), Row(3, 3, 2), Row(4, 4, 6, room_num=2), Row(5, 5, 1))
    arrived: Callable[..., list[int]] = lambda *question: [  # noqa: E731
        event.num for event in world.run(world.pages.arrived(*question))
    ]
    assert arrived([ROOM], 0, 9, 10) == [1, 3, 5]
    assert arrived([ROOM, OTHER], 1, 4, 10) == [3, 4]
    assert arrived([ROOM, OTHER], 0, 9, 2) == [1, 3]
    assert arrived(["!none:test"], 0, 9, 2) == []


@pytest.mark.parametrize("backwards", [True, False])
def test_moments(world: World, backwards: bool) -> None:
    rows = forked_room(7)
    world.insert(*rows)
    own = sorted((row for row in rows if row.room_num == 1), key=lambda row: (row.ts, *_place(row)), reverse=backwards)
    for ts in (0, 13, 30):
        expected = [row.num for row in own if (row.ts <= ts if backwards else row.ts >= ts)]
        found: list[int] = []
        while True:
            events = world.run(world.pages.nearest(ROOM, ts, backwards=backwards, limit=7, skip=len(found)))
            found += [event.num for event in events]
            if len(events) < 7:
                break
        assert found == expected


def family() -> list[Row]:
    """$1 with a thread, reactions, references and edits; a reaction to a reply; the same IDs misused in another room."""
    return [
        Row(1, 1, 1, HAS_CHILDREN),
        Row(2, 2, 2, parent=("$1", "m.thread", None)),
        Row(3, 3, 3, sender=BOB, parent=("$1", "m.thread", None)),
        Row(4, 4, 4, type="m.reaction", sender=BOB, parent=("$1", "m.annotation", "👍")),
        Row(5, 5, 5, parent=("$1", "m.reference", None)),
        Row(6, 6, 6, ts=9, parent=("$1", "m.replace", None)),
        Row(7, 7, 7, ts=5, parent=("$1", "m.replace", None)),
        Row(8, 8, 8, sender=BOB, ts=99, parent=("$1", "m.replace", None)),
        Row(9, 9, 9, type="m.other", ts=99, parent=("$1", "m.replace", None)),
        Row(10, 10, 10, type="m.reaction", parent=("$3", "m.annotation", "🎉")),
        Row(11, 11, 11, room_num=2, parent=("$1", "m.reference", None)),
        Row(12, 12, 12, REJECTED, parent=("$1", "m.reference", None)),
        Row(13, 13, 13, sender=BOB, parent=("$1", "m.reference", None)),
    ]


def test_children(world: World) -> None:
    world.insert(*family())

    def found(backwards: bool = False, limit: int = 50, span: Span | None = None, **question: Any) -> list[int]:
        children = Children(ROOM, "$1")._replace(**question)
        return [e.num for e in world.run(world.relations.children(children, span or Span(), backwards=backwards, limit=limit))]

    assert found() == [2, 3, 4, 5, 6, 7, 8, 9, 12, 13]
    assert found(True, 3) == [13, 12, 9]
    assert found(rel_type="m.thread") == [2, 3]
    assert found(rel_type="m.replace", type="m.other") == [9]
    assert found(depth=3) == [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13]
    assert found(depth=3, rel_type="m.annotation") == [4, 10]
    assert found(span=Span().after(Place(4, 4)).up_to(Place(7))) == [5, 6, 7]
    assert found(True, 2, Span().up_to(Place(4, 5))) == [4, 3]
    assert found(parent_id="$none") == []


def test_kin(world: World) -> None:
    world.insert(*family())
    kin = world.run(world.relations.kin(ROOM, ["$1", "$3", "$none"], ALICE, []))
    assert set(kin) == {"$1", "$3", "$none"}
    assert kin["$1"].replacements == [6, 7]
    assert [(child.num, child.event_id, child.sender) for child in kin["$1"].references] == [(5, "$5", ALICE), (13, "$13", BOB)]
    assert kin["$1"].thread == (2, True, 3)
    assert kin["$3"] == kin["$none"] == ([], [], None)
    without = world.run(world.relations.kin(ROOM, ["$1"], ALICE, [BOB]))["$1"]
    assert [child.num for child in without.references] == [5]
    assert without.thread is not None
    assert without.thread.size == 1
    assert world.run(world.relations.kin(ROOM, ["$1"], "@eve:test", []))["$1"].thread == (2, False, 3)
    assert world.run(world.relations.latest_in_thread(ROOM, "$1", [], 5)) == [3, 2]
    assert world.run(world.relations.latest_in_thread(ROOM, "$1", [BOB], 5)) == [2]


def test_annotations_and_parents(world: World) -> None:
    world.insert(*family())
    has = world.relations.has_annotation
    assert world.run(has(1, "$1", "m.reaction", BOB, "👍"))
    for question in ((2, "$1", "m.reaction", BOB, "👍"), (1, "$1", "m.reaction", ALICE, "👍"), (1, "$1", "m.x", BOB, "👍")):
        assert not world.run(has(*question))
    assert not world.run(has(1, "$1", "m.reaction", BOB, None))
    related = world.pages.related_parents
    assert world.run(related(ROOM, ["$1", "$3", "$4"], None, None)) == {"$1", "$3"}
    assert world.run(related(ROOM, ["$1", "$3"], ["m.thread"], None)) == {"$1"}
    assert world.run(related(ROOM, ["$1", "$3"], ["m.annotation"], [ALICE])) == {"$3"}
    assert world.run(related(ROOM, ["$1"], [], None)) == set()


def test_threads(world: World) -> None:
    world.insert(
        Row(1, 1, 1),
        Row(2, 2, 2, sender=BOB),
        Row(3, 3, 3, parent=("$2", "m.thread", None)),
        Row(4, 4, 4, sender=BOB, parent=("$1", "m.thread", None)),
        Row(5, 5, 5, sender=BOB),
        Row(6, 6, 6, sender=BOB, parent=("$5", "m.thread", None)),
        Row(7, 7, 7, parent=("$unknown", "m.thread", None)),
    )

    def found(participant: str | None, before: int, limit: int) -> list[tuple[str, int]]:
        roots = world.run(world.relations.thread_roots(ROOM, participant, before, limit))
        return [(root.event.event_id, root.latest_position) for root in roots]

    assert found(None, 99, 9) == [("$5", 6), ("$1", 4), ("$2", 3)]
    assert found(None, 6, 1) == [("$1", 4)]
    assert found(ALICE, 99, 9) == [("$1", 4), ("$2", 3)]


def test_members_of_a_bridge(world: World) -> None:
    def change(cursor: WriteCursor) -> None:
        cursor.run("INSERT INTO users (user_id, created_ts, appservice) VALUES (?, 0, 'bridge')", ALICE)
        sql = "INSERT INTO memberships (room_num, user_id, membership, num, position, sender, is_local) VALUES (1, ?, 'join', 1, 1, ?, 1)"
        cursor.run(sql, ALICE, ALICE)

    world.insert(Row(1, 1, 1))
    assert not world.run(world.pages.has_member_of(ROOM, "bridge"))
    world.run(world.database.write(change))
    assert world.run(world.pages.has_member_of(ROOM, "bridge"))
    assert not world.run(world.pages.has_member_of(ROOM, "other"))
    assert [event.num for event in world.run(world.pages.member_events(ROOM))] == [1]
    assert world.run(world.pages.member_events(ROOM, ["leave", "ban"])) == []
    assert world.run(world.pages.current_events(ROOM)) == []
