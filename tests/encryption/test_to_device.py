"""Messages to devices: exactly once, in order, in pages, within bounds, also over a restart."""

from pathlib import Path
from typing import Any

import pytest

from homeserver.encryption.to_device.send import LIMITS
from homeserver.streams import Streams
from tests.encryption.crypto import V3, Device
from tests.encryption.house import House
from tests.support.client import run, start
from tests.support.server import make_server
from tests.support.storage import open_memory_database


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def send(house: House, sender: Device, txn: str, messages: Any, type: str = "m.test") -> None:
    house.ok(sender.client.put(f"{V3}/sendToDevice/{type}/{txn}", {"messages": messages}))


def contents(answer: dict[str, Any]) -> list[Any]:
    return [event["content"]["n"] for event in answer.get("to_device", {}).get("events", [])]


def test_a_message_is_told_until_it_is_acknowledged(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    first = house.sync(bob)["next_batch"]
    send(house, alice, "1", {bob.user_id: {"PHONE": {"n": 1}}})
    answer = house.sync(bob, first)
    assert answer["to_device"]["events"] == [{"content": {"n": 1}, "sender": alice.user_id, "type": "m.test"}]
    assert contents(house.sync(bob, first)) == [1]  # the answer was lost
    assert contents(house.sync(bob)) == [1]
    assert "to_device" not in house.sync(bob, answer["next_batch"])
    assert contents(house.sync(bob, first)) == []
    assert contents(house.sync(bob)) == []


def test_a_star_reaches_every_device_and_a_name_one(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    laptop = house.another(bob, "LAPTOP")
    send(house, alice, "1", {bob.user_id: {"*": {"n": 1}}, "@nobody:test": {"*": {"n": 0}}})
    send(house, alice, "2", {bob.user_id: {"LAPTOP": {"n": 2}, "NONE": {"n": 3}}})
    assert contents(house.sync(bob)) == [1]
    assert contents(house.sync(laptop)) == [1, 2]
    assert contents(house.sync(alice)) == []


def test_the_same_transaction_sends_once(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    alice_too = house.another(alice, "LAPTOP")
    for device in (alice, alice, alice_too):
        send(house, device, "same", {bob.user_id: {"PHONE": {"n": 1}}})
    assert contents(house.sync(bob)) == [1, 1]


def test_many_messages_come_in_pages_of_a_hundred(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    token = house.sync(bob)["next_batch"]
    for number in range(250):
        send(house, alice, str(number), {bob.user_id: {"PHONE": {"n": number}}})
    got, sizes = [], []
    for _ in range(4):
        answer = house.sync(bob, token, 1)
        again = house.sync(bob, token, 1)
        assert contents(again) == contents(answer)
        token = answer["next_batch"]
        got += contents(answer)
        sizes.append(len(contents(answer)))
    assert got == list(range(250))
    assert sizes == [100, 100, 50, 0]
    house.ok(bob.client.get(f"{V3}/rooms/{house.room(bob)}/messages", {"dir": "b", "from": "s1_x_1_1"}))


def test_a_first_sync_of_many_messages_goes_on_where_it_ended(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    for number in range(120):
        send(house, alice, str(number), {bob.user_id: {"PHONE": {"n": number}}})
    first = house.sync(bob)
    assert contents(first) + contents(house.sync(bob, first["next_batch"])) == list(range(120))


def test_a_waiting_sync_is_woken(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    laptop = house.another(bob, "LAPTOP")
    tokens = [house.sync(device)["next_batch"] for device in (bob, laptop)]
    waiting = [
        start(device.client.get(f"{V3}/sync", {"since": token, "timeout": 30_000}))
        for device, token in zip((bob, laptop), tokens, strict=True)
    ]
    send(house, alice, "1", {bob.user_id: {"PHONE": {"n": 1}}})
    house.server.clock.advance(1)
    assert [one.called for one in waiting] == [True, False]
    house.server.clock.advance(31)
    assert waiting[1].called


def test_messages_survive_a_restart_and_are_not_doubled_by_it(tmp_path: Path) -> None:
    streams = Streams()
    database = run(open_memory_database(streams))
    house = House(tmp_path, database=database, streams=streams)
    alice, bob = house.person("alice"), house.person("bob")
    for number in range(150):
        send(house, alice, str(number), {bob.user_id: {"PHONE": {"n": number}}})
    first = house.sync(bob)
    after = Streams()
    after.skip_to(streams.position)
    house.server = make_server(tmp_path, database=database, streams=streams)
    house.run, house.ok = house.server.run, house.server.ok
    for device in (alice, bob):
        device.client = house.server.client.with_token(device.client.token)
    send(house, alice, "149", {bob.user_id: {"PHONE": {"n": 149}}})
    second = house.sync(bob, first["next_batch"])
    third = house.sync(bob, second["next_batch"])
    assert contents(first) + contents(second) + contents(third) == list(range(150))


def test_a_full_device_takes_no_more_and_others_still_do(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeserver.encryption.to_device.send.LIMITS", LIMITS._replace(of_all=5, of_one_sender=3))
    alice, bob, carol = (house.person(name) for name in ("alice", "bob", "carol"))
    for number in range(3):
        send(house, alice, str(number), {bob.user_id: {"PHONE": {"n": number}}})
    status, answer = house.run(alice.client.put(f"{V3}/sendToDevice/m.test/3", {"messages": {bob.user_id: {"PHONE": {"n": 3}}}}))
    assert (status, answer["errcode"]) == (429, "M_LIMIT_EXCEEDED")
    send(house, alice, "4", {bob.user_id: {"PHONE": {"n": 4}}, carol.user_id: {"PHONE": {"n": 4}}})
    for number in (5, 6):
        send(house, carol, str(number), {bob.user_id: {"PHONE": {"n": number}}})
    assert house.run(carol.client.put(f"{V3}/sendToDevice/m.test/7", {"messages": {bob.user_id: {"*": {}}}}))[0] == 429
    assert contents(house.sync(carol)) == [4]
    answer = house.sync(bob)
    assert contents(answer) == [0, 1, 2, 5, 6]
    house.sync(bob, answer["next_batch"])
    send(house, alice, "3", {bob.user_id: {"PHONE": {"n": 3}}})  # what was refused may be sent again
    assert contents(house.sync(bob)) == [3]


@pytest.mark.parametrize(
    "body", [{}, {"messages": []}, {"messages": {"bob": {}}}, {"messages": {"@b:test": []}}, {"messages": {"@b:test": {"X": "text"}}}]
)
def test_bad_bodies_are_refused(house: House, body: dict[str, Any]) -> None:
    alice = house.person("alice")
    status, answer = house.run(alice.client.put(f"{V3}/sendToDevice/m.test/1", body))
    assert status == 400
    assert answer["errcode"] in ("M_BAD_JSON", "M_MISSING_PARAM")


def test_a_huge_message_is_refused(house: House) -> None:
    alice = house.person("alice")
    messages = {alice.user_id: {"PHONE": {"text": "x" * 70_000}}}
    assert house.run(alice.client.put(f"{V3}/sendToDevice/m.test/1", {"messages": messages}))[0] == 413


def test_messages_go_with_their_device(house: House) -> None:
    alice, bob = house.person("alice"), house.person("bob")
    laptop = house.another(bob, "LAPTOP")
    send(house, alice, "1", {bob.user_id: {"*": {"n": 1}}})
    house.ok(laptop.client.post(f"{V3}/logout"))
    assert contents(house.sync(house.another(bob, "LAPTOP"))) == []
