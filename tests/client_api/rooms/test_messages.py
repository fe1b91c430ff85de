"""Paging through history."""

from typing import Any

import orjson
import pytest

from tests.client_api.rooms.talk import Talk, bodies, ids
from tests.support.rooms import create_room, join, member, path


def texts(count: int) -> list[str]:
    return [f"m{number}" for number in range(count)]


def test_back_and_forth(talk: Talk) -> None:
    for text in texts(25):
        talk.say(text)
    back = talk.all_messages(dir="b")
    assert bodies(back) == texts(25)[::-1]
    assert back[-1]["type"] == "m.room.create"
    forth = talk.all_messages(dir="f", limit=7)
    assert ids(forth) == ids(back)[::-1]
    assert all(event["room_id"] == talk.room for event in back)


def test_tokens_go_both_ways(talk: Talk) -> None:
    for text in texts(10):
        talk.say(text)
    first = talk.messages(dir="b", limit=4)
    assert bodies(first["chunk"]) == ["m9", "m8", "m7", "m6"]
    second = talk.messages(dir="b", limit=2, from_=first["end"])
    assert second["start"] == first["end"]
    assert bodies(second["chunk"]) == ["m5", "m4"]
    again = talk.messages(dir="f", limit=2, from_=second["end"])
    assert bodies(again["chunk"]) == ["m4", "m5"]
    assert bodies(talk.messages(dir="f", limit=100, from_=first["end"])["chunk"]) == ["m6", "m7", "m8", "m9"]
    between = talk.messages(dir="b", limit=100, from_=first["end"], to=second["end"])
    assert bodies(between["chunk"]) == ["m5", "m4"]
    assert "end" not in between


def test_tokens_of_sync(talk: Talk) -> None:
    for text in texts(10):
        talk.say(text)
    answer = talk.get(path("sync"), filter='{"room":{"timeline":{"limit":3}}}')
    timeline = answer["rooms"]["join"][talk.room]["timeline"]
    assert bodies(timeline["events"]) == ["m7", "m8", "m9"]
    assert bodies(talk.messages(dir="b", limit=3, from_=timeline["prev_batch"])["chunk"]) == ["m6", "m5", "m4"]
    for text in ("x", "y"):
        talk.say(text)
    later = talk.messages(dir="f", from_=answer["next_batch"])
    assert bodies(later["chunk"]) == ["x", "y"]
    assert "end" not in later
    upto = talk.get(path("sync"))["next_batch"]
    talk.say("z")
    assert bodies(talk.messages(dir="f", from_=answer["next_batch"], to=upto)["chunk"]) == ["x", "y"]
    assert bodies(talk.all_messages(dir="b", from_=answer["next_batch"])) == texts(10)[::-1]


@pytest.mark.parametrize("token", ["x", "t1", "t1_", "t1_2_3", "s", "sx", "t1_x", "t99999999999999999999_1", "s1_é_2", "t" + "1" * 200])
def test_tokens_that_are_none(talk: Talk, token: str) -> None:
    assert talk.refusal(talk.path("messages"), dir="b", from_=token) == (400, "M_INVALID_PARAM")


def test_bad_questions(talk: Talk) -> None:
    assert talk.refusal(talk.path("messages"), dir="x") == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.path("messages"), dir="b", limit="many") == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.path("messages"), dir="b", filter="{") == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.path("messages"), dir="b", filter='{"types":1}') == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.path("messages"), talk.eve, dir="b") == (403, "M_FORBIDDEN")
    assert talk.refusal(path("rooms", "!none:test", "messages"), dir="b") == (403, "M_FORBIDDEN")


def test_filters(talk: Talk) -> None:
    message = talk.say("one")
    talk.say("two", talk.bob)
    talk.say("picture", url="mxc://test/1")
    talk.send("m.other", {"body": "other"})
    talk.relate(message, "org.example", "child", talk.bob)

    def found(**wanted: Any) -> list[str]:
        return bodies(talk.all_messages(dir="f", limit=2, filter=orjson.dumps(wanted).decode()))

    assert found(types=["m.room.message"]) == ["one", "two", "picture", "child"]
    assert found(senders=["@bob:test"]) == ["two", "child"]
    assert found(not_senders=["@bob:test"], types=["m.room.*"]) == ["one", "picture"]
    assert found(contains_url=True) == ["picture"]
    assert found(types=["m.room.message"], contains_url=False) == ["one", "two", "child"]
    assert found(related_by_rel_types=["org.example"]) == ["one"]
    assert found(related_by_senders=["@bob:test"]) == ["one"]
    assert found(related_by_senders=["@alice:test"]) == []
    assert found(related_by_rel_types=[]) == []
    assert found(**{"org.matrix.msc3874.rel_types": ["org.example"]}) == ["child"]
    assert found(types=["m.room.message"], **{"org.matrix.msc3874.not_rel_types": ["org.example"]}) == ["one", "two", "picture"]
    assert found(rooms=["!other:test"]) == []
    assert bodies(talk.messages(dir="b", limit=10, filter='{"limit":2}')["chunk"]) == ["child"]


def test_pages_are_filled_past_what_is_not_wanted(talk: Talk) -> None:
    talk.say("old")
    for number in range(120):
        talk.send("m.noise", {"number": number})
    talk.say("new")
    page = talk.messages(dir="b", limit=10, filter='{"types":["m.room.message"]}')
    assert bodies(page["chunk"]) == ["new", "old"]
    # What is beyond the page is not wanted, but may be asked for.
    rest = talk.messages(dir="b", limit=10, filter='{"types":["m.room.message"]}', **{"from": page["end"]})
    assert rest["chunk"] == []
    assert "end" not in rest
    assert talk.messages(dir="b", limit=100, **{"from": page["end"]})["chunk"][-1]["type"] == "m.room.create"


