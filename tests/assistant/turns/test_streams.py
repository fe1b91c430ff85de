"""Answers as they are written: MSC4471 where the asker's client watches, few edits for everybody else, no more for who is not there."""

from typing import Any

import pytest

from tests.assistant.homeserver import ME, Room
from tests.assistant.house import ALICE, BOB, CAROL, House
from tests.assistant.scripted_model import Say

STREAM = "org.matrix.msc4471.stream"


def streaming(house: House) -> Room:
    house.stop()
    house.hs.has_devices = True
    house.start()
    return house.room(BOB, CAROL)


def begun(house: House, room: Room, say: Say | None = None) -> dict[str, Any]:
    """The first event of an answer to Bob, which goes on until somebody ends it."""
    house.says(say or endless())
    house.hs.mention(room.id, BOB, "tell")
    house.deliver()
    house.loop.until(lambda: bool(house.texts(room)))
    return next(event for event in room.by(ME) if event["content"].get("chat.chatme.turn", {}).get("key") == "answer")


def endless() -> Say:
    return Say(pieces=["word " * 10], seconds=0.1, never_ends=True)


def end(house: House, say: Say) -> None:
    say.never_ends = False
    house.loop.until(house.built.assistant.is_idle)


def edits_in(room: Room) -> list[dict[str, Any]]:
    return [event["content"] for event in room.by(ME) if event["content"].get("m.relates_to", {}).get("rel_type") == "m.replace"]


def subscribe(house: House, room: str, event: str, user: str, device: str = "PHONE", **more: Any) -> None:
    content = {"room_id": room, "event_id": event, "device_id": device, "expiry_ms": 60_000} | more
    letter = {"type": f"{STREAM}.subscribe", "sender": user, "to_user_id": ME, "to_device_id": "CHATMESTREAM", "content": content}
    more = {"de.sorunome.msc2409.to_device": [letter]}
    house.loop.run(house.push("hs-token", None, [], **more))


def enough(house: House, room: Room) -> None:
    house.hs.say(room.id, BOB, "!ai stop")
    house.settle()


def updates(house: House, user: str, device: str = "PHONE") -> list[dict[str, Any]]:
    found = [
        messages[user][device] for kind, messages in house.hs.letters if kind == f"{STREAM}.update" and device in messages.get(user, {})
    ]
    return [each for each in found if isinstance(each, dict)]


def refusals(house: House, user: str) -> list[str]:
    return [each["code"] for kind, messages in house.hs.letters if kind == f"{STREAM}.cancel" for each in messages.get(user, {}).values()]


def read(found: list[dict[str, Any]]) -> str:
    """As a client puts it together."""
    text, last = "", 0
    for update in found:
        assert update["seq"] == last + 1
        last = update["seq"]
        text = text + update["content"]["body"] if update["op"] == "append" else update["content"]["body"]
    return text


def test_the_askers_client_is_told_and_the_room_spared(house: House) -> None:
    room, say = streaming(house), endless()
    first = begun(house, room, say)
    assert first["content"][STREAM] == {"device_id": "CHATMESTREAM", "expiry_ms": 1_800_000}
    subscribe(house, room.id, first["event_id"], BOB)
    before = len(edits_in(room))
    house.loop.until(lambda: len(updates(house, BOB)) >= 5)
    end(house, say)
    found = updates(house, BOB)
    assert found[0]["op"] == "replace"
    assert {update["op"] for update in found[1:]} == {"append"}
    assert say.said.startswith(read(found))
    edits = edits_in(room)
    assert len(edits) - before <= 2  # one may have been under way
    assert STREAM not in edits[-1]["m.new_content"]
    assert house.texts(room) == [say.said.strip()]


def test_others_may_watch_and_edits_go_on(house: House) -> None:
    room, say = streaming(house), endless()
    first = begun(house, room, say)
    subscribe(house, room.id, first["event_id"], CAROL)
    house.loop.until(lambda: bool(updates(house, CAROL)) and len(edits_in(room)) >= 2)
    end(house, say)
    edits = edits_in(room)
    assert all(STREAM in edit["m.new_content"] for edit in edits[:-1])


def test_all_of_it_again_where_a_client_lost_count(house: House) -> None:
    room, say = streaming(house), endless()
    first = begun(house, room, say)
    subscribe(house, room.id, first["event_id"], BOB)
    house.loop.until(lambda: len(updates(house, BOB)) >= 2)
    subscribe(house, room.id, first["event_id"], BOB)  # renewed: nothing is said twice
    house.loop.until(lambda: len(updates(house, BOB)) >= 3)
    subscribe(house, room.id, first["event_id"], BOB, resync=True)
    house.loop.until(lambda: [update["op"] for update in updates(house, BOB)].count("replace") >= 2)
    end(house, say)
    assert [update["op"] for update in updates(house, BOB)].count("replace") == 2
    read(updates(house, BOB))


