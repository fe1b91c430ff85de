"""Searching over plain HTTP: every member of the request, every page."""

from typing import Any

from tests.clients.house import House
from tests.clients.person import Person, v3


def found(person: Person, term: str, token: str | None = None, **criteria: Any) -> dict[str, Any]:
    body = {"search_categories": {"room_events": {"search_term": term, **criteria}}}
    where = v3("search", next_batch=token) if token else v3("search")
    answer: dict[str, Any] = person.post(where, body)["search_categories"]["room_events"]
    return answer


def test_search(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(preset="public_chat", name="Searching", topic="for 検索")
    bob.join(room)
    sent = [alice.send(room, f"Message number {number} 東京都") for number in range(5)]
    first = found(
        bob,
        "message 京都",
        keys=["content.body"],
        order_by="recent",
        filter={"limit": 3, "rooms": [room]},
        event_context={"before_limit": 1, "after_limit": 1, "include_profile": True},
        include_state=True,
        groupings={"group_by": [{"key": "room_id"}, {"key": "sender"}]},
    )
    assert [item["result"]["event_id"] for item in first["results"]] == sent[:1:-1]
    assert first["count"] == 5
    assert first["highlights"] == ["message", "京都"]
    assert first["results"][1]["context"]["events_before"][0]["event_id"] == sent[2]
    assert first["results"][1]["context"]["profile_info"].keys() == {alice.user_id}
    assert {event["type"] for event in first["state"][room]} >= {"m.room.create", "m.room.member"}
    assert first["groups"]["sender"][alice.user_id]["results"] == sent[:1:-1]
    rest = found(bob, "message 京都", first["next_batch"], keys=["content.body"], order_by="recent", filter={"limit": 3, "rooms": [room]})
    assert [item["result"]["event_id"] for item in rest["results"]] == sent[1::-1]
    assert "next_batch" not in rest
    assert [item["result"]["type"] for item in found(bob, "searching")["results"]] == ["m.room.name"]
    assert [item["result"]["type"] for item in found(bob, "検", keys=["content.topic"])["results"]] == ["m.room.topic"]
    assert bob.post(v3("search"), {"search_categories": {}}) == {"search_categories": {}}


def test_what_cannot_be_searched(house: House) -> None:
    alice = house.person("alice")
    alice.refused(400, "M_MISSING_PARAM", "POST", v3("search"), {})
    alice.refused(400, "M_MISSING_PARAM", "POST", v3("search"), {"search_categories": {"room_events": {}}})
    alice.refused(400, "M_BAD_JSON", "POST", v3("search"), {"search_categories": {"room_events": {"search_term": 1}}})
    fine = {"search_categories": {"room_events": {"search_term": "x"}}}
    alice.refused(400, "M_INVALID_PARAM", "POST", v3("search", next_batch="none"), fine)
