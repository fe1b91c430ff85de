"""Sliding sync over plain HTTP, as the newest clients ask: one connection for the room list, one for encryption (MSC4186)."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.clients.house import House
from tests.clients.person import Person, path, v3

REQUIRED = [
    ["m.room.name", ""], ["m.room.encryption", ""], ["m.room.member", "$LAZY"], ["m.room.member", "$ME"], ["m.room.topic", ""],
    ["m.room.avatar", ""], ["m.room.canonical_alias", ""], ["m.room.power_levels", ""], ["org.matrix.msc3401.call.member", "*"],
    ["m.room.join_rules", ""], ["m.room.tombstone", ""], ["m.room.create", ""], ["m.room.history_visibility", ""],
    ["io.element.functional_members", ""], ["m.space.parent", "*"], ["m.space.child", "*"], ["org.matrix.msc3672.beacon_info", "*"],
]  # fmt: skip
ROOM_LIST = {"account_data": {"enabled": True}, "receipts": {"enabled": True, "rooms": ["*"]}, "typing": {"enabled": True}}


class Connection:
    """Remembers its token."""

    def __init__(self, person: Person, conn_id: str) -> None:
        self.person = person
        self.conn_id = conn_id
        self.pos = ""

    def sync(self, timeout: int = 0, **body: Any) -> Any:
        query = {"timeout": timeout, **({"pos": self.pos} if self.pos else {})}
        answer = self.person.post(sliding(**query), {"conn_id": self.conn_id, **body})
        self.pos = answer["pos"]
        return answer


def sliding(**query: Any) -> str:
    return path("/_matrix/client/unstable/org.matrix.simplified_msc3575", "sync", **query)


def all_rooms(last: int) -> Any:
    return {
        "all_rooms": {"ranges": [[0, last]], "timeline_limit": 1, "required_state": REQUIRED, "filters": {"not_room_types": ["m.space"]}}
    }


def test_a_room_list(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    rooms = [alice.create_room(name=f"Room {number}") for number in range(4)]
    alice.create_room(creation_content={"type": "m.space"}, name="Space")
    talk = alice.create_room(invite=[bob.user_id])
    bob.join(talk)
    alice.put(v3("user", alice.user_id, "account_data", "m.direct"), {bob.user_id: [talk]})
    sent = bob.send(talk, "hello")
    rooms_of = Connection(alice, "room-list")
    assert alice.get("/_matrix/client/versions")["unstable_features"]["org.matrix.simplified_msc3575"] is True

    first = rooms_of.sync(lists=all_rooms(1), extensions=ROOM_LIST)
    assert first["lists"]["all_rooms"]["count"] == 5
    assert set(first["rooms"]) == {talk, rooms[3]}
    told = first["rooms"][talk]
    assert (told["initial"], told["is_dm"], told["joined_count"], told["limited"]) == (True, True, 2, True)
    assert [hero["user_id"] for hero in told["heroes"]] == [bob.user_id]
    assert [event["event_id"] for event in told["timeline"]] == [sent]
    members = {event["state_key"] for event in told["required_state"] if event["type"] == "m.room.member"}
    assert members == {alice.user_id, bob.user_id}
    assert "m.direct" in {event["type"] for event in first["extensions"]["account_data"]["global"]}
    assert first["rooms"][rooms[3]]["name"] == "Room 3"

    second = rooms_of.sync(lists=all_rooms(99), extensions=ROOM_LIST)
    assert set(second["rooms"]) == set(rooms[:3])
    assert rooms_of.sync(lists=all_rooms(99), extensions=ROOM_LIST)["rooms"] == {}

    opened = {talk: {"timeline_limit": 20, "required_state": [*REQUIRED, ["m.room.pinned_events", ""]]}}
    third = rooms_of.sync(lists=all_rooms(99), room_subscriptions=opened, extensions=ROOM_LIST)["rooms"][talk]
    assert third["unstable_expanded_timeline"] is True
    assert len(third["timeline"]) > 5
    older = alice.get(v3("rooms", talk, "messages", dir="b", limit=1, **{"from": third["prev_batch"]}))
    assert older["chunk"] == []


def test_news_of_rooms(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id], name="Before")
    rooms_of = Connection(bob, "room-list")
    invite = rooms_of.sync(lists=all_rooms(19), extensions=ROOM_LIST)["rooms"][room]
    assert {event["type"] for event in invite["invite_state"]} >= {"m.room.create", "m.room.name", "m.room.member"}
    bob.join(room)
    joined = rooms_of.sync(lists=all_rooms(19), extensions=ROOM_LIST)["rooms"][room]
    assert joined["initial"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(rooms_of.sync, 30_000, lists=all_rooms(19), extensions=ROOM_LIST, txn_id="t1")
        sent = alice.send(room, {"msgtype": "m.text", "body": "you", "m.mentions": {"user_ids": [bob.user_id]}})
        news = waiting.result()
    told = news["rooms"][room]
    assert news["txn_id"] == "t1"
    assert [event["event_id"] for event in told["timeline"]] == [sent]
    assert (told["num_live"], told["notification_count"], told["highlight_count"]) == (1, 1, 1)
    alice.set_state(room, "m.room.name", {"name": "After"})
    alice.put(v3("rooms", room, "typing", alice.user_id), {"typing": True, "timeout": 20_000})
    alice.post(v3("rooms", room, "receipt", "m.read", sent))
    bob.put(v3("user", bob.user_id, "rooms", room, "tags", "m.favourite"), {"order": 0.5})
    news = rooms_of.sync(lists=all_rooms(19), extensions=ROOM_LIST)
    assert news["rooms"][room]["name"] == "After"
    extensions = news["extensions"]
    assert extensions["typing"]["rooms"][room]["content"] == {"user_ids": [alice.user_id]}
    assert alice.user_id in extensions["receipts"]["rooms"][room]["content"][sent]["m.read"]
    assert [event["type"] for event in extensions["account_data"]["rooms"][room]] == ["m.tag"]
    bob.post(v3("rooms", room, "leave"))
    left = rooms_of.sync(lists=all_rooms(19), extensions=ROOM_LIST)["rooms"][room]
    assert left["membership"] == "leave"


def test_encryption(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    encryption = Connection(bob, "encryption")
    wanted: dict[str, dict[str, Any]] = {"to_device": {"enabled": True}, "e2ee": {"enabled": True}}
    first = encryption.sync(extensions=wanted)["extensions"]
    assert first["e2ee"]["device_one_time_keys_count"] == {"signed_curve25519": 0}
    assert first["e2ee"]["device_unused_fallback_key_types"] == []
    since = first["to_device"]["next_batch"]
    for number in range(3):
        content = {bob.user_id: {bob.device_id: {"number": number}}}
        alice.put(v3("sendToDevice", "org.example.letter", f"letter-{number}"), {"messages": content})
    wanted["to_device"] = {"enabled": True, "since": since, "limit": 2}
    second = encryption.sync(extensions=wanted)["extensions"]["to_device"]
    assert [event["content"]["number"] for event in second["events"]] == [0, 1]
    again = encryption.sync(extensions=wanted)["extensions"]["to_device"]
    assert again["events"] == second["events"]
    wanted["to_device"]["since"] = again["next_batch"]
    third = encryption.sync(extensions=wanted)["extensions"]["to_device"]
    assert [event["content"]["number"] for event in third["events"]] == [2]
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    wanted["to_device"]["since"] = third["next_batch"]
    lists = encryption.sync(extensions=wanted)["extensions"]["e2ee"]["device_lists"]
    assert alice.user_id in lists["changed"]


def test_connections_that_are_not_known(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    mine = Connection(alice, "mine")
    mine.sync(lists=all_rooms(1))
    first = mine.pos
    alice.create_room()
    mine.sync(lists=all_rooms(1))
    mine.sync(lists=all_rooms(1))
    body = {"conn_id": "mine", "lists": all_rooms(1)}
    alice.refused(400, "M_UNKNOWN_POS", "POST", sliding(pos=first), body)
    alice.refused(400, "M_UNKNOWN_POS", "POST", sliding(pos=mine.pos), {**body, "conn_id": "other"})
    bob.refused(400, "M_UNKNOWN_POS", "POST", sliding(pos=mine.pos), body)
    alice.refused(400, "M_UNKNOWN_POS", "POST", sliding(pos="nonsense"), body)
    alice.refused(400, "M_INVALID_PARAM", "POST", sliding(), {"lists": {"a": {"ranges": [[0]]}}})
    alice.refused(400, "M_BAD_JSON", "POST", sliding(), {"lists": {"a": {"ranges": "all"}}})
    alice.refused(400, "M_INVALID_PARAM", "POST", sliding(), {"extensions": {"to_device": {"enabled": True, "since": "x"}}})


def test_threads(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    root = alice.send(room, "root")
    rooms_of = Connection(bob, "room-list")
    wanted = {"io.element.msc4360.threads": {"enabled": True, "include_roots": True}}
    rooms_of.sync(lists=all_rooms(19), extensions=wanted)
    alice.send(room, {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    told = rooms_of.sync(lists=all_rooms(19), extensions=wanted)["extensions"]["io.element.msc4360.threads"]
    assert told["updates"][room][root]["thread_root"]["event_id"] == root
    page = bob.get(path("/_matrix/client/unstable/io.element.msc4360", "thread_updates", dir="b"))
    assert set(page["chunk"][room]) == {root}
