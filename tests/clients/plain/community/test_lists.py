"""What clients keep among themselves with the server's help: policy lists, packs of pictures, emoji, whom one ignores."""

from typing import Any

from tests.clients.house import House
from tests.clients.person import Person, v3

RULE = {"entity": "@spam*:bad.example", "recommendation": "m.ban", "reason": "spam"}
PACK = {"pack": {"display_name": "Cats"}, "images": {"cat": {"url": "mxc://clients.test/cat"}}}


def state_in(answer: Any, room: str) -> dict[tuple[str, str], Any]:
    joined = answer["rooms"]["join"][room]
    events = [*joined["state"]["events"], *joined["timeline"]["events"]]
    return {(event["type"], event["state_key"]): event["content"] for event in events if "state_key" in event}


def global_data(answer: Any) -> dict[str, Any]:
    return {event["type"]: event["content"] for event in answer["account_data"]["events"]}


def put(person: Person, kind: str, content: dict[str, Any]) -> None:
    person.put(v3("user", person.user_id, "account_data", kind), content)


def test_a_policy_list(house: House) -> None:
    """A room of its own type, whose rules come and go as state, and are read by whoever joined."""
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(preset="public_chat", creation_content={"type": "support.feline.policy.lists.msc.v1"})
    bob.join(room)
    since = bob.sync()["next_batch"]
    for kind in ("user", "room", "server"):
        alice.set_state(room, f"m.policy.rule.{kind}", RULE, "rule")
    assert {key for key in state_in(bob.sync(since), room) if key[1] == "rule"} == {
        (f"m.policy.rule.{kind}", "rule") for kind in ("user", "room", "server")
    }
    alice.set_state(room, "m.policy.rule.user", {}, "rule")
    assert state_in(bob.sync(), room)["m.policy.rule.user", "rule"] == {}
    assert bob.get(v3("rooms", room, "state", "m.policy.rule.server", "rule")) == RULE


def test_packs_of_pictures(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(preset="public_chat")
    alice.set_state(room, "m.room.image_pack", PACK, "cats")
    bob.join(room)
    assert state_in(bob.sync(), room)["m.room.image_pack", "cats"] == PACK
    since = bob.sync()["next_batch"]
    put(bob, "m.image_pack.rooms", {"rooms": {room: {"cats": {}}}})
    assert global_data(bob.sync(since)) == {"m.image_pack.rooms": {"rooms": {room: {"cats": {}}}}}


def test_emoji_used_of_late(house: House) -> None:
    alice = house.person("alice")
    recent = {"recent_emoji": [{"emoji": "🐈", "total": 3}, {"emoji": "👍", "total": 1}]}
    put(alice, "m.recent_emoji", recent)
    assert global_data(alice.log_in().sync())["m.recent_emoji"] == recent


def test_many_who_are_ignored(house: House) -> None:
    """As clients do that follow policy lists: neither what they say nor their invites are told, and others are not touched."""
    alice, bob, carol = house.people("alice", "bob", "carol")
    room = carol.create_room(preset="public_chat")
    for person in (alice, bob):
        person.join(room)
    others: dict[str, dict[str, str]] = {f"@spam{number}:bad.example": {} for number in range(2_000)}
    put(alice, "m.ignored_user_list", {"ignored_users": {**others, bob.user_id: {}}})
    since = alice.sync()["next_batch"]
    bob.send(room, "spam")
    bob.create_room(invite=[alice.user_id])
    carol.send(room, "hello")
    answer = alice.sync(since)
    assert [event["content"]["body"] for event in answer["rooms"]["join"][room]["timeline"]["events"]] == ["hello"]
    assert "invite" not in answer["rooms"]
