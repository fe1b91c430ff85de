"""Sync over plain HTTP: filters, state in every form, waiting, what is told beside the timeline."""

from concurrent.futures import ThreadPoolExecutor

from tests.clients.house import House
from tests.clients.person import Person, v3


def test_increments_follow_on(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    first = bob.sync()
    assert room in first["rooms"]["invite"]
    bob.join(room)
    second = bob.sync(first["next_batch"])
    assert room in second["rooms"]["join"]
    sent = alice.send(room, "hello")
    third = bob.sync(second["next_batch"])
    assert [event["event_id"] for event in third["rooms"]["join"][room]["timeline"]["events"]] == [sent]
    assert "rooms" not in bob.sync(third["next_batch"])
    bob.post(v3("rooms", room, "leave"))
    fourth = bob.sync(third["next_batch"])
    assert room in fourth["rooms"]["leave"]
    assert room not in bob.sync().get("rooms", {}).get("leave", {})
    archive = bob.sync(filter={"room": {"include_leave": True}})
    assert room in archive["rooms"]["leave"]
    bob.refused(400, "M_INVALID_PARAM", "GET", v3("sync", since="nonsense"))
    bob.refused(400, "M_INVALID_PARAM", "GET", v3("sync", timeout="soon"))


def test_waiting_ends_with_news(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    since = bob.sync()["next_batch"]
    since = bob.sync(since)["next_batch"]
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bob.sync, since, timeout=30_000)
        sent = alice.send(room, "wake up")
        news = waiting.result()
    while room not in news.get("rooms", {}).get("join", {}):
        news = bob.sync(news["next_batch"], timeout=30_000)
    assert sent in [event["event_id"] for event in news["rooms"]["join"][room]["timeline"]["events"]]


def test_filters(house: House) -> None:
    alice = house.person("alice")
    room, other = alice.create_room(name="Room"), alice.create_room(name="Other")
    wanted = {"room": {"rooms": [room], "timeline": {"limit": 1, "types": ["m.room.*"]}, "state": {"types": []}}, "presence": {"types": []}}
    stored = alice.post(v3("user", alice.user_id, "filter"), wanted)["filter_id"]
    assert alice.get(v3("user", alice.user_id, "filter", stored)) == wanted
    for given in (stored, wanted):
        answer = alice.sync(filter=given)
        assert set(answer["rooms"]["join"]) == {room}
        assert other not in answer["rooms"]["join"]
        assert len(answer["rooms"]["join"][room]["timeline"]["events"]) == 1
        assert answer["rooms"]["join"][room]["state"]["events"] == []
        assert "presence" not in answer
    alice.refused(404, "M_NOT_FOUND", "GET", v3("user", alice.user_id, "filter", "unknown"))
    alice.refused(400, "M_BAD_JSON", "POST", v3("user", alice.user_id, "filter"), {"room": {"timeline": {"limit": -1}}})
    bob = house.person("bob")
    bob.refused(403, "M_FORBIDDEN", "GET", v3("user", alice.user_id, "filter", stored))
    bob.refused(403, "M_FORBIDDEN", "POST", v3("user", alice.user_id, "filter"), {})


def test_events_cut_to_some_fields(house: House) -> None:
    """Not recorded: such events are none to the specification's definitions."""
    alice = house.person("alice")
    room = alice.create_room(name="Room")
    unrecorded = Person(house.server.address, alice.user_id, alice.token)
    answer = unrecorded.sync(filter={"event_fields": ["type", "content.name"]})
    events = answer["rooms"]["join"][room]["timeline"]["events"]
    assert all(set(event) <= {"type", "content"} for event in events)
    assert {"type": "m.room.name", "content": {"name": "Room"}} in events


def test_state_in_every_form(house: House) -> None:
    alice = house.person("alice")
    room = alice.create_room(name="Room")
    since = alice.sync()["next_batch"]
    alice.set_state(room, "m.room.topic", {"topic": "Tea"})
    alice.send(room, "hello")
    before = alice.sync(since)["rooms"]["join"][room]
    assert before["state"]["events"] == []
    for name, key in (("use_state_after", "state_after"), ("org.matrix.msc4222.use_state_after", "org.matrix.msc4222.state_after")):
        after = alice.get(v3("sync", since=since, **{name: "true"}))["rooms"]["join"][room]
        assert "state" not in after
        assert [event["type"] for event in after[key]["events"]] == ["m.room.topic"]
    full = alice.sync(since, full_state="true")["rooms"]["join"][room]
    assert {event["type"] for event in full["state"]["events"]} >= {"m.room.create", "m.room.name"}
    federation = alice.sync(filter={"event_format": "federation"})["rooms"]["join"][room]
    assert all("hashes" in event for event in federation["timeline"]["events"])


def test_what_is_told_beside_the_timeline(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    since = alice.sync()["next_batch"]
    sent = alice.send(room, "read me")
    bob.put(v3("rooms", room, "typing", bob.user_id), {"typing": True, "timeout": 20_000})
    bob.post(v3("rooms", room, "receipt", "m.read", sent), {"thread_id": "main"})
    bob.put(v3("presence", bob.user_id, "status"), {"presence": "unavailable", "status_msg": "tea"})
    told = alice.sync(since)
    ephemeral = {event["type"]: event["content"] for event in told["rooms"]["join"][room]["ephemeral"]["events"]}
    assert ephemeral["m.typing"] == {"user_ids": [bob.user_id]}
    assert ephemeral["m.receipt"][sent]["m.read"][bob.user_id]["thread_id"] == "main"
    assert [event["content"]["status_msg"] for event in told["presence"]["events"] if event["sender"] == bob.user_id] == ["tea"]
    bob.put(v3("rooms", room, "typing", bob.user_id), {"typing": False})
    bob.refused(403, "M_FORBIDDEN", "PUT", v3("rooms", room, "typing", alice.user_id), {"typing": True})
    bob.refused(400, "M_INVALID_PARAM", "POST", v3("rooms", room, "receipt", "m.seen", sent), {})
    house.person("carol").refused(403, "M_FORBIDDEN", "POST", v3("rooms", room, "receipt", "m.read", sent), {})


def test_unread_counts(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    root = alice.send(room, "one")
    alice.send(room, {"msgtype": "m.text", "body": "you!", "m.mentions": {"user_ids": [bob.user_id]}})
    threaded = alice.send(room, {"msgtype": "m.text", "body": "x", "m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    assert bob.sync()["rooms"]["join"][room]["unread_notifications"] == {"highlight_count": 1, "notification_count": 3}
    by_thread = {"room": {"timeline": {"unread_thread_notifications": True}}}
    apart = bob.sync(filter=by_thread)["rooms"]["join"][room]
    assert apart["unread_notifications"] == {"highlight_count": 1, "notification_count": 2}
    assert apart["unread_thread_notifications"] == {root: {"highlight_count": 0, "notification_count": 1}}
    bob.post(v3("rooms", room, "receipt", "m.read.private", threaded), {"thread_id": root})
    assert "unread_thread_notifications" not in bob.sync(filter=by_thread)["rooms"]["join"][room]
    bob.post(v3("rooms", room, "read_markers"), {"m.fully_read": threaded, "m.read": threaded, "m.read.private": threaded})
    read = bob.sync()["rooms"]["join"][room]
    assert read["unread_notifications"] == {"highlight_count": 0, "notification_count": 0}
    assert {"type": "m.fully_read", "content": {"event_id": threaded}} in read["account_data"]["events"]
