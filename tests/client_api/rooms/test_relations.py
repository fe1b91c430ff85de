"""Relations, threads, and what is bundled of them."""

from typing import Any

import pytest

from tests.client_api.rooms.talk import Talk, bodies, ids
from tests.support.rooms import create_room, path


def relations(talk: Talk, event_id: str, *more: str, by: Any = None, **query: Any) -> Any:
    return talk.get(talk.v1("relations", event_id, *more), by, **query)


def bundle(talk: Talk, event_id: str, by: Any = None) -> dict[str, Any]:
    found = talk.event(event_id, by)["unsigned"].get("m.relations", {})
    assert isinstance(found, dict)
    return found


def test_three_paths(talk: Talk) -> None:
    root = talk.say("root")
    reply = talk.relate(root, "m.thread", "reply")
    other = talk.send("m.dummy", {"m.relates_to": {"rel_type": "m.thread", "event_id": root}})
    edit = talk.relate(root, "m.replace", "edited")
    assert ids(relations(talk, root)["chunk"]) == [edit, other, reply]
    assert ids(relations(talk, root, dir="f")["chunk"]) == [reply, other, edit]
    assert ids(relations(talk, root, "m.thread")["chunk"]) == [other, reply]
    assert ids(relations(talk, root, "m.thread", "m.room.message")["chunk"]) == [reply]
    assert ids(talk.get(talk.v1("relations", root).replace("/v1/", "/unstable/"))["chunk"]) == [edit, other, reply]
    assert relations(talk, reply) == {"chunk": []}
    assert talk.refusal(talk.v1("relations", "$none")) == (404, "M_NOT_FOUND")
    assert talk.refusal(talk.v1("relations", root), talk.eve) == (404, "M_NOT_FOUND")
    elsewhere = create_room(talk.server, talk.alice)
    assert talk.refusal(path("rooms", elsewhere, "relations", root).replace("v3", "v1")) == (404, "M_NOT_FOUND")


def test_state_can_be_a_child_and_edits_nothing(talk: Talk) -> None:
    root = talk.say("root")
    found = {
        rel_type: talk.state("org.example", {"m.relates_to": {"rel_type": rel_type, "event_id": root}, "m.new_content": {}}, rel_type)
        for rel_type in ("m.reference", "m.thread", "m.replace")
    }
    assert ids(relations(talk, root, dir="f")["chunk"]) == list(found.values())
    bundled = bundle(talk, root)
    assert bundled["m.reference"] == {"chunk": [{"event_id": found["m.reference"]}]}
    assert bundled["m.thread"]["latest_event"]["event_id"] == found["m.thread"]
    assert "m.replace" not in bundled
    assert ids(relations(talk, talk.redact(found["m.reference"]))["chunk"]) == []
    assert "m.reference" not in bundle(talk, root)


@pytest.mark.parametrize("direction", ["b", "f"])
@pytest.mark.parametrize("limit", [1, 3, 10, 11])
def test_pages(talk: Talk, direction: str, limit: int) -> None:
    root = talk.say("root")
    children = [talk.relate(root, "m.thread", f"{number}") for number in range(10)]
    found: list[str] = []
    query: dict[str, Any] = {"dir": direction, "limit": limit}
    while True:
        page = relations(talk, root, **query)
        assert ("prev_batch" in page) == ("from_" in query)
        found += ids(page["chunk"])
        if "next_batch" not in page:
            break
        query["from_"] = page["next_batch"]
    assert found == (children if direction == "f" else children[::-1])


def test_pages_between_other_tokens(talk: Talk) -> None:
    root = talk.say("root")
    before = [talk.relate(root, "m.thread", f"{number}") for number in range(3)]
    token = talk.get(path("sync"))["next_batch"]
    after = [talk.relate(root, "m.thread", f"{number}") for number in range(3)]
    assert ids(relations(talk, root, from_=token)["chunk"]) == before[::-1]
    assert ids(relations(talk, root, from_=token, dir="f")["chunk"]) == after
    assert ids(relations(talk, root, to=token)["chunk"]) == after[::-1]
    place = talk.messages(dir="b", limit=2)["end"]
    assert ids(relations(talk, root, from_=place)["chunk"]) == [after[0], *before[::-1]]
    assert talk.refusal(talk.v1("relations", root), from_="x") == (400, "M_INVALID_PARAM")


