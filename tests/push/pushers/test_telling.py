"""What a push gateway is told, when, and what happens when it does not listen."""

from pathlib import Path
from typing import Any

import pytest

from storage.database import StorageUnavailable
from storage.push.pushers import StoredPushers
from tests.push.pushers.gateway import URL
from tests.push.pushers.house import V3, House

OTHER = "https://other.example.org/_matrix/push/v1/notify"


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


def test_all_of_an_event(house: House) -> None:
    alice, bob, room = house.friends()
    house.ok(alice.put(f"{V3}/profile/@alice:test/displayname", {"displayname": "Alice A."}))
    house.wait(10)
    house.push(bob)
    event_id = house.say(alice, room, "hi", **{"m.mentions": {"user_ids": ["@bob:test"]}})
    (told,) = house.gateway.told
    (device,) = told.pop("devices")
    assert told == {
        "event_id": event_id,
        "room_id": room,
        "type": "m.room.message",
        "sender": "@alice:test",
        "sender_display_name": "Alice A.",
        "room_name": "Tea",
        "prio": "high",
        "content": {"msgtype": "m.text", "body": "hi", "m.mentions": {"user_ids": ["@bob:test"]}},
        "counts": {"unread": 1},
    }
    assert device.pop("pushkey_ts") > 0
    tweaks = {"sound": "default", "highlight": True}
    assert device == {"app_id": "org.example.app", "pushkey": "key", "data": {"custom": {"a": 1}}, "tweaks": tweaks}


def test_only_the_id(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob, data={"url": URL, "format": "event_id_only"})
    event_id = house.say(alice, room)
    (told,) = house.gateway.told
    assert {name for name in told if name != "devices"} == {"event_id", "room_id", "counts", "prio"}
    assert told["event_id"] == event_id
    assert told["devices"][0]["data"] == {"format": "event_id_only"}


def test_nobody_is_told_of_what_he_said(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.say(bob, room)
    assert house.gateway.told == []
    house.say(alice, room, "a remark", msgtype="m.notice")
    assert house.gateway.told == []
    house.say(alice, room)
    assert len(house.gateway.told) == 1


def test_an_invite(house: House) -> None:
    alice, bob = house.server.user("alice"), house.server.user("bob")
    house.push(bob)
    room = house.room(alice, name="Tea", preset="private_chat", invite=["@bob:test"])
    (told,) = house.gateway.told
    assert (told["type"], told["user_is_target"], told["room_id"], told["room_name"]) == ("m.room.member", True, room, "Tea")


def test_a_room_without_a_name_is_called_by_its_people(house: House) -> None:
    alice, bob = house.server.user("alice"), house.server.user("bob")
    house.push(bob)
    room = house.room(alice)
    house.ok(bob.post(f"{V3}/join/{room}"))
    house.say(alice, room)
    assert house.gateway.told[0]["room_name"] == "alice"


def test_only_what_comes_after_it_was_set(house: House) -> None:
    alice, bob, room = house.friends()
    house.say(alice, room)
    house.push(bob)
    event_id = house.say(alice, room)
    assert house.gateway.event_ids == [event_id]
    assert house.gateway.told[0]["counts"] == {"unread": 2}


def test_reading_is_told_once(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    first, second = house.say(alice, room), house.say(alice, room)
    house.read(bob, room, first)
    house.wait(2)
    house.read(bob, room, second)
    house.wait(2)
    assert [told["counts"]["unread"] for told in house.gateway.told] == [1, 2, 1, 0]
    assert "event_id" not in house.gateway.told[-1]
    house.read(bob, room, second)
    house.wait(2)
    assert len(house.gateway.told) == 4


def test_who_wants_no_badges(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob, data={"url": URL, "org.matrix.msc4076.disable_badge_count": True})
    house.read(bob, room, house.say(alice, room))
    house.wait(5)
    assert len(house.gateway.told) == 1
    assert "counts" not in house.gateway.told[0]


def test_what_fails_is_tried_again_in_order(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.gateway.status = 502
    sent = [house.say(alice, room) for _ in range(3)]
    asked = house.gateway.asked
    assert asked == 1  # the others wait behind it
    house.wait(60)
    assert asked < house.gateway.asked < 10
    house.gateway.status = 200
    house.wait(600)
    assert house.gateway.event_ids == sent


def test_a_database_that_is_away_for_a_moment_makes_nobody_wait_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    alice, bob, room = house.friends()
    house.push(bob)

    async def away(*_: Any) -> None:
        raise StorageUnavailable

    with monkeypatch.context() as patch:
        patch.setattr(StoredPushers, "told", away)
        sent = [house.say(alice, room)]
    sent.append(house.say(alice, room))
    house.wait(10)
    assert house.gateway.event_ids == sent


def test_pauses_grow(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.gateway.status = 0
    house.say(alice, room)
    for _ in range(12):
        house.wait(3600)
    assert 20 <= house.gateway.asked <= 70


def test_old_news_is_dropped(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.gateway.status = 500
    house.say(alice, room)
    for _ in range(26):
        house.wait(3600)
    house.gateway.status = 200
    house.wait(3600)
    assert house.gateway.told == []
    event_id = house.say(alice, room)
    assert house.gateway.event_ids == [event_id]


def test_a_rejected_key_ends(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.gateway.rejected = ["another", "key"]
    house.say(alice, room)
    assert house.pushers(bob) == []
    house.say(alice, room)
    assert house.gateway.asked == 1


def test_a_silent_gateway_delays_nobody_else(house: House) -> None:
    alice, bob, room = house.friends()
    house.gateway.silent = {"other.example.org"}
    for number in range(20):
        house.push(bob, f"silent {number}", data={"url": OTHER})
    house.push(bob, "key")
    sent = [house.say(alice, room) for _ in range(3)]
    assert house.gateway.event_ids == sent
    assert house.gateway.asked == 8 + 3
    house.server.run(house.server.server._parts.pushing.reader.stop())  # no request keeps the server from stopping


def test_what_was_redacted_meanwhile_is_not_told(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.gateway.status = 500
    first, second = house.say(alice, room, "secret"), house.say(alice, room)
    house.ok(alice.put(f"{V3}/rooms/{room}/redact/{first}/1", {}))
    house.gateway.status = 200
    house.wait(600)
    assert house.gateway.event_ids == [second]


def test_a_removed_pusher_is_told_nothing_more(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    house.gateway.status = 500
    house.say(alice, room)
    house.ok(bob.post(f"{V3}/pushers/set", {"kind": None, "app_id": "org.example.app", "pushkey": "key"}))
    house.gateway.status = 200
    house.wait(600)
    house.say(alice, room)
    assert house.gateway.told == []


def test_encrypted_messages(house: House) -> None:
    alice, bob, room = house.friends()
    house.push(bob)
    content: dict[str, Any] = {"algorithm": "m.megolm.v1.aes-sha2", "ciphertext": "x", "session_id": "s"}
    house.ok(alice.put(f"{V3}/rooms/{room}/send/m.room.encrypted/1", content))
    (told,) = house.gateway.told
    assert (told["type"], told["prio"], told["content"]) == ("m.room.encrypted", "high", content)


def test_nothing_is_read_without_pushers(house: House) -> None:
    alice, _, room = house.friends()
    house.say(alice, room)
    reader = house.server.server._parts.pushing.reader
    assert (reader.pushers, reader.waiting) == (0, 0)
    assert reader._done == house.server.server._parts.ground.streams.position
