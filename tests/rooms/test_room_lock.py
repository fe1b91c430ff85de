"""One room, one writer, in the order of asking, whatever the others do."""

from random import Random

import pytest
from twisted.internet.defer import CancelledError, Deferred

from homeserver.rooms.room_lock import RoomLocks
from tests.support.client import start


class Room:
    """Coroutines that note when they hold the lock."""

    def __init__(self) -> None:
        self.locks = RoomLocks()
        self.inside = 0
        self.order: list[int] = []

    async def work(self, number: int, pause: "Deferred[None] | None" = None, error: Exception | None = None) -> int:
        async with self.locks.hold("!room:test") as lock:
            assert lock.room_id == "!room:test"
            self.inside += 1
            assert self.inside == 1
            try:
                if pause is not None:
                    await pause
                self.order.append(number)
            finally:
                self.inside -= 1
            if error is not None:
                raise error
        return number


@pytest.fixture
def room() -> Room:
    return Room()


def test_nobody_waits_for_a_free_room(room: Room) -> None:
    assert start(room.work(1)).result == 1
    assert room.locks.held == 0


def test_thousands_who_wait_are_let_in_one_by_one(room: Room) -> None:
    first: Deferred[None] = Deferred()
    begun = [start(room.work(0, first)), *(start(room.work(number)) for number in range(1, 5_000))]
    first.callback(None)
    assert [task.result for task in begun] == list(range(5_000))
    assert room.order == list(range(5_000))
    assert room.locks.held == 0


def test_whoever_comes_while_others_are_let_in_waits_behind_them(room: Room) -> None:
    first: Deferred[None] = Deferred()
    late: list[Deferred[int]] = []
    begun = [start(room.work(number, None if number else first)) for number in range(3)]
    begun[1].addCallback(lambda _: late.append(start(room.work(3))))
    first.callback(None)
    assert all(task.called for task in (*begun, *late))
    assert room.order == [0, 1, 2, 3]


def test_an_error_lets_the_next_one_in(room: Room) -> None:
    first: Deferred[None] = Deferred()
    failing = start(room.work(0, first, ValueError("no")))
    failing.addErrback(lambda failure: failure.trap(ValueError))
    second = start(room.work(1))
    first.callback(None)
    assert second.result == 1


def test_one_who_gives_up_is_passed_over(room: Room) -> None:
    first: Deferred[None] = Deferred()
    begun = [start(room.work(0, first)), *(start(room.work(number)) for number in range(1, 4))]
    begun[2].addErrback(lambda failure: failure.trap(CancelledError))
    begun[2].cancel()
    first.callback(None)
    assert room.order == [0, 1, 3]
    assert room.locks.held == 0


@pytest.mark.parametrize("seed", range(20))
def test_any_order_of_pauses_and_cancellations(room: Room, seed: int) -> None:
    chance = Random(seed)
    pauses: list[Deferred[None]] = []
    begun: list[Deferred[int]] = []
    for number in range(60):
        pause: Deferred[None] | None = Deferred() if chance.random() < 0.5 else None
        if pause is not None:
            pauses.append(pause)
        task = start(room.work(number, pause))
        task.addErrback(lambda failure: -1 if failure.check(CancelledError) else failure)
        begun.append(task)
        if chance.random() < 0.3:
            chance.choice(begun).cancel()
        if chance.random() < 0.4 and pauses:
            waiting = pauses.pop(chance.randrange(len(pauses)))
            if not waiting.called:
                waiting.callback(None)
    for pause in pauses:
        if not pause.called:
            pause.callback(None)
    assert [task.result for task in begun] == [number if number in room.order else -1 for number in range(60)]
    assert room.locks.held == 0
    assert sorted(room.order) == room.order