def test_work_is_bounded_and_goes_on(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeserver.rooms.reading.fill.MAX_READ", 30)
    talk.say("old")
    for number in range(200):
        talk.send("m.noise", {"number": number})
    first = talk.messages(dir="b", limit=5, filter='{"types":["m.room.message"]}')
    assert first["chunk"] == []
    assert bodies(talk.all_messages(dir="b", limit=5, filter='{"types":["m.room.message"]}')) == ["old"]


def test_lazily_loaded_members(talk: Talk) -> None:
    join(talk.server, talk.eve, talk.room)
    talk.say("one", talk.bob)
    talk.say("two", talk.bob)
    page = talk.messages(dir="b", limit=2, filter='{"lazy_load_members":true}')
    assert [(event["type"], event["state_key"]) for event in page["state"]] == [("m.room.member", "@bob:test")]
    assert "state" not in talk.messages(dir="b", limit=2)


def test_ignored_users_are_silent_but_for_state(talk: Talk) -> None:
    talk.say("from bob", talk.bob)
    talk.say("from alice")
    talk.ignore(talk.alice, "@alice:test", "@bob:test")
    events = talk.all_messages(dir="b", limit=3)
    assert bodies(events) == ["from alice"]
    assert any(event["type"] == "m.room.member" and event["sender"] == "@bob:test" for event in events)


def test_somebody_who_left_reads_up_to_that(talk: Talk) -> None:
    talk.say("before")
    talk.server.ok(talk.bob.post(talk.path("leave")))
    for text in texts(50):
        talk.say(text)
    page = talk.messages(talk.bob, dir="b", limit=2)
    assert [event["type"] for event in page["chunk"]] == ["m.room.member", "m.room.message"]
    assert bodies(page["chunk"]) == ["before"]
    everything = talk.all_messages(talk.bob, dir="f", limit=3)
    assert bodies(everything) == ["before"]
    assert everything[-1]["content"]["membership"] == "leave"


def test_who_came_late_reads_what_is_shared(talk: Talk) -> None:
    for text in texts(12):
        talk.say(text)
    join(talk.server, talk.eve, talk.room)
    talk.say("after")
    assert bodies(talk.all_messages(talk.eve, dir="b", limit=5)) == ["after", *texts(12)[::-1]]


def test_who_came_late_reads_no_more_than_was_shown(talk: Talk) -> None:
    talk.state("m.room.history_visibility", {"history_visibility": "joined"})
    for text in texts(120):
        talk.say(text)
    join(talk.server, talk.eve, talk.room)
    talk.say("after")
    events = talk.all_messages(talk.eve, dir="b", limit=10)
    assert bodies(events) == ["after"]
    assert events[-1]["type"] == "m.room.create"


def test_peeking(talk: Talk) -> None:
    talk.say("hidden")
    talk.state("m.room.history_visibility", {"history_visibility": "world_readable"})
    talk.say("open")
    assert bodies(talk.all_messages(talk.eve, dir="b")) == ["open"]
    talk.server.ok(talk.bob.post(talk.path("leave")))
    talk.say("later")
    assert bodies(talk.messages(talk.bob, dir="b", limit=1)["chunk"]) == ["later"]
    talk.state("m.room.history_visibility", {"history_visibility": "shared"})
    assert talk.refusal(talk.path("messages"), talk.eve, dir="b") == (403, "M_FORBIDDEN")


def test_invited_is_not_enough(talk: Talk) -> None:
    room = create_room(talk.server, talk.alice)
    assert member(talk.server, talk.alice, room, "invite", "@eve:test")[0] == 200
    assert talk.refusal(path("rooms", room, "messages"), talk.eve, dir="b") == (403, "M_FORBIDDEN")
    talk.server.ok(talk.eve.post(path("rooms", room, "leave")))
    assert talk.refusal(path("rooms", room, "messages"), talk.eve, dir="b") == (403, "M_FORBIDDEN")


def test_a_forgotten_room_is_closed(talk: Talk) -> None:
    event_id = talk.say("a word")
    talk.server.ok(talk.bob.post(talk.path("leave")))
    assert talk.event(event_id, talk.bob)["event_id"] == event_id
    talk.server.ok(talk.bob.post(talk.path("forget")))
    assert talk.refusal(talk.path("messages"), talk.bob, dir="b") == (403, "M_FORBIDDEN")
    for single in (talk.path("event", event_id), talk.path("context", event_id), path("events", event_id)):
        assert talk.refusal(single, talk.bob) == (404, "M_NOT_FOUND")


def test_a_forgotten_room_stays_open_where_it_is_to_everyone(talk: Talk) -> None:
    talk.state("m.room.history_visibility", {"history_visibility": "world_readable"})
    event_id = talk.say("a word")
    talk.server.ok(talk.bob.post(talk.path("leave")))
    talk.server.ok(talk.bob.post(talk.path("forget")))
    assert talk.event(event_id, talk.bob)["event_id"] == event_id


def test_an_empty_limit_still_goes_on(talk: Talk) -> None:
    assert len(talk.messages(dir="b", limit=0)["chunk"]) == 1
    assert len(talk.messages(dir="b", limit=100_000)["chunk"]) < 20
