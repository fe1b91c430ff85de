"""Connections: tokens, lost answers, waiting, restarts (MSC4186, "Connections")."""

from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from tests.support.client import start
from tests.support.places import Failing, on_file, restarted
from tests.support.rooms import path
from tests.sync.sliding.connection import SlidingClient, a_list
from tests.sync.sliding.town import BOB, Town

UNKNOWN = (400, "M_UNKNOWN_POS")
Answers = list[Any]


def refused(client: SlidingClient, pos: str | None) -> tuple[int, str]:
    status, answer = client.server.run(client.request(pos))
    return status, answer["errcode"]


def asking(client: SlidingClient, timeout: int = 30_000, **more: Any) -> Answers:
    """A question whose answer comes when it comes."""
    answers: Answers = []
    begun: Deferred[Any] = start(client.request(client.pos, timeout, **more))
    begun.addCallback(lambda pair: answers.append(pair[1]))
    return answers


def test_a_lost_answer_is_told_again(town: Town) -> None:
    rooms = [town.room(str(number)) for number in range(3)]
    client = town.client(lists={"all": a_list(0)})
    client.sync()
    before = client.pos
    sent = town.say(rooms[2])
    lost = client.sync(lists={"all": a_list(1)})
    client.pos = before
    again = client.sync(lists={"all": a_list(1)})
    assert again["rooms"] == lost["rooms"]
    assert set(again["rooms"]) == {rooms[1], rooms[2]}
    client.pos = before
    other = client.sync(lists={"all": a_list(2)})
    assert set(other["rooms"]) == {rooms[0], rooms[1], rooms[2]}
    assert other["rooms"][rooms[2]]["timeline"][-1]["event_id"] == sent
    assert client.sync(lists={"all": a_list(2)})["rooms"] == {}
    assert refused(client, lost["pos"]) == UNKNOWN


def test_tokens_that_are_not_known(town: Town) -> None:
    town.room()
    client, other = town.client(lists={"all": a_list()}), town.client("other", lists={"all": a_list()})
    client.sync()
    other.sync()
    assert refused(client, other.pos) == UNKNOWN
    for nonsense in ("nonsense", "s1_x_0_1", "s99999_x_0_1"):
        assert refused(client, nonsense) == UNKNOWN
    old = client.pos
    client.again()
    assert refused(client, old) == UNKNOWN
    assert client.sync()["rooms"] == {}


def test_connections_know_nothing_of_each_other(town: Town) -> None:
    room = town.room()
    client, other = town.client(lists={"all": a_list()}), town.client("other", lists={"all": a_list()})
    client.sync()
    assert other.sync()["rooms"][room]["initial"]
    sent = town.say(room)
    for one in (client, other):
        assert [event["event_id"] for event in one.sync()["rooms"][room]["timeline"]] == [sent]


def test_waiting(town: Town) -> None:
    room = town.room()
    client = town.client(lists={"all": a_list()})
    client.sync()
    answers = asking(client)
    town.server.clock.advance(1)
    assert answers == []
    sent = town.say(room)
    town.server.clock.advance(1)
    assert [event["event_id"] for event in answers[0]["rooms"][room]["timeline"]] == [sent]
    client.pos = answers[0]["pos"]
    answers = asking(client, 5_000, txn_id="a")
    town.server.clock.advance(4)
    assert answers == []
    town.server.clock.advance(2)
    assert (answers[0]["rooms"], answers[0]["txn_id"]) == ({}, "a")


def test_news_elsewhere_ends_no_wait(town: Town) -> None:
    quiet, loud = town.room(), town.room()
    town.say(quiet)
    client = town.client(lists={"top": a_list(0, is_dm=True)}, room_subscriptions={quiet: {"timeline_limit": 1}})
    client.sync()
    answers = asking(client)
    missed = town.say(loud)
    town.server.clock.advance(1)
    assert answers == []
    town.put_data("m.direct", {BOB: [loud]})
    town.server.clock.advance(1)
    assert answers[0]["rooms"][loud]["timeline"][-1]["event_id"] == missed


