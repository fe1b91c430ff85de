"""Events over plain HTTP: sending, state, paging, context, single events, relations, threads, the older ways of reading."""

import pytest

from tests.clients.house import NAME, House
from tests.clients.person import Person, v1, v3


@pytest.fixture
def talk(house: House) -> tuple[Person, Person, str]:
    """Alice and Bob in a room."""
    alice, bob = house.people("alice", "bob")
    for person in (alice, bob):
        person.put(v3("profile", person.user_id, "avatar_url"), {"avatar_url": f"mxc://{NAME}/picture"})
    room = alice.create_room(name="Kitchen", invite=[bob.user_id])
    bob.join(room)
    return alice, bob, room


def relate(event_id: str, kind: str, **more: object) -> dict[str, object]:
    return {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": kind, "event_id": event_id, **more}}


def test_sending_twice_is_sending_once(talk: tuple[Person, Person, str]) -> None:
    alice, _, room = talk
    path = v3("rooms", room, "send", "m.room.message", "same")
    first = alice.put(path, {"msgtype": "m.text", "body": "once"})
    assert alice.put(path, {"msgtype": "m.text", "body": "once"}) == first
    redact = v3("rooms", room, "redact", first["event_id"], "gone")
    assert alice.put(redact, {}) == alice.put(redact, {})


def test_what_cannot_be_sent(talk: tuple[Person, Person, str], house: House) -> None:
    alice, bob, room = talk
    stranger = house.person("carol")
    body = {"msgtype": "m.text", "body": "hello"}
    stranger.refused(403, "M_FORBIDDEN", "PUT", v3("rooms", room, "send", "m.room.message", "t"), body)
    bob.refused(403, "M_FORBIDDEN", "PUT", v3("rooms", room, "state", "m.room.name", ""), {"name": "Bob's"})
    alice.refused(413, "M_TOO_LARGE", "PUT", v3("rooms", room, "send", "m.room.message", "t1"), {"body": "x" * 70_000})
    alice.refused(400, "M_BAD_JSON", "PUT", v3("rooms", room, "send", "m.room.message", "t2"), {"weight": 1.5})
    bob.refused(404, "M_NOT_FOUND", "PUT", v3("rooms", room, "redact", "$unknown", "t3"), {})
    twice = relate(alice.send(room, "like me"), "m.annotation", key="👍")
    alice.send(room, twice, "m.reaction")
    alice.refused(400, "M_DUPLICATE_ANNOTATION", "PUT", v3("rooms", room, "send", "m.reaction", "once more"), twice)


def test_state(talk: tuple[Person, Person, str], house: House) -> None:
    alice, bob, room = talk
    sent = alice.set_state(room, "m.room.topic", {"topic": "Tea"})
    assert alice.set_state(room, "m.room.topic", {"topic": "Tea"}) == sent
    assert bob.get(v3("rooms", room, "state", "m.room.topic")) == {"topic": "Tea"}
    whole = bob.get(v3("rooms", room, "state", "m.room.topic", "", format="event"))
    assert (whole["event_id"], whole["sender"], whole["content"]) == (sent, alice.user_id, {"topic": "Tea"})
    alice.put(v3("rooms", room, "state", "org.example.colour"), {"colour": "red"})
    alice.set_state(room, "org.example.colour", {"colour": "blue"}, "wall/left")
    assert bob.get(v3("rooms", room, "state", "org.example.colour", "wall/left")) == {"colour": "blue"}
    state = bob.get(v3("rooms", room, "state"))
    assert {event["type"] for event in state} >= {"m.room.create", "m.room.member", "m.room.topic", "org.example.colour"}
    bob.refused(404, "M_NOT_FOUND", "GET", v3("rooms", room, "state", "m.room.avatar"))
    house.person("carol").refused(403, "M_FORBIDDEN", "GET", v3("rooms", room, "state"))
    alice.refused(403, "M_FORBIDDEN", "PUT", v3("rooms", room, "state", "org.example.own", bob.user_id), {})


def test_paging(talk: tuple[Person, Person, str], house: House) -> None:
    alice, bob, room = talk
    sent = [alice.send(room, f"message {number}") for number in range(25)]
    seen: list[str] = []
    start: dict[str, str] = {}
    while True:
        page = bob.get(v3("rooms", room, "messages", dir="b", limit=7, **start))
        seen += [event["event_id"] for event in page["chunk"]]
        if "end" not in page:
            break
        start = {"from": page["end"]}
    assert [event for event in reversed(seen) if event in sent] == sent
    assert len(seen) == len(set(seen))
    forward = bob.get(v3("rooms", room, "messages", dir="f", limit=100))
    assert [event["event_id"] for event in forward["chunk"]] == seen[::-1]
    wanted = '{"types":["m.room.name"],"lazy_load_members":true}'
    filtered = bob.get(v3("rooms", room, "messages", dir="b", filter=wanted))
    assert [event["type"] for event in filtered["chunk"]] == ["m.room.name"]
    since = bob.sync(filter={"room": {"timeline": {"limit": 2}}})["rooms"]["join"][room]["timeline"]
    assert since["limited"]
    gap = bob.get(v3("rooms", room, "messages", dir="b", limit=3, **{"from": since["prev_batch"]}))
    assert [event["event_id"] for event in gap["chunk"]] == sent[-3:-6:-1]
    bob.refused(400, "M_INVALID_PARAM", "GET", v3("rooms", room, "messages", dir="up"))
    bob.refused(400, "M_INVALID_PARAM", "GET", v3("rooms", room, "messages", dir="b", **{"from": "nonsense"}))
    house.person("carol").refused(403, "M_FORBIDDEN", "GET", v3("rooms", room, "messages", dir="b"))


def test_single_events(talk: tuple[Person, Person, str], house: House) -> None:
    alice, bob, room = talk
    sent = [alice.send(room, f"message {number}") for number in range(9)]
    middle = bob.get(v3("rooms", room, "event", sent[4]))
    assert (middle["event_id"], middle["room_id"]) == (sent[4], room)
    assert bob.get(v3("events", sent[4]))["event_id"] == sent[4]
    around = bob.get(v3("rooms", room, "context", sent[4], limit=4))
    assert [event["event_id"] for event in around["events_before"]] == [sent[3], sent[2]]
    assert [event["event_id"] for event in around["events_after"]] == [sent[5], sent[6]]
    assert around["event"]["event_id"] == sent[4]
    assert {event["type"] for event in around["state"]} >= {"m.room.create", "m.room.member"}
    nearest = bob.get(v1("rooms", room, "timestamp_to_event", ts=middle["origin_server_ts"], dir="f"))
    assert nearest["origin_server_ts"] == middle["origin_server_ts"]
    first = bob.get(v1("rooms", room, "timestamp_to_event", ts=0, dir="f"))
    assert bob.get(v3("rooms", room, "event", first["event_id"]))["type"] == "m.room.create"
    bob.refused(404, "M_NOT_FOUND", "GET", v1("rooms", room, "timestamp_to_event", ts=0, dir="b"))
    carol = house.person("carol")
    for path in (v3("rooms", room, "event", sent[4]), v3("events", sent[4]), v3("rooms", room, "context", sent[4])):
        assert carol.exchange("GET", path)[0] in (403, 404)
    bob.refused(404, "M_NOT_FOUND", "GET", v3("rooms", room, "event", "$unknown"))


def test_members(talk: tuple[Person, Person, str], house: House) -> None:
    alice, bob, room = talk
    before = alice.sync()["rooms"]["join"][room]["timeline"]["prev_batch"]
    carol = house.person("carol")
    alice.post(v3("rooms", room, "invite"), {"user_id": carol.user_id})
    bob.put(v3("profile", bob.user_id, "displayname"), {"displayname": "Robert"})
    everybody = {event["state_key"] for event in alice.get(v3("rooms", room, "members"))["chunk"]}
    assert everybody == {alice.user_id, bob.user_id, carol.user_id}
    invited = alice.get(v3("rooms", room, "members", membership="invite"))["chunk"]
    assert [event["state_key"] for event in invited] == [carol.user_id]
    assert len(alice.get(v3("rooms", room, "members", not_membership="invite"))["chunk"]) == 2
    assert carol.user_id not in {event["state_key"] for event in alice.get(v3("rooms", room, "members", at=before))["chunk"]}
    assert set(alice.get(v3("rooms", room, "joined_members"))["joined"]) == {alice.user_id, bob.user_id}
    carol.refused(403, "M_FORBIDDEN", "GET", v3("rooms", room, "members"))
    carol.refused(403, "M_FORBIDDEN", "GET", v3("rooms", room, "joined_members"))


def test_relations_and_threads(talk: tuple[Person, Person, str], house: House) -> None:
    alice, bob, room = talk
    root = alice.send(room, "a question")
    replies = [bob.send(room, relate(root, "m.thread")) for _ in range(3)]
    reaction = bob.send(room, relate(root, "m.annotation", key="👍"), "m.reaction")
    edit = alice.send(room, relate(root, "m.replace") | {"m.new_content": {"msgtype": "m.text", "body": "better"}})
    everything = [event["event_id"] for event in bob.get(v1("rooms", room, "relations", root))["chunk"]]
    assert everything == [edit, reaction, *replies[::-1]]
    assert [e["event_id"] for e in bob.get(v1("rooms", room, "relations", root, "m.thread", dir="f"))["chunk"]] == replies
    typed = bob.get(v1("rooms", room, "relations", root, "m.annotation", "m.reaction"))
    assert [event["event_id"] for event in typed["chunk"]] == [reaction]
    page = bob.get(v1("rooms", room, "relations", root, "m.thread", limit=2))
    rest = bob.get(v1("rooms", room, "relations", root, "m.thread", limit=2, **{"from": page["next_batch"]}))
    assert [event["event_id"] for event in page["chunk"] + rest["chunk"]] == replies[::-1]
    assert len(bob.get(v1("rooms", room, "relations", replies[0], recurse="true"))["chunk"]) == 0
    [thread] = alice.get(v1("rooms", room, "threads"))["chunk"]
    assert thread["event_id"] == root
    assert thread["unsigned"]["m.relations"]["m.thread"]["count"] == 3
    assert thread["unsigned"]["m.relations"]["m.thread"]["current_user_participated"] is True
    assert thread["content"]["body"] == "better" or thread["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit
    alice.refused(400, "M_INVALID_PARAM", "GET", v1("rooms", room, "threads", include="none"))
    carol = house.person("carol")
    assert carol.exchange("GET", v1("rooms", room, "relations", root))[0] in (403, 404)
    carol.refused(403, "M_FORBIDDEN", "GET", v1("rooms", room, "threads"))


def test_older_ways_of_reading(talk: tuple[Person, Person, str]) -> None:
    alice, bob, room = talk
    sent = alice.send(room, "hello")
    one = bob.get(v3("rooms", room, "initialSync", limit=5))
    assert one["membership"] == "join"
    assert sent in [event["event_id"] for event in one["messages"]["chunk"]]
    whole = bob.get(v3("initialSync", limit=2))
    assert [found["room_id"] for found in whole["rooms"]] == [room]
    later = alice.send(room, "again")
    stream = bob.get(v3("events", timeout=0, **{"from": whole["end"]}))
    assert later in [event.get("event_id") for event in stream["chunk"]]


def test_peeking(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    visibility = {"type": "m.room.history_visibility", "content": {"history_visibility": "world_readable"}}
    room = alice.create_room(preset="public_chat", initial_state=[visibility])
    sent = alice.send(room, "for all to read")
    snapshot = bob.get(v3("rooms", room, "initialSync"))
    assert sent in [event["event_id"] for event in snapshot["messages"]["chunk"]]
    later = alice.send(room, "more")
    stream = bob.get(v3("events", room_id=room, timeout=10_000, **{"from": snapshot["messages"]["end"]}))
    assert later in [event.get("event_id") for event in stream["chunk"]]
    assert bob.get(v3("rooms", room, "state"))
    assert bob.get(v3("rooms", room, "messages", dir="b"))["chunk"]