@pytest.mark.parametrize(
    ("who", "more", "code"),
    [
        ("@stranger:test", {}, "m.forbidden"),
        (BOB, {"event_id": "$other"}, "m.unknown_stream"),
        (BOB, {"expiry_ms": "soon"}, "m.invalid_subscription"),
        (BOB, {"expiry_ms": -1}, "m.invalid_subscription"),
    ],
)
def test_who_may_not_watch(house: House, who: str, more: dict[str, Any], code: str) -> None:
    room = streaming(house)
    first = begun(house, room)
    subscribe(house, room.id, first["event_id"], who, **more)
    enough(house, room)
    assert refusals(house, who) == [code]
    assert updates(house, who) == []


def test_who_joined_later_does_not_see_the_beginning(house: House) -> None:
    house.stop()
    house.hs.has_devices = True
    house.start()
    room = house.room(BOB, visibility="joined")
    first = begun(house, room)
    house.hs.join(room.id, CAROL)
    house.hs.outbox.clear()
    subscribe(house, room.id, first["event_id"], CAROL)
    enough(house, room)
    assert refusals(house, CAROL) == ["m.forbidden"]


def test_not_more_watchers_than_it_can_bear(house: House) -> None:
    room = streaming(house)
    first = begun(house, room)
    for number in range(101):
        subscribe(house, room.id, first["event_id"], BOB, f"D{number}")
    assert refusals(house, BOB) == ["m.limit_exceeded"]
    enough(house, room)


def test_when_it_is_said_there_is_no_stream(house: House) -> None:
    room = streaming(house)
    first = begun(house, room, Say(pieces=["word " * 12] * 3, seconds=0.25))
    house.loop.until(house.built.assistant.is_idle)
    subscribe(house, room.id, first["event_id"], BOB)
    assert refusals(house, BOB) == ["m.unknown_stream"]


def test_encrypted_rooms_have_none(house: House) -> None:
    room = streaming(house)
    house.hs.put(room.id, ALICE, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"}, "")
    house.hs.outbox.clear()
    assert house.loop.run(house.built.kit.publisher.descriptor(room.id)) == {}


def test_a_homeserver_without_devices_gets_edits(house: House) -> None:
    room = house.room(BOB)
    assert STREAM not in begun(house, room)["content"]
    enough(house, room)


@pytest.mark.parametrize(
    ("presence", "grows"),
    [
        ({"presence": "offline", "last_active_ago": 60_000}, False),
        ({"presence": "offline"}, True),
        ({"presence": "online"}, True),
        (None, True),
    ],
)
def test_nothing_grows_for_who_is_not_there(house: House, presence: dict[str, Any] | None, grows: bool) -> None:
    """Asked a while ago, and gone since; a server that knows no presence says "offline" without a time."""
    room = house.room(BOB)
    if presence is not None:
        house.hs.presence[BOB] = presence
    say = endless()
    house.says(say)
    house.hs.mention(room.id, BOB, "tell")
    house.clock.ahead += 120
    house.deliver()
    house.loop.until(lambda: bool(edits_in(room)) if grows else len(say.said) > 1500)
    end(house, say)
    assert bool(edits_in(room)) is grows
    assert house.texts(room) == [say.said.strip()]


def test_who_left_is_told_no_more(house: House) -> None:
    room = streaming(house)
    first = begun(house, room)
    subscribe(house, room.id, first["event_id"], CAROL)
    house.loop.until(lambda: len(updates(house, CAROL)) >= 2)
    house.hs.leave(room.id, CAROL)
    house.deliver()
    house.loop.turn(0.1)  # what was under way
    told, letters = len(updates(house, CAROL)), len(house.hs.letters)
    subscribe(house, room.id, first["event_id"], BOB)
    house.loop.until(lambda: len(house.hs.letters) >= letters + 4)
    assert len(updates(house, CAROL)) == told
    enough(house, room)


def test_an_answer_that_was_taken_back_is_told_to_nobody(house: House) -> None:
    room = streaming(house)
    first = begun(house, room)
    subscribe(house, room.id, first["event_id"], CAROL)
    house.loop.until(lambda: len(updates(house, CAROL)) >= 2)
    house.hs.redact(room.id, BOB, next(event["event_id"] for event in room.by(BOB)))
    house.settle()
    told = len(updates(house, CAROL))
    subscribe(house, room.id, first["event_id"], CAROL, resync=True)
    house.loop.turn(0.1)
    assert len(updates(house, CAROL)) == told
    assert refusals(house, CAROL) == ["m.unknown_stream"]