def test_recursion(talk: Talk) -> None:
    root = talk.say("root")
    reply = talk.relate(root, "m.thread", "reply")
    reaction = talk.react(reply, "👍")
    far = talk.relate(reaction, "org.example", "far")
    too_far = talk.relate(far, "org.example", "too far")
    whole = relations(talk, root, recurse=True)
    assert ids(whole["chunk"]) == [far, reaction, reply]
    assert whole["recursion_depth"] == 3
    assert too_far not in ids(whole["chunk"])
    assert ids(relations(talk, root, "m.annotation", recurse=True)["chunk"]) == [reaction]
    assert "recursion_depth" not in relations(talk, root)
    first = relations(talk, root, recurse=True, limit=2)
    assert ids(relations(talk, root, recurse=True, limit=2, from_=first["next_batch"])["chunk"]) == [reply]


def test_hidden_and_ignored_relations(talk: Talk) -> None:
    root = talk.say("root")
    kept, gone = talk.relate(root, "m.thread", "kept"), talk.relate(root, "m.thread", "gone")
    bobs = talk.relate(root, "m.thread", "bob's", talk.bob)
    talk.redact(gone)
    assert ids(relations(talk, root)["chunk"]) == [bobs, kept]
    talk.ignore(talk.alice, "@alice:test", "@bob:test")
    assert ids(relations(talk, root)["chunk"]) == [kept]
    assert ids(relations(talk, root, by=talk.bob)["chunk"]) == [bobs, kept]


def test_the_latest_edit_is_bundled(talk: Talk) -> None:
    message = talk.say("one")
    talk.relate(message, "m.replace", "two")
    latest = talk.relate(message, "m.replace", "three")
    talk.relate(message, "m.replace", "not bob's to edit", talk.bob)
    talk.send("m.other", {"m.new_content": {}, "m.relates_to": {"rel_type": "m.replace", "event_id": message}})
    talk.send("m.room.message", {"body": "no new content", "m.relates_to": {"rel_type": "m.replace", "event_id": message}})
    shown = talk.event(message)
    assert shown["content"]["body"] == "one"
    edit = shown["unsigned"]["m.relations"]["m.replace"]
    assert (edit["event_id"], edit["room_id"], edit["content"]["m.new_content"]["body"]) == (latest, talk.room, "three")
    assert "m.relations" not in edit["unsigned"]
    talk.redact(latest)
    assert bundle(talk, message)["m.replace"]["content"]["m.new_content"]["body"] == "two"
    talk.redact(message)
    assert bundle(talk, message) == {}


def test_an_edit_cannot_be_edited(talk: Talk) -> None:
    message = talk.say("one")
    edit = talk.relate(message, "m.replace", "two")
    talk.relate(edit, "m.replace", "three")
    assert bundle(talk, edit) == {}
    assert bundle(talk, message)["m.replace"]["event_id"] == edit


def test_edits_of_encrypted_events(talk: Talk) -> None:
    message = talk.send("m.room.encrypted", {"ciphertext": "x"})
    edit = talk.send("m.room.encrypted", {"ciphertext": "y", "m.relates_to": {"rel_type": "m.replace", "event_id": message}})
    assert bundle(talk, message)["m.replace"]["event_id"] == edit


def test_references_are_bundled(talk: Talk) -> None:
    poll = talk.say("poll")
    votes = [talk.relate(poll, "m.reference", f"{number}", by) for number, by in enumerate((talk.alice, talk.bob, talk.alice))]
    assert bundle(talk, poll) == {"m.reference": {"chunk": [{"event_id": vote} for vote in votes]}}
    talk.ignore(talk.alice, "@alice:test", "@bob:test")
    assert bundle(talk, poll)["m.reference"]["chunk"] == [{"event_id": votes[0]}, {"event_id": votes[2]}]


def test_annotations_are_not_bundled(talk: Talk) -> None:
    message = talk.say("hello")
    talk.react(message, "👍")
    assert bundle(talk, message) == {}


