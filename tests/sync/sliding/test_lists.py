"""Windows on lists of rooms, filters (MSC4186, "Lists", "SlidingRoomFilter")."""

from typing import Any

import pytest

from tests.support.rooms import create_room, join, member, path
from tests.sync.sliding.connection import a_list
from tests.sync.sliding.town import ALICE, BOB, Town


def windows(town: Town, *ranges: list[int], **filters: Any) -> tuple[set[str], int]:
    wanted = {"ranges": list(ranges), "timeline_limit": 0, "required_state": [], "filters": filters}
    answer = town.client("windows", lists={"list": wanted}).sync()
    return set(answer["rooms"]), answer["lists"]["list"]["count"]


def listed(town: Town, **filters: Any) -> set[str]:
    return windows(town, [0, 99], **filters)[0]


def test_ranges(town: Town) -> None:
    rooms = [town.room(str(number)) for number in range(5)]
    town.say(rooms[0])
    assert windows(town, [0, 0]) == ({rooms[0]}, 5)
    assert windows(town, [1, 2]) == ({rooms[4], rooms[3]}, 5)
    assert windows(town, [0, 0], [3, 9]) == ({rooms[0], rooms[2], rooms[1]}, 5)
    assert windows(town, [7, 9]) == (set(), 5)
    assert windows(town, [2, 1]) == (set(), 5)
    assert windows(town) == (set(), 5)
    whole = town.client("whole", lists={"list": {"timeline_limit": 1}}).sync()
    assert len(whole["rooms"]) == 5


def test_receipts_move_no_room(town: Town) -> None:
    first, second = town.room(), town.room()
    sent = town.say(first)
    town.say(second)
    town.ok(town.bob.post(path("rooms", first, "receipt", "m.read", sent)))
    assert windows(town, [0, 0])[0] == {second}


def test_invites_stand_among_the_others(town: Town) -> None:
    older, newer = town.room(), town.room()
    invited = create_room(town.server, town.bob)
    assert member(town.server, town.bob, invited, "invite", ALICE)[0] == 200
    town.say(newer)
    assert windows(town, [0, 1]) == ({newer, invited}, 3)
    assert listed(town, is_invite=True) == {invited}
    assert listed(town, is_invite=False) == {older, newer}
    town.put_data("m.ignored_user_list", {"ignored_users": {BOB: {}}})
    assert listed(town) == {older, newer}


def test_filters_by_what_rooms_are(town: Town) -> None:
    plain, space = town.room("Green tea"), town.room("Space", creation_content={"type": "m.space"})
    secret = town.room("Black TEA")
    town.put_state(secret, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert listed(town, is_encrypted=True) == {secret}
    assert listed(town, is_encrypted=False) == {plain, space}
    assert listed(town, room_types=["m.space"]) == {space}
    assert listed(town, room_types=[None]) == {plain, secret}
    assert listed(town, not_room_types=["m.space"]) == {plain, secret}
    assert listed(town, room_types=[None, "m.space"], not_room_types=[None]) == {space}
    assert listed(town, room_name_like="tea") == {plain, secret}
    town.put_state(plain, "m.room.name", {"name": "Coffee"})
    assert listed(town, room_name_like="tea") == {secret}
    town.put_state(plain, "m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert listed(town, is_encrypted=True) == {secret, plain}
    invited = create_room(town.server, town.bob, creation_content={"type": "m.space"}, name="Tea house")
    assert member(town.server, town.bob, invited, "invite", ALICE)[0] == 200
    assert listed(town, room_types=["m.space"], room_name_like="tea") == {invited}


def test_filters_by_what_rooms_are_to_the_user(town: Town) -> None:
    direct, favourite, both = town.room(), town.room(), town.room()
    town.put_data("m.direct", {BOB: [direct, both]})
    town.put_data("m.tag", {"tags": {"m.favourite": {}}}, favourite)
    town.put_data("m.tag", {"tags": {"m.favourite": {}, "m.lowpriority": {}}}, both)
    assert listed(town, is_dm=True) == {direct, both}
    assert listed(town, is_dm=False) == {favourite}
    assert listed(town, tags=["m.favourite"]) == {favourite, both}
    assert listed(town, not_tags=["m.lowpriority"]) == {direct, favourite}
    assert listed(town, tags=["m.favourite", "u.x"], not_tags=["m.lowpriority"]) == {favourite}
    assert listed(town, is_dm=True, tags=["m.favourite"]) == {both}


def test_filters_by_space(town: Town) -> None:
    space, inside, outside = (town.room(name) for name in ("Space", "Inside", "Outside"))
    town.put_state(space, "m.space.child", {"via": ["test"]}, inside)
    assert listed(town, spaces=[space]) == {inside}
    assert listed(town, spaces=[space, outside]) == {inside}
    town.put_state(space, "m.space.child", {}, inside)
    assert listed(town, spaces=[space]) == set()
    foreign = create_room(town.server, town.bob, preset="public_chat")
    town.ok(town.bob.put(path("rooms", foreign, "state", "m.space.child", outside), {"via": ["test"]}))
    assert listed(town, spaces=[foreign]) == set(), "not a space of hers"
    join(town.server, town.alice, foreign)
    assert listed(town, spaces=[foreign]) == {outside}


def test_lists_and_subscriptions_together(town: Town) -> None:
    first, second = town.room("First", topic="Tea"), town.room("Second")
    for _ in range(3):
        town.say(first)
    town.say(second)
    client = town.client(
        lists={"top": a_list(0, limit=1, required=[["m.room.name", ""]]), "all": a_list(9, limit=2, required=[["m.room.create", ""]])},
        room_subscriptions={first: {"timeline_limit": 3, "required_state": [["m.room.topic", ""]]}},
    )
    told = client.sync()
    assert told["lists"] == {"top": {"count": 2}, "all": {"count": 2}}
    shown = {room: (len(part["timeline"]), {event["type"] for event in part["required_state"]}) for room, part in told["rooms"].items()}
    assert shown == {
        first: (3, {"m.room.create", "m.room.topic"}),
        second: (2, {"m.room.name", "m.room.create"}),
    }  # fmt: skip


@pytest.mark.parametrize("part", [{"lists": {str(n): a_list() for n in range(101)}}, {"conn_id": "x" * 300}])
def test_too_much(town: Town, part: dict[str, Any]) -> None:
    status, answer = town.server.run(town.client(**part).request(None)) if "lists" in part else town.server.run(
        town.client(part["conn_id"]).request(None)
    )  # fmt: skip
    assert (status, answer["errcode"]) == (400, "M_INVALID_PARAM")
