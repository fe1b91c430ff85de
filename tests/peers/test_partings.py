"""The servers do not reach each other for a while: nothing is lost, and what both did meanwhile comes to one state."""

from collections.abc import Iterator
from functools import partial
from itertools import count
from threading import Event, Thread

import pytest

from tests.peers.pair import Pair
from tests.peers.person import Person, agree, until
from tests.peers.test_talking import shared

SENT = 30
AT_ONCE = 10


@pytest.fixture
def parting(pair: Pair) -> Iterator[Pair]:
    yield pair
    pair.mend()


def test_what_was_said_while_parted_arrives(parting: Pair) -> None:
    ann, ben = parting.people()
    room = shared(ann, ben)
    agree(lambda: ann.state(room), lambda: ben.state(room))  # Synapse has all of the state that it asks for after joining
    parting.part()
    for number in range(SENT):
        ann.say(room, f"ann {number}")
        ben.say(room, f"ben {number}")
    parting.mend()
    last = [ben.say(room, "ben is there"), ann.say(room, "ann is there")]
    until(lambda: all(person.event(room, said) for person in (ann, ben) for said in last))
    expected = {*(f"{name} {number}" for name in ("ann", "ben") for number in range(SENT)), "ben is there", "ann is there"}
    until(lambda: set(ann.texts(room)) == set(ben.texts(room)) == expected)
    agree(lambda: ann.state(room), lambda: ben.state(room))


def test_the_other_server_was_away(pair: Pair) -> None:
    ann, ben = pair.people()
    rooms = settled(ann, ben)
    pair.synapse.rest()
    for number in range(SENT):
        ann.say(rooms[number % 2], f"{number}")
    ann.tell(ben, "hello")
    pair.synapse.resume()
    ben.say(rooms[0], "up again")
    for parity, room in enumerate(rooms):
        expected = [str(number) for number in range(parity, SENT, 2)]
        until(partial(_has_only, ben, room, expected))
    assert ben.told(1) == ["hello"]


def settled(ann: Person, ben: Person) -> list[str]:
    """Two rooms of ann's, in which both have everything."""
    rooms = [shared(ann, ben) for _ in range(2)]
    for room in rooms:
        agree(partial(ann.state, room), partial(ben.state, room))
    return rooms


def _has_only(person: Person, room: str, texts: list[str]) -> bool:
    return [text for text in person.texts(room) if text != "up again"] == texts


def test_we_were_killed_under_traffic(pair: Pair) -> None:
    """What we acknowledged is told after the next start, and what was said meanwhile arrives."""
    ann, ben = pair.people()
    rooms = settled(ann, ben)
    expected: dict[str, set[str]] = {room: set() for room in rooms}
    over = Event()

    def speak() -> None:
        for number in count():
            room, text = rooms[number % 2], f"ben {number}"
            ben.say(room, text)
            expected[room].add(text)
            if over.wait(0.05):
                return

    speaking = Thread(target=speak)
    speaking.start()
    for start in range(2):
        for number in range(AT_ONCE):
            ann.say(rooms[number % 2], f"ann {start} {number}")
            expected[rooms[number % 2]].add(f"ann {start} {number}")
        ann.tell(ben, f"ann {start}")
        pair.server.kill()
        ben.tell(ann, f"ben {start}")
        pair.server.start()
    over.set()
    speaking.join()
    for room in rooms:
        last = ben.say(room, "ben is there")
        until(partial(ann.event, room, last))
        for person in (ann, ben):
            until(partial(_has_all, person, room, {*expected[room], "ben is there"}))
        agree(partial(ann.state, room), partial(ben.state, room))
    assert (ann.told(2), ben.told(2)) == (["ben 0", "ben 1"], ["ann 0", "ann 1"])


def _has_all(person: Person, room: str, texts: set[str]) -> bool:
    """Once each."""
    found = person.texts(room)
    return len(found) == len(texts) and set(found) == texts


@pytest.mark.parametrize("version", ["6", "10", "11", "12"])
@pytest.mark.parametrize("creator", ["ours", "theirs"])
def test_forks_come_to_one_state(parting: Pair, version: str, creator: str) -> None:
    ann, ben = parting.people()
    host, guest = (ann, ben) if creator == "ours" else (ben, ann)
    room = shared(host, guest, version)
    levels = host.content(room, "m.room.power_levels")
    host.set_state(room, "m.room.power_levels", {**levels, "users": {**levels["users"], guest.user_id: 50}, "state_default": 50})
    until(lambda: guest.content(room, "m.room.power_levels")["users"].get(guest.user_id) == 50)
    agree(lambda: ann.state(room), lambda: ben.state(room))
    third, fourth = parting.people()
    parting.part()
    third.join(room) if host is ann else fourth.join(room)
    levels = host.content(room, "m.room.power_levels")
    host.set_state(room, "m.room.topic", {"topic": "by the host"})
    guest.set_state(room, "m.room.topic", {"topic": "by the guest"})
    guest.set_state(room, "m.room.name", {"name": "by the guest"})
    host.set_state(room, "m.room.power_levels", {**levels, "users": {**levels["users"], guest.user_id: 0}})
    guest.set_state(room, "m.room.join_rules", {"join_rule": "invite"})
    guest.say(room, "guest")
    host.say(room, "host")
    parting.mend()
    guest.say(room, "guest again")
    host.say(room, "host again")
    agree(lambda: ann.state(room), lambda: ben.state(room))
    last = host.set_state(room, "m.room.topic", {"topic": "in the end"})
    until(lambda: guest.content(room, "m.room.topic") == {"topic": "in the end"})
    agree(lambda: ann.state(room), lambda: ben.state(room))
    assert ann.state_at(room, last) == ben.state_at(room, last) == ann.state(room)
