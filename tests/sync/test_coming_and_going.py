"""Sync at the edges of a membership: coming into a room, meeting others, leaving, forgetting."""

from typing import Any
from urllib.parse import quote

import orjson
import pytest

from homeserver.push.unread import UnreadCounts
from tests.support.client import Client
from tests.support.rooms import create_room, join, path
from tests.support.server import TestServer


def sync(server: TestServer, client: Client, since: str | None = None, **room_filter: Any) -> Any:
    return server.ok(client.get(path("sync"), {"since": since, "filter": orjson.dumps({"room": room_filter}).decode()}))


def say(server: TestServer, client: Client, room_id: str, text: str) -> None:
    server.clock.advance(0.01)
    server.ok(client.put(path("rooms", room_id, "send", "m.room.message", text), {"msgtype": "m.text", "body": text}))


def online(answer: Any) -> list[str]:
    return [event["sender"] for event in answer.get("presence", {}).get("events", ())]


def test_the_membership_at_each_event(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    say(server, alice, room_id, "before")
    join(server, bob, room_id)
    say(server, alice, room_id, "after")
    timeline = sync(server, bob, timeline={"limit": 3})["rooms"]["join"][room_id]["timeline"]
    assert [event["unsigned"]["membership"] for event in timeline["events"]] == ["leave", "join", "join"]


def test_a_timeline_does_not_join_on_to_what_was_known_before_coming_in(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    known = sync(server, bob)["next_batch"]
    join(server, bob, room_id)
    answer = sync(server, bob, known, timeline={"limit": 50})
    timeline = answer["rooms"]["join"][room_id]["timeline"]
    assert timeline["limited"]
    assert timeline["events"][0]["type"] == "m.room.create"
    say(server, alice, room_id, "hello")
    assert not sync(server, bob, answer["next_batch"])["rooms"]["join"][room_id]["timeline"]["limited"]
    assert not sync(server, bob, timeline={"limit": 50})["rooms"]["join"][room_id]["timeline"]["limited"]


def test_nothing_is_before_the_first_event_and_the_members_there_are_those_of_the_sync(
    server: TestServer, alice: Client, bob: Client
) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    timeline = sync(server, alice, timeline={"limit": 50})["rooms"]["join"][room_id]["timeline"]
    join(server, bob, room_id)
    back = server.ok(alice.get(path("rooms", room_id, "messages"), {"dir": "b", "from": timeline["prev_batch"]}))
    assert back["chunk"] == []
    assert "end" not in back
    chunk = server.ok(alice.get(path("rooms", room_id, "members"), {"at": timeline["prev_batch"]}))["chunk"]
    assert [event["state_key"] for event in chunk] == ["@alice:test"]


def test_a_full_timeline_leads_on_to_what_came_before(server: TestServer, alice: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    for limit in (0, 1, 5):
        timeline = sync(server, alice, timeline={"limit": limit})["rooms"]["join"][room_id]["timeline"]
        back = server.ok(alice.get(path("rooms", room_id, "messages"), {"dir": "b", "from": timeline["prev_batch"], "limit": 50}))
        assert len(timeline["events"]) == limit
        assert len(timeline["events"]) + len(back["chunk"]) == 5


def test_those_who_meet_see_each_other_online(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    of_alice = sync(server, alice)["next_batch"]
    of_bob = sync(server, bob)["next_batch"]
    of_alice = sync(server, alice, of_alice)["next_batch"]
    join(server, bob, room_id)
    first, second = sync(server, bob, of_bob), sync(server, alice, of_alice)
    assert "@alice:test" in online(first)
    assert "@bob:test" in online(second)
    assert online(sync(server, bob, first["next_batch"])) == []
    assert online(sync(server, alice, second["next_batch"])) == []


def test_a_room_that_was_forgotten_at_once_is_still_left_on_other_devices(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    known = sync(server, alice)["next_batch"]
    server.ok(alice.post(path("rooms", room_id, "leave")))
    server.ok(alice.post(path("rooms", room_id, "forget")))
    answer = sync(server, alice, known)
    assert room_id in answer["rooms"]["leave"]
    assert "rooms" not in sync(server, alice, answer["next_batch"])
    assert "rooms" not in sync(server, alice, include_leave=True)


def test_a_client_that_takes_no_state_from_timelines_is_told_of_its_bans(server: TestServer, alice: Client, bob: Client) -> None:
    """MSC4222: also of memberships that change while one is not in the room."""
    room_id = create_room(server, alice, preset="public_chat")
    join(server, bob, room_id)
    since = sync(server, bob)["next_batch"]
    for verb, membership in (("kick", "leave"), ("ban", "ban"), ("unban", "leave")):
        server.ok(alice.post(path("rooms", room_id, verb), {"user_id": "@bob:test"}))
        answer = server.ok(bob.get(path("sync"), {"since": since, "use_state_after": "true"}))
        state = answer["rooms"]["leave"][room_id]["state_after"]["events"]
        assert [(event["state_key"], event["content"]["membership"]) for event in state] == [("@bob:test", membership)]
        since = answer["next_batch"]


def test_what_was_said_before_one_left_is_told_though_counts_are_read_meanwhile(
    server: TestServer, alice: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    join(server, bob, room_id)
    since = sync(server, bob)["next_batch"]
    server.ok(bob.put(f"/_matrix/client/v3/pushrules/global/room/{quote(room_id)}", {"actions": []}))
    say(server, alice, room_id, "hello")
    read = UnreadCounts.unread_rooms

    async def read_while_he_leaves(counts: UnreadCounts, *what: Any) -> set[str]:
        monkeypatch.undo()
        server.ok(bob.post(path("rooms", room_id, "leave")))
        return await read(counts, *what)

    monkeypatch.setattr(UnreadCounts, "unread_rooms", read_while_he_leaves)
    answers = [sync(server, bob, since)]
    answers.append(sync(server, bob, answers[0]["next_batch"]))
    rooms = [kind[room_id] for answer in answers for kind in answer.get("rooms", {}).values() if room_id in kind]
    texts = [event["content"].get("body") for room in rooms for event in room["timeline"]["events"] if event["type"] == "m.room.message"]
    assert texts == ["hello"]
