"""A turn happens exactly once, whenever the assistant is killed."""

import gc
from typing import Any

import pytest
from twisted.logger import globalLogPublisher

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import BOB, House
from tests.assistant.scripted_model import Say


def answers(house: House, room: Room) -> list[str]:
    return house.texts(room)


def kill_at(house: House, step: int, after: bool) -> None:
    """The request of that number never comes back: before it is served, or after."""
    count = 0

    def freeze(method: str, path: str, is_after: bool) -> bool:
        nonlocal count
        if is_after == after:
            count += 1
        return is_after == after and count >= step + 1

    house.hs.freeze = freeze


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("step", range(14))
def test_killed_at_each_step(house: House, step: int, after: bool) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["some words here "] * 8, seconds=0.1))
    house.hs.mention(room.id, BOB, "hello")
    events, house.hs.outbox = house.hs.outbox, []
    kill_at(house, step, after)
    assert house.loop.run(house.push(txn="the-one", events=events)) == 200
    house.loop.turn(0.1 if step < 10 else 0.3)
    house.stop()
    house.hs.freeze = lambda _method, _path, _after: False
    house.start()
    assert house.loop.run(house.push(txn="the-one", events=events)) == 200  # it may not have heard that it was taken
    house.loop.until(house.built.assistant.is_idle)
    assert answers(house, room) == [("some words here " * 8).strip()]


def test_the_same_transaction_again(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    events, house.hs.outbox = house.hs.outbox, []
    for _ in range(3):
        house.loop.run(house.push(txn="same", events=events))
    house.loop.run(house.push(txn="another", events=events))
    house.loop.until(house.built.assistant.is_idle)
    assert answers(house, room) == ["Fine."]


def test_a_homeserver_that_counts_transactions_anew(house: House) -> None:
    room = house.room(BOB)
    for _ in range(2):
        house.hs.mention(room.id, BOB, "hello")
        house.loop.run(house.push(txn="1"))
        house.loop.until(house.built.assistant.is_idle)
    assert answers(house, room) == ["Fine.", "Fine."]


def test_a_homeserver_that_forgot_transaction_ids(house: House) -> None:
    """Then the room itself tells what was said."""
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    events, house.hs.outbox = house.hs.outbox, []
    frozen = False

    def freeze(method: str, path: str, is_after: bool) -> bool:
        nonlocal frozen
        frozen = frozen or (is_after and "/send/m.room.message/" in path)
        return frozen

    house.hs.freeze = freeze
    house.loop.run(house.push(txn="one", events=events))
    house.loop.until(lambda: bool(answers(house, room)))
    house.loop.turn(0.1)
    house.stop()
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.txns.clear()
    house.start()
    house.loop.until(house.built.assistant.is_idle)
    assert answers(house, room) == ["Fine."]


def test_never_stale(house: House) -> None:
    room = house.room(BOB)
    house.hs.mention(room.id, BOB, "hello")
    house.clock.ahead = 3600
    house.settle()
    assert answers(house, room) == []
    assert house.model.prompts == []


def test_half_an_answer_after_a_long_outage_is_labelled(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["some words here "], seconds=0.1, never_ends=True))
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(answers(house, room)))
    house.stop()
    house.clock.ahead = 3600
    asked = len(house.model.prompts)
    house.start()
    house.loop.until(house.built.assistant.is_idle)
    assert len(answers(house, room)) == 1
    assert answers(house, room)[0].endswith("(interrupted)")
    assert len(house.model.prompts) == asked


def test_a_redacted_request_takes_its_answer_along(house: House) -> None:
    room = house.room(BOB)
    house.says(Say(pieces=["some words here "], seconds=0.05, never_ends=True))
    asked = house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(answers(house, room)))
    house.hs.redact(room.id, BOB, asked)
    house.settle()
    assert answers(house, room) == []


def test_a_part_of_an_answer_that_is_on_its_way_goes_with_the_rest(house: House) -> None:
    """The homeserver is slow to take an edit when the request is redacted."""
    room = house.room(BOB)
    house.says(Say(pieces=["some words here "], seconds=0.05, never_ends=True))
    asked = house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(answers(house, room)))
    house.hs.freeze = lambda _, path, is_after: not is_after and "/send/m.room.message/" in path
    house.loop.until(lambda: bool(house.hs.waiting))
    house.hs.redact(room.id, BOB, asked)
    house.deliver()
    house.loop.turn(0.2)
    house.hs.freeze = lambda _method, _path, _after: False
    house.hs.serve_late()
    house.settle()
    house.loop.until(house.built.assistant.is_idle)
    assert answers(house, room) == []
    assert [event for event in room.by(ME) if "some words" in str(event["content"])] == []


def test_the_homeserver_is_away_for_a_while(house: House) -> None:
    room = house.room(BOB)
    house.says(Say("Fine.", pieces=["Fine."], seconds=0.3))
    house.hs.mention(room.id, BOB, "hello")
    house.deliver()
    house.loop.until(lambda: bool(house.model.prompts))
    house.hs.is_down = True
    house.loop.turn(1.0)
    assert answers(house, room) == []
    house.hs.is_down = False
    house.loop.until(house.built.assistant.is_idle)
    assert answers(house, room) == ["Fine."]


def test_it_ends_while_a_part_of_an_answer_is_under_way(house: House) -> None:
    """What the homeserver says then is for nobody, and no journal is written to that is closed."""
    room = house.room(BOB)
    house.says(Say(pieces=["some words here "], seconds=0.1, never_ends=True))
    house.hs.mention(room.id, BOB, "hello")
    house.hs.freeze = lambda _, path, is_after: is_after and "/send/m.room.message/" in path
    house.deliver()
    house.loop.until(lambda: bool(house.hs.withheld))
    failed: list[Any] = []
    listen: Any = lambda event: failed.append(event) if "log_failure" in event else None  # noqa: E731
    globalLogPublisher.addObserver(listen)
    try:
        house.stop()
        house.hs.release()
        house.loop.turn(0.2)
        gc.collect()
    finally:
        globalLogPublisher.removeObserver(listen)
        house.hs.freeze = lambda _method, _path, _after: False
        house.start()
    assert failed == []