def test_threads_are_bundled(talk: Talk) -> None:
    root = talk.say("root")
    talk.relate(root, "m.thread", "one", talk.bob)
    last = talk.relate(root, "m.thread", "two", talk.bob)
    edit = talk.relate(last, "m.replace", "two, edited", talk.bob)
    thread = bundle(talk, root)["m.thread"]
    assert (thread["count"], thread["current_user_participated"]) == (2, True)
    assert thread["latest_event"]["event_id"] == last
    assert thread["latest_event"]["unsigned"]["m.relations"]["m.replace"]["event_id"] == edit
    third = talk.say("bob's root", talk.bob)
    talk.relate(third, "m.thread", "alone", talk.bob)
    assert bundle(talk, third)["m.thread"]["current_user_participated"] is False
    assert bundle(talk, third, talk.bob)["m.thread"]["current_user_participated"] is True
    talk.redact(last, talk.bob)
    assert bundle(talk, root)["m.thread"]["latest_event"]["content"]["body"] == "one"
    assert bundle(talk, root)["m.thread"]["count"] == 1


def test_a_thread_survives_its_root(talk: Talk) -> None:
    root = talk.say("root")
    talk.relate(root, "m.thread", "reply")
    talk.redact(root)
    assert bundle(talk, root)["m.thread"]["count"] == 1


def test_threads_without_those_ignored(talk: Talk) -> None:
    root = talk.say("root")
    talk.relate(root, "m.thread", "mine")
    talk.relate(root, "m.thread", "bob's", talk.bob)
    lonely = talk.say("lonely")
    talk.relate(lonely, "m.thread", "bob's alone", talk.bob)
    talk.ignore(talk.alice, "@alice:test", "@bob:test")
    thread = bundle(talk, root)["m.thread"]
    assert (thread["count"], thread["latest_event"]["content"]["body"]) == (1, "mine")
    assert bundle(talk, lonely) == {}


def test_bundles_in_every_reading(talk: Talk) -> None:
    message = talk.say("one")
    talk.relate(message, "m.replace", "two")
    reply = talk.relate(talk.say("root"), "m.thread", "reply")
    talk.relate(reply, "m.replace", "reply, edited")

    def has(events: list[dict[str, Any]]) -> bool:
        (event,) = [event for event in events if event["event_id"] == message]
        return "m.replace" in event["unsigned"]["m.relations"]

    assert has(talk.messages(dir="b", limit=50)["chunk"])
    assert has([talk.get(talk.path("context", message))["event"]])
    assert has(talk.get(path("sync"))["rooms"]["join"][talk.room]["timeline"]["events"])
    assert talk.get(talk.v1("threads"))["chunk"][0]["unsigned"]["m.relations"]["m.thread"]["count"] == 1


def test_the_list_of_threads(talk: Talk) -> None:
    roots = [talk.say(f"root {number}") for number in range(5)]
    for root in roots:
        talk.relate(root, "m.thread", "reply", talk.bob)
    talk.relate(roots[1], "m.thread", "again", talk.bob)
    expected = [roots[1], roots[4], roots[3], roots[2], roots[0]]
    assert ids(talk.get(talk.v1("threads"))["chunk"]) == expected
    found: list[str] = []
    query: dict[str, Any] = {"limit": 2}
    while True:
        page = talk.get(talk.v1("threads"), **query)
        found += ids(page["chunk"])
        if "next_batch" not in page:
            break
        query["from_"] = page["next_batch"]
    assert found == expected
    assert talk.refusal(talk.v1("threads"), from_="x") == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.v1("threads"), limit=0) == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.v1("threads"), include="x") == (400, "M_INVALID_PARAM")
    assert talk.refusal(talk.v1("threads"), talk.eve) == (403, "M_FORBIDDEN")


def test_threads_one_took_part_in(talk: Talk) -> None:
    own, replied, other = talk.say("own"), talk.say("replied", talk.bob), talk.say("other", talk.bob)
    talk.relate(own, "m.thread", "x", talk.bob)
    talk.relate(replied, "m.thread", "x")
    talk.relate(other, "m.thread", "x", talk.bob)
    assert ids(talk.get(talk.v1("threads"), include="participated")["chunk"]) == [replied, own]
    assert ids(talk.get(talk.v1("threads"), talk.bob, include="participated")["chunk"]) == [other, replied, own]


def test_a_root_by_somebody_ignored_is_empty(talk: Talk) -> None:
    root = talk.say("bob's root", talk.bob)
    talk.relate(root, "m.thread", "mine")
    talk.ignore(talk.alice, "@alice:test", "@bob:test")
    (shown,) = talk.get(talk.v1("threads"))["chunk"]
    assert (shown["event_id"], shown["content"]) == (root, {})
    assert bodies(talk.get(talk.v1("threads"), talk.bob)["chunk"]) == ["bob's root"]
