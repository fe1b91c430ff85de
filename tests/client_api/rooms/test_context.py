"""Single events, what is around them, and moments."""

from tests.client_api.rooms.talk import Talk, bodies
from tests.support.rooms import create_room, path


def test_around_an_event(talk: Talk) -> None:
    sent = [talk.say(f"m{number}") for number in range(9)]
    context = talk.get(talk.path("context", sent[4]), limit=5)
    assert bodies(context["events_before"]) == ["m3", "m2"]
    assert context["event"]["event_id"] == sent[4]
    assert bodies(context["events_after"]) == ["m5", "m6", "m7"]
    assert bodies(talk.messages(dir="b", from_=context["start"], limit=2)["chunk"]) == ["m1", "m0"]
    assert bodies(talk.messages(dir="f", from_=context["end"], limit=2)["chunk"]) == ["m8"]
    assert {event["type"] for event in context["state"]} >= {"m.room.create", "m.room.member"}


def test_nothing_around(talk: Talk) -> None:
    sent = [talk.say(f"m{number}") for number in range(3)]
    context = talk.get(talk.path("context", sent[1]), limit=0)
    assert context["events_before"] == context["events_after"] == []
    assert bodies(talk.messages(dir="b", from_=context["start"], limit=1)["chunk"]) == ["m0"]
    assert bodies(talk.messages(dir="f", from_=context["end"], limit=1)["chunk"]) == ["m2"]


def test_at_both_ends(talk: Talk) -> None:
    message = talk.say("last")
    context = talk.get(talk.path("context", message), limit=200)
    assert context["events_after"] == []
    assert context["events_before"][-1]["type"] == "m.room.create"
    assert talk.messages(dir="b", from_=context["start"])["chunk"] == []
    talk.say("new")
    assert bodies(talk.messages(dir="f", from_=context["end"])["chunk"]) == ["new"]


def test_state_around_an_event(talk: Talk) -> None:
    talk.state("m.room.topic", {"topic": "then"})
    message = talk.say("here", talk.bob)
    talk.state("m.room.topic", {"topic": "now"})
    talk.server.ok(talk.bob.post(talk.path("leave")))
    for wanted, members in (("{}", {"@alice:test", "@bob:test"}), ('{"lazy_load_members":true}', {"@bob:test"})):
        state = talk.get(talk.path("context", message), limit=0, filter=wanted)["state"]
        found = {(event["type"], event["state_key"]): event["content"] for event in state}
        assert found["m.room.topic", ""] == {"topic": "then"}
        assert {key for type_, key in found if type_ == "m.room.member"} == members
        assert found["m.room.member", "@bob:test"]["membership"] == "join"


def test_a_filter_leaves_the_event_alone(talk: Talk) -> None:
    talk.send("m.other", {})
    message = talk.say("hello")
    context = talk.get(talk.path("context", message), filter='{"types":["m.other"]}')
    assert context["event"]["event_id"] == message
    assert [event["type"] for event in context["events_before"]] == ["m.other"]
    assert context["state"] == []


def test_what_there_is_not(talk: Talk) -> None:
    message = talk.say("hello")
    other = create_room(talk.server, talk.alice)
    for url in (
        talk.path("event", "$none"),
        talk.path("context", "$none"),
        path("rooms", other, "event", message),
        path("rooms", other, "context", message),
        path("rooms", "!none:test", "event", message),
        path("events", "$none"),
    ):
        assert talk.refusal(url) == (404, "M_NOT_FOUND")
    assert talk.refusal(talk.path("event", message), talk.eve) == (404, "M_NOT_FOUND")
    assert talk.refusal(path("events", message), talk.eve) == (404, "M_NOT_FOUND")
    assert talk.refusal(talk.path("event", "nonsense")) == (400, "M_INVALID_PARAM")
    assert talk.get(path("events", message))["content"]["body"] == "hello"


def test_moments(talk: Talk) -> None:
    first = talk.say("first")
    talk.server.clock.advance(100)
    second = talk.say("second")
    ts = talk.event(first)["origin_server_ts"]
    url = talk.v1("timestamp_to_event")
    assert talk.get(url, ts=ts + 1, dir="f")["event_id"] == second
    assert talk.get(url, ts=ts + 1, dir="b") == {"event_id": first, "origin_server_ts": ts}
    assert talk.get(url, ts=ts, dir="f")["event_id"] == first
    assert talk.event(talk.get(url, ts=0, dir="f")["event_id"])["type"] == "m.room.create"
    assert talk.refusal(url, ts=0, dir="b") == (404, "M_NOT_FOUND")
    assert talk.refusal(url, ts=ts + 10**9, dir="f") == (404, "M_NOT_FOUND")
    assert talk.refusal(url, dir="f") == (400, "M_MISSING_PARAM")
    assert talk.refusal(url, ts="x", dir="f") == (400, "M_INVALID_PARAM")
    assert talk.refusal(url, talk.eve, ts=ts, dir="f") == (403, "M_FORBIDDEN")


def test_a_moment_passes_over_what_is_hidden(talk: Talk) -> None:
    seen = talk.say("seen", talk.bob)
    talk.server.ok(talk.bob.post(talk.path("leave")))
    for number in range(120):
        talk.say(f"hidden {number}")
    ts = talk.event(seen)["origin_server_ts"]
    last = talk.get(talk.v1("timestamp_to_event"), talk.bob, ts=ts + 10**6, dir="b")["event_id"]
    assert talk.event(last, talk.bob)["content"]["membership"] == "leave"
