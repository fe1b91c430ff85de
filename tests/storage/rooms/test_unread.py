"""Unread events on every driver, against a model in plain Python."""

from random import Random

import pytest

from homeserver.push.store import Unread, UnreadQuestion
from homeserver.rooms.store import REDACTED
from storage.push import unread
from storage.push.unread import StoredUnread
from tests.storage.rooms.rows import ROOM, ROOMS, UNKNOWN, Rooms, Row

ALICE, BOB = "@alice:test", "@bob:test"
HIGHLIGHT = "INSERT INTO verdicts (user_id, room_num, position, thread) VALUES (?, ?, ?, ?)"


@pytest.fixture
def store(rooms: Rooms) -> StoredUnread:
    return StoredUnread(rooms.database, rooms.names)


def expected(rows: list[Row], highlights: set[int], question: UnreadQuestion) -> list[Unread]:
    found = []
    for row in sorted(rows, key=lambda row: row.position or 0):
        position = row.position or 0
        since = question.main if row.thread is None else question.threads
        if row.room_num != ROOMS.index(question.room_id) + 1 or position > question.until:
            continue
        is_own = row.sender == question.user_id
        if position in highlights and position > min(question.main, question.threads):
            found.append(Unread(position, row.thread, highlight=True))
        elif position > since and row.notifies and (is_own or not row.flags & REDACTED):
            found.append(Unread(position, row.thread, highlight=False, is_own=is_own))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_what_is_unread(rooms: Rooms, store: StoredUnread, seed: int) -> None:
    chance = Random(seed)
    rows = [
        Row(
            position,
            position,
            chance.choice((1, 1, 2)),
            chance.choice((0, 0, 0, REDACTED)),
            chance.choice((0, 1, 1)),
            chance.choice((ALICE, BOB)),
            thread=chance.choice((None, None, "$1", "$2")),
        )
        for position in range(1, 120)
    ]
    rooms.insert(rows)
    called = [row for row in rows if row.sender == BOB and chance.random() < 0.2 and not row.flags]
    rooms.execute(HIGHLIGHT, [(ALICE, row.room_num, row.position, row.thread) for row in called])
    highlights = {row.position or 0 for row in called}
    questions = []
    for _ in range(30):
        main, threads, until = (chance.randrange(130) for _ in range(3))
        questions.append(UnreadQuestion(ALICE, chance.choice(ROOMS), main, threads, until))
    answers = rooms.run(store.unread(questions))
    assert answers == [expected(rows, highlights, question) for question in questions]
    assert rooms.run(store.unread(questions[:1])) == answers[:1]
    assert rooms.run(store.unread([UnreadQuestion(ALICE, UNKNOWN, 0, 0, 100)])) == [[]]


def test_of_very_many_the_newest_count(rooms: Rooms, store: StoredUnread, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unread, "MAX_COUNTED", 10)
    rooms.insert([Row(position, position, notifies=1, sender=BOB) for position in range(1, 50)])
    (found,) = rooms.run(store.unread([UnreadQuestion(ALICE, ROOM, 0, 0, 100)]))
    assert [event.position for event in found] == list(range(40, 50))
