"""Messages of a user who was erased: whole for whoever was there, emptied for whoever comes later, on this server and on others (client-server API,
"Account deactivation")."""

from typing import Any

from federation.client import v1
from homeserver.wiring.parts import Parts
from tests.federation.support.asking import ask
from tests.federation.support.shared import enter
from tests.federation.support.sharing import say
from tests.federation.support.town import Town
from tests.support.client import Client, run
from tests.support.rooms import V3, create_room, path

ALICE = "@alice:a.test"
SECRET = "what alice said"


def erase(town: Town) -> None:
    parts: Parts = town["a.test"].parts
    town["a.test"].run(parts.people.deactivation.deactivate(ALICE, erase=True))
    town.settle(2)


def told(town: Town, client: Client, room_id: str, server: str = "a.test") -> list[Any]:
    """Alice's messages, by every way to page, look up and find."""
    a = town[server]
    page = a.ok(client.get(path("rooms", room_id, "messages"), {"dir": "b", "limit": "100"}))["chunk"]
    said = [event for event in page if event["sender"] == ALICE and event["type"] == "m.room.message"]
    single = [a.ok(client.get(path("rooms", room_id, "event", event["event_id"]))) for event in said]
    around = [a.ok(client.get(path("rooms", room_id, "context", event["event_id"])))["event"] for event in said]
    synced = a.ok(client.get(V3 + "/sync", {"timeout": "0"}))["rooms"]["join"][room_id]["timeline"]["events"]
    seen = [event for event in synced if event["event_id"] in {event["event_id"] for event in said}]
    return [event["content"] for event in (*said, *single, *around, *seen)]


def found(town: Town, client: Client) -> int:
    criteria = {"search_categories": {"room_events": {"search_term": "alice said"}}}
    return int(town["a.test"].ok(client.post(V3 + "/search", criteria))["search_categories"]["room_events"]["count"])


def test_who_comes_later_reads_nothing(town: Town) -> None:
    alice, carol, early, late = (town.user("a.test", name) for name in ("alice", "carol", "early", "late"))
    bob = town.user("b.test", "bob")
    room_id = create_room(town["a.test"], carol, preset="public_chat", name="The room")
    town["a.test"].ok(alice.post(path("join", room_id)))
    town["a.test"].ok(alice.put(path("rooms", room_id, "state", "m.room.member", ALICE), {"membership": "join", "displayname": "Alice"}))
    event_id = say(town, alice, room_id, SECRET)
    town["a.test"].ok(early.post(path("join", room_id)))
    town.settle(2)
    erase(town)
    town["a.test"].ok(late.post(path("join", room_id)))
    enter(town, "b.test", bob, room_id)
    town.settle(60, step=1)
    content = {"msgtype": "m.text", "body": SECRET}
    for client in (carol, early):
        contents = told(town, client, room_id)
        assert len(contents) >= 3
        assert all(one == content for one in contents)
        assert found(town, client) == 1
    for contents in (told(town, late, room_id), told(town, bob, room_id, "b.test")):
        assert len(contents) >= 3
        assert all(one == {} for one in contents)
    assert found(town, late) == 0
    status, answer = ask(town, v1("event", event_id))
    assert (status, answer["pdus"][0]["content"]) == (200, {})


def test_it_holds_after_a_restart(town: Town) -> None:
    alice, carol, late = (town.user("a.test", name) for name in ("alice", "carol", "late"))
    room_id = create_room(town["a.test"], carol, preset="public_chat")
    town["a.test"].ok(alice.post(path("join", room_id)))
    say(town, alice, room_id, SECRET)
    erase(town)
    parts: Parts = town["a.test"].parts
    parts.rooms.erased.replace({})
    run(parts.people.deactivation.resume(), town.clock)
    town["a.test"].ok(late.post(path("join", room_id)))
    contents = told(town, late, room_id)
    assert contents
    assert all(content == {} for content in contents)


def test_a_server_that_was_there_may_ask_for_what_it_missed(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room_id = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room_id)
    town.settle(2)
    event_id = say(town, alice, room_id, SECRET)
    erase(town)
    status, answer = ask(town, v1("event", event_id))
    assert (status, answer["pdus"][0]["content"]["body"]) == (200, SECRET)
