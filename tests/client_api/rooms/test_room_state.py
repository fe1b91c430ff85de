"""Reading state and members."""

from typing import Any

import pytest

from tests.client_api.rooms.talk import Talk
from tests.support.rooms import join, member, path


def test_all_of_it(talk: Talk) -> None:
    talk.state("m.room.topic", {"topic": "x"})
    events = talk.get(talk.path("state"))
    found = {(event["type"], event["state_key"]): event for event in events}
    assert len(found) == len(events)
    assert found["m.room.topic", ""]["content"] == {"topic": "x"}
    assert {("m.room.create", ""), ("m.room.member", "@alice:test"), ("m.room.member", "@bob:test")} <= set(found)
    assert all(event["room_id"] == talk.room and "event_id" in event for event in events)


def test_one_piece(talk: Talk) -> None:
    event_id = talk.state("m.room.topic", {"topic": "x", "more": {"origin_server_ts": ',"origin_server_ts":1'}})
    content = {"topic": "x", "more": {"origin_server_ts": ',"origin_server_ts":1'}}
    assert talk.get(talk.path("state", "m.room.topic")) == content
    assert talk.get(talk.path("state", "m.room.topic") + "/") == content
    assert talk.get(talk.path("state", "m.room.topic"), format="content") == content
    whole = talk.get(talk.path("state", "m.room.topic"), format="event")
    assert (whole["event_id"], whole["content"], whole["room_id"]) == (event_id, content, talk.room)
    assert talk.get(talk.path("state", "m.room.member", "@bob:test"))["membership"] == "join"
    assert talk.refusal(talk.path("state", "m.room.topic"), format="x") == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.path("state", "m.none")) == (404, "M_NOT_FOUND")
    assert talk.refusal(talk.path("state", "m.room.topic", "other")) == (404, "M_NOT_FOUND")


def test_who_left_sees_the_state_of_that_time(talk: Talk) -> None:
    talk.state("m.room.topic", {"topic": "before"})
    talk.server.ok(talk.bob.post(talk.path("leave")))
    talk.state("m.room.topic", {"topic": "after"})
    join(talk.server, talk.eve, talk.room)
    assert talk.get(talk.path("state", "m.room.topic"), talk.bob) == {"topic": "before"}
    state = {(event["type"], event["state_key"]): event["content"] for event in talk.get(talk.path("state"), talk.bob)}
    assert state["m.room.topic", ""] == {"topic": "before"}
    assert state["m.room.member", "@bob:test"]["membership"] == "leave"
    assert ("m.room.member", "@eve:test") not in state
    members = talk.get(talk.path("members"), talk.bob)["chunk"]
    assert {event["state_key"] for event in members} == {"@alice:test", "@bob:test"}


@pytest.mark.parametrize("since", [("ban",), ("ban", "unban"), ("invite", "kick")])
def test_what_comes_over_one_who_left_opens_nothing_more(talk: Talk, since: tuple[str, ...]) -> None:
    talk.state("m.room.topic", {"topic": "before"})
    talk.server.ok(talk.bob.post(talk.path("leave")))
    talk.state("m.room.topic", {"topic": "after"})
    join(talk.server, talk.eve, talk.room)
    for action in since:
        assert member(talk.server, talk.alice, talk.room, action, "@bob:test")[0] == 200
    assert talk.get(talk.path("state", "m.room.topic"), talk.bob) == {"topic": "before"}
    state = {(event["type"], event["state_key"]): event["content"] for event in talk.get(talk.path("state"), talk.bob)}
    assert state["m.room.topic", ""] == {"topic": "before"}
    assert {event["state_key"] for event in talk.get(talk.path("members"), talk.bob)["chunk"]} == {"@alice:test", "@bob:test"}


@pytest.mark.parametrize("what", ["state", "members", "joined_members", "messages", "initialSync"])
def test_strangers(talk: Talk, what: str) -> None:
    assert talk.refusal(talk.path(what), talk.eve) == (403, "M_FORBIDDEN")
    assert talk.refusal(path("rooms", "!none:test", what), talk.eve) == (403, "M_FORBIDDEN")
    assert talk.refusal(talk.path("state", "m.room.create"), talk.eve) == (403, "M_FORBIDDEN")


def test_members_of_some_kinds(talk: Talk) -> None:
    join(talk.server, talk.eve, talk.room)
    talk.server.ok(talk.bob.post(talk.path("leave")))

    def found(**query: Any) -> set[str]:
        chunk = talk.get(talk.path("members"), **query)["chunk"]
        assert all(event["type"] == "m.room.member" and event["room_id"] == talk.room for event in chunk)
        return {event["state_key"] for event in chunk}

    everyone = {"@alice:test", "@bob:test", "@eve:test"}
    assert found() == everyone
    assert found(membership="join") == {"@alice:test", "@eve:test"}
    assert found(not_membership="leave") == {"@alice:test", "@eve:test"}
    assert found(membership="leave") == {"@bob:test"}
    assert found(membership="leave", not_membership="leave") == everyone
    assert found(not_membership="join") == {"@bob:test"}
    assert talk.refusal(talk.path("members"), membership="x") == (400, "M_INVALID_PARAM")


def test_members_at_a_place(talk: Talk) -> None:
    talk.say("hello")
    token = talk.get(path("sync"))["rooms"]["join"][talk.room]["timeline"]["prev_batch"]
    now = talk.get(path("sync"))["next_batch"]
    page = talk.messages(dir="b", limit=1)["end"]
    join(talk.server, talk.eve, talk.room)
    talk.server.ok(talk.bob.post(talk.path("leave")))

    def found(at: str, **query: Any) -> set[tuple[str, str]]:
        chunk = talk.get(talk.path("members"), at=at, **query)["chunk"]
        return {(event["state_key"], event["content"]["membership"]) for event in chunk}

    both = {("@alice:test", "join"), ("@bob:test", "join")}
    assert found(now) == both
    assert found(page) == both
    assert found(token) <= both
    assert found(now, membership="join") == both
    assert found(now, membership="leave") == set()
    assert found("s0") == set()
    assert talk.refusal(talk.path("members"), at="x") == (400, "M_INVALID_PARAM")


def test_joined_members(talk: Talk) -> None:
    assert talk.get(talk.path("joined_members"))["joined"] == {
        "@alice:test": {"display_name": "alice", "avatar_url": "mxc://"},
        "@bob:test": {"display_name": "bob", "avatar_url": "mxc://"},
    }
    talk.server.ok(talk.bob.post(talk.path("leave")))
    assert talk.refusal(talk.path("joined_members"), talk.bob) == (403, "M_FORBIDDEN")
