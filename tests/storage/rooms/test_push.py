"""What push asks, on every driver: whose rules are his own, what he was notified of, and what of it may go."""

import pytest

from homeserver.account_data.store import GLOBAL, Put
from homeserver.push.store import Earshot, OwnRules, UnreadQuestion
from homeserver.rooms.store import REDACTED
from storage.personal.account_data import StoredAccountData
from storage.push.listeners import StoredListeners
from storage.push.notifications import StoredNotifications
from storage.push.past import forget_verdicts
from storage.push.unread import StoredUnread
from tests.storage.rooms.rows import OTHER, ROOM, Rooms, Row

ALICE, BOB, CAROL = "@alice:test", "@bob:test", "@carol:test"
VERDICT = "INSERT INTO verdicts (user_id, room_num, position, thread, notifies, highlight) VALUES (?, ?, ?, ?, ?, ?)"
RECEIPT = (
    "INSERT INTO receipts (room_num, user_id, receipt_type, thread, event_id, event_position, ts, position) "
    "VALUES (?, ?, 'm.read', ?, '$', ?, 0, 0)"
)


def test_who_has_rules_of_his_own(rooms: Rooms) -> None:
    rooms.members([(1, ALICE, "join", 1), (1, BOB, "join", 2), (1, CAROL, "leave", 3), (2, BOB, "join", 4)])
    data, store = StoredAccountData(rooms.database), StoredListeners(rooms.database)
    for user, room, type, content in (
        (ALICE, GLOBAL, "m.push_rules", b"{}"),
        (ALICE, ROOM, "m.push_rules", b'{"not":"these"}'),
        (BOB, GLOBAL, "m.push_rules", b'{"set":1}'),
        (BOB, GLOBAL, "m.ignored_user_list", b'{"ignored_users":{}}'),
        (CAROL, GLOBAL, "m.push_rules", b'{"set":1}'),
    ):
        rooms.run(data.put(Put(user, room, type, content)))
    assert rooms.run(store.own_rules(ROOM)) == [OwnRules(BOB, b'{"set":1}', b'{"ignored_users":{}}')]
    assert rooms.run(store.own_rules(OTHER)) == [OwnRules(BOB, b'{"set":1}', b'{"ignored_users":{}}')]
    assert rooms.run(store.own_rules("!unknown:test")) == []


@pytest.fixture
def told(rooms: Rooms) -> Rooms:
    """Bob's events, and what they say to Alice."""
    rooms.insert(
        [
            Row(1, 1, notifies=1, sender=BOB), Row(2, 2, notifies=1, sender=ALICE), Row(3, 3, notifies=1, sender=BOB, flags=REDACTED),
            Row(4, 4, notifies=1, sender=BOB, thread="$1"), Row(5, 5, notifies=0, sender=BOB), Row(6, 6, notifies=1, sender=BOB),
            Row(7, 7, notifies=1, sender=BOB), Row(8, 8, room_num=2, notifies=1, sender=BOB),
        ]
    )  # fmt: skip
    rooms.execute(VERDICT, [(ALICE, 1, 5, None, 1, 0), (ALICE, 1, 6, None, 0, 0), (ALICE, 1, 7, None, 1, 1), (BOB, 1, 7, None, 1, 1)])
    return rooms


def test_what_is_said_to_one_user_stands_before_what_is_said_to_all(told: Rooms) -> None:
    store = StoredUnread(told.database, told.names)
    loud, quiet = (UnreadQuestion(ALICE, ROOM, 0, 0, 100, quiet) for quiet in (False, True))
    answers = told.run(store.unread([loud, quiet]))
    assert [[(one.position, one.highlight, one.is_own) for one in found] for found in answers] == [
        [(1, False, False), (2, False, True), (4, False, False), (5, False, False), (7, True, False)],
        [(2, False, True), (5, False, False), (7, True, False)],
    ]


@pytest.mark.parametrize(
    ("heard", "before", "limit", "highlights", "positions"),
    [
        ([Earshot(ROOM, 0, False), Earshot(OTHER, 0, False)], None, 10, False, [8, 7, 5, 4, 1]),
        ([Earshot(ROOM, 0, False), Earshot(OTHER, 0, False)], None, 2, False, [8, 7]),
        ([Earshot(ROOM, 0, False), Earshot(OTHER, 0, False)], 7, 2, False, [5, 4]),
        ([Earshot(ROOM, 0, True)], None, 10, False, [7, 5]),
        ([Earshot(ROOM, 4, False)], None, 10, False, [7, 5]),
        ([Earshot(ROOM, 0, False)], None, 10, True, [7]),
        ([], None, 10, False, []),
    ],
)
def test_notifications(told: Rooms, heard: list[Earshot], before: int | None, limit: int, highlights: bool, positions: list[int]) -> None:
    store = StoredNotifications(told.database, told.names)
    found = told.run(store.heard(ALICE, heard, before, limit, highlights=highlights))
    assert [one.event.position for one in found] == positions
    assert {one.event.position for one in found if one.highlight} <= {7}


def test_what_was_read_goes_in_time(told: Rooms) -> None:
    told.members([(1, ALICE, "join", 1), (1, BOB, "join", 2)])
    told.execute(VERDICT, [(CAROL, 1, 1, None, 1, 1), (ALICE, 1, 4, "$1", 1, 1), (BOB, 1, 4, "$1", 1, 1)])
    told.execute(RECEIPT, [(1, ALICE, "main", 6), (1, BOB, "", 5)])

    def left() -> list[tuple[str, int]]:
        async def ask() -> list[tuple[str, int]]:
            return await told.database.scan(
                lambda cursor: [(row[0], row[1]) for row in cursor.all("SELECT user_id, position FROM verdicts")]
            )

        return sorted(told.run(ask()))

    async def forget(before_ms: int, most: int) -> int:
        return await forget_verdicts(told.database, before_ms, most)

    before = left()
    assert told.run(forget(0, 100)) == 0  # all were sent at 0
    assert left() == before
    assert told.run(forget(1, 2)) == 2
    assert told.run(forget(1, 100)) == 2
    assert left() == [(ALICE, 4), (ALICE, 7), (BOB, 7)]
    assert told.run(forget(1, 100)) == 0
