"""The process ends at each write of its journal: before it, and so after the one before. The next life gives the one answer, and does what was asked once."""

from typing import Any

import pytest

from tests.assistant.homeserver import ME
from tests.assistant.house import ALICE, BOB, House

MOST_WRITES = 60


class Ended(Exception):
    """From here on nothing is written any more, and no request gets an answer."""


def end_at(house: House, number: int) -> list[int]:
    """The list holds how many writes there were."""
    file: Any = house.built.assistant._file
    write, count = file.write, [0]

    def counted(*words: Any) -> int:
        count[0] += 1
        if count[0] > number:
            house.hs.freeze = lambda _method, _path, _after: True
            raise Ended
        return int(write(*words))

    file.write = counted
    return count


@pytest.mark.parametrize("words", ["what is new?", "!task paint the fence", "!ai summary"])
def test_one_answer(house: House, words: str) -> None:
    asked = {} if words.startswith("!") else {"m.mentions": {"user_ids": [ME]}}
    for number in range(MOST_WRITES):
        room = house.room(BOB)
        house.hs.say(room.id, ALICE, "the fence is green")
        house.settle()
        house.clock.ahead += 10
        house.hs.say(room.id, BOB, words, **asked)
        if not lives(house, number):
            assert len(house.texts(room)) == 1, (number, house.texts(room))
            continue
        assert number > 4
        return
    raise AssertionError("a turn has no end")


def lives(house: House, number: int) -> bool:
    """Whether this life came to its end before the write of that number; if not, there is a second life."""
    events, house.hs.outbox = house.hs.outbox, []
    count = end_at(house, number)
    status = house.loop.run(house.push(txn=f"one {number}", events=events))
    house.loop.until(lambda: count[0] > number or house.built.assistant.is_idle())
    is_over = count[0] > number
    house.loop.turn(0.02)
    house.stop()
    house.hs.freeze = lambda _method, _path, _after: False
    house.start()
    if status != 200 or number % 2:
        assert house.loop.run(house.push(txn=f"one {number}", events=events)) == 200
    house.loop.until(house.built.assistant.is_idle)
    return not is_over