def test_a_new_question_ends_the_one_before(town: Town) -> None:
    room, other = town.room(), town.room()
    client = town.client(lists={"all": a_list(0)})
    client.sync()
    waiting = asking(client)
    told = client.sync(lists={"all": a_list(1)})
    assert set(told["rooms"]) == {room}
    town.server.clock.advance(1)
    assert waiting[0]["rooms"] == {}
    sent = town.say(other)
    assert [event["event_id"] for event in client.sync()["rooms"][other]["timeline"]] == [sent]


def test_more_rooms_than_before_are_told_of(town: Town) -> None:
    first = town.room()
    client = town.client(lists={"all": a_list(0), "empty": a_list(0, is_dm=True)}, room_subscriptions={first: {"timeline_limit": 1}})
    client.sync()
    town.say(first)
    assert client.sync()["lists"]["all"]["count"] == 1
    answers = asking(client)
    town.room()
    town.server.clock.advance(1)
    assert answers[0]["lists"]["all"]["count"] == 2


def test_over_a_restart(tmp_path: Path) -> None:
    town = Town(on_file(tmp_path))
    rooms = [town.room(str(number)) for number in range(4)]
    client = town.client(lists={"all": a_list(1)})
    client.sync()
    unseen = town.say(rooms[0])
    before = client.pos
    client.sync()
    server = restarted(town.server, tmp_path, seed=1)
    client.server, client.client = server, server.client.with_token(town.alice.token)
    client.pos = before
    told = client.sync()["rooms"]
    assert set(told) == {rooms[0]}
    assert told[rooms[0]]["timeline"][-1]["event_id"] == unseen
    assert client.sync()["rooms"] == {}
    assert set(client.sync(lists={"all": a_list(9)})["rooms"]) == {rooms[1]}
    server.run(client.client.post(path("logout")))
    again = server.run(server.client.post(path("login"), {"type": "m.login.password", "user": "alice", "password": "secret secret"}))[1]
    client.client = server.client.with_token(again["access_token"])
    assert refused(client, client.pos) == UNKNOWN


def test_many_answers_are_kept_short(tmp_path: Path) -> None:
    """What is stored of a connection is written whole now and then."""
    town = Town(on_file(tmp_path))
    rooms = [town.room(str(number)) for number in range(3)]
    client = town.client(lists={"all": a_list(0, limit=1)})
    client.sync()
    for turn in range(150):
        town.say(rooms[turn % 3])
        client.sync()

    async def count() -> int:
        return int(await town.server.database.read(lambda cursor: cursor.value("SELECT count(*) FROM sliding_states")))

    assert town.server.run(count()) <= 52
    server = restarted(town.server, tmp_path, seed=1)
    client.server, client.client = server, server.client.with_token(town.alice.token)
    assert client.sync()["rooms"] == {}


def test_what_could_not_be_stored_is_stored_with_the_next_answer(tmp_path: Path) -> None:
    failing = Failing()
    town = Town(on_file(tmp_path, observer=failing))
    rooms = [town.room(str(number)) for number in range(4)]
    client = town.client(lists={"all": a_list(0)})
    client.sync()
    failing.next = 1
    assert set(client.sync(lists={"all": a_list(1)})["rooms"]) == {rooms[2]}
    assert failing.failed == 1
    assert set(client.sync(lists={"all": a_list(2)})["rooms"]) == {rooms[1]}
    server = restarted(town.server, tmp_path, seed=1)
    client.server, client.client = server, server.client.with_token(town.alice.token)
    assert set(client.sync(lists={"all": a_list(9)})["rooms"]) == {rooms[0]}


def test_a_crowd_of_devices(town: Town) -> None:
    """All are told of one message, from one reading of it."""
    room = town.room()
    clients = [town.client(str(number), lists={"all": a_list()}) for number in range(50)]
    for client in clients:
        client.sync()
    waiting = [asking(client) for client in clients]
    sent = town.say(room)
    town.server.clock.advance(1)
    assert [answers[0]["rooms"][room]["timeline"][0]["event_id"] for answers in waiting] == [sent] * 50
