"""Windows on timelines and what stands beside them, on every driver, against a model in plain Python."""

from random import Random

import pytest

from homeserver.rooms.reading.timeline_store import Stretch, Window
from homeserver.rooms.store import OUTLIER, REDACTED, REJECTED, SOFT_FAILED
from storage import timelines
from storage.timelines import StoredTimelines
from tests.storage.rooms.rows import OTHER, ROOM, ROOMS, UNKNOWN, Rooms, Row


@pytest.fixture
def store(rooms: Rooms) -> StoredTimelines:
    return StoredTimelines(rooms.database, rooms.names)


def timeline(seed: int) -> list[Row]:
    """Events of both rooms, some hidden, some from before our time, some in no timeline."""
    chance = Random(seed)
    positions = chance.sample([position for position in range(-20, 120) if position], 80)
    rows = []
    for num, position in enumerate(positions, 1):
        flags = chance.choice((0, 0, 0, 0, 0, REDACTED, REJECTED, SOFT_FAILED))
        state_key = "key" if chance.random() < 0.3 else None
        rows.append(Row(num, position, chance.choice((1, 1, 2)), flags, state_key=state_key))
    return [*rows, Row(200, None, 1, OUTLIER), Row(201, None, 1, OUTLIER)]


def shown(rows: list[Row], room_id: str, since: int, until: int) -> list[Row]:
    room_num = ROOMS.index(room_id) + 1
    found = [r for r in rows if r.room_num == room_num and not r.flags & ~REDACTED and r.position is not None]
    return sorted((r for r in found if r.position is not None and since < r.position <= until), key=lambda r: r.position or 0)


def numbers(window: Window) -> list[int]:
    return [event.num for event in window.events]


@pytest.mark.parametrize("seed", range(2))
def test_windows(rooms: Rooms, store: StoredTimelines, seed: int) -> None:
    rows, chance = timeline(seed), Random(seed)
    rooms.insert(rows)
    stretches = []
    for _ in range(60):
        since, until = sorted(chance.sample(range(-30, 130), 2))
        stretches.append(Stretch(chance.choice(ROOMS), since, until, chance.randint(1, 12)))
    windows = rooms.run(store.windows(stretches))
    assert windows == [] or len(windows) == len(stretches)
    for stretch, window in zip(stretches, windows, strict=True):
        expected = shown(rows, stretch.room_id, stretch.since, stretch.until)
        assert numbers(window) == [row.num for row in expected[-stretch.limit :]]
        assert window.limited is (len(expected) > stretch.limit)
        (alone,) = rooms.run(store.windows([stretch]))
        assert numbers(alone) == numbers(window)
    assert rooms.run(store.windows([Stretch(UNKNOWN, 0, 100, 5)])) == [Window([], limited=False)]


@pytest.mark.parametrize("seed", range(2))
def test_roots(rooms: Rooms, store: StoredTimelines, seed: int) -> None:
    rows, chance = timeline(seed), Random(seed)
    rooms.insert(rows)
    places = [(chance.choice((*ROOMS, UNKNOWN)), chance.randrange(-30, 130)) for _ in range(60)]
    expected = []
    for room_id, position in places:
        before = [] if room_id == UNKNOWN else shown(rows, room_id, -1000, position)
        expected.append((before[-1].after or before[-1].before) if before else None)
    assert rooms.run(store.roots_at(places)) == expected
    assert rooms.run(store.roots_at(places[:1])) == expected[:1]


def test_last_changes(rooms: Rooms, store: StoredTimelines) -> None:
    rooms.insert([Row(1, 5), Row(2, 9), Row(3, 7, 2)])
    receipt = (
        "INSERT INTO receipts (room_num, user_id, receipt_type, thread, event_id, event_position, ts, position) "
        "VALUES (?, '@a:test', 'm.read', '', '$1', 5, 0, ?)"
    )
    rooms.execute(receipt, [(2, 30)])
    assert rooms.run(store.last_changes([ROOM, OTHER, UNKNOWN])) == {ROOM: 9, OTHER: 30, UNKNOWN: 0}
    assert rooms.run(store.last_changes([])) == {}


def test_current_state(rooms: Rooms, store: StoredTimelines) -> None:
    rooms.insert([Row(1, 1, type="m.room.name", state_key=""), Row(2, 2, type="m.room.member", state_key="@a:test")])
    rooms.execute("INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, ?, ?)", [(1, "m.room.name", "", 1)])
    rooms.members([(1, "@a:test", "join", 2)])
    asked = [("m.room.name", ""), ("m.room.member", "@a:test"), ("m.room.topic", ""), ("m.room.member", "@b:test")]
    found = rooms.run(store.current_state(ROOM, asked))
    assert {address: event.num for address, event in found.items()} == {asked[0]: 1, asked[1]: 2}
    assert rooms.run(store.current_state(OTHER, asked)) == rooms.run(store.current_state(UNKNOWN, asked)) == {}


def test_current_state_without_members(rooms: Rooms, store: StoredTimelines) -> None:
    state = "INSERT INTO current_state (room_num, type, state_key, num) VALUES (?, ?, '', ?)"
    rooms.execute(state, [(1, "m.room.name", 3), (1, "m.room.topic", 4), (2, "m.room.create", 9)])
    rooms.execute("INSERT INTO room_roots (room_num, root) VALUES (?, ?)", [(1, b"one"), (2, b"two")])
    rooms.members([(1, "@a:test", "join", 2)])
    assert rooms.run(store.current_without_members([ROOM, OTHER, UNKNOWN])) == {ROOM: (b"one", {3, 4}), OTHER: (b"two", {9})}
    assert rooms.run(store.current_without_members([])) == {}


@pytest.mark.parametrize("few", [200, 0])
def test_heroes_and_counts(rooms: Rooms, store: StoredTimelines, few: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timelines, "FEW_MEMBERS", few)
    chance = Random(few)
    kinds = ("join", "invite", "leave", "ban", "knock")
    members = [(1, f"@user{number}:test", chance.choice(kinds), number) for number in chance.sample(range(30), 30)]
    rooms.members([*members, (2, "@me:test", "join", 50), (2, "@gone:test", "leave", 51), (2, "@out:test", "ban", 49)])
    present = sorted((num, user) for _, user, kind, num in members if kind in ("join", "invite"))
    for asked in ([ROOM, OTHER], [ROOM], [OTHER], [OTHER, ROOM, UNKNOWN]):
        found = rooms.run(store.heroes(asked, "@me:test", 5))
        expected = {ROOM: [user for _, user in present[:5]], OTHER: ["@out:test", "@gone:test"]}
        assert {room: found[room] for room in asked if room != UNKNOWN} == {room: expected[room] for room in asked if room != UNKNOWN}
        assert found.get(UNKNOWN, []) == []
    me = present[2][1]
    assert rooms.run(store.heroes([ROOM, OTHER], me, 3))[ROOM] == [user for _, user in present if user != me][:3]
    joined = sum(1 for member in members if member[2] == "join")
    invited = sum(1 for member in members if member[2] == "invite")
    assert rooms.run(store.counts([ROOM, OTHER, UNKNOWN])) == {ROOM: (joined, invited), OTHER: (1, 0)}
