"""Searching: results, their order and pages, what stands around them, who finds what."""

from typing import Any

import pytest

from tests.client_api.rooms.talk import Talk, bodies
from tests.support.client import Client
from tests.support.rooms import create_room, join, path, refused


def search(talk: Talk, term: str, by: Client | None = None, token: str | None = None, **criteria: Any) -> dict[str, Any]:
    body = {"search_categories": {"room_events": {"search_term": term, **criteria}}}
    url = path("search") + (f"?next_batch={token}" if token else "")
    answer: dict[str, Any] = talk.server.ok((by or talk.alice).post(url, body))["search_categories"]["room_events"]
    return answer


def ids(answer: dict[str, Any]) -> list[str]:
    return [item["result"]["event_id"] for item in answer["results"]]


def edit(talk: Talk, event_id: str, text: str, by: Client | None = None) -> str:
    new: dict[str, Any] = {
        "m.new_content": {"msgtype": "m.text", "body": text},
        "m.relates_to": {"rel_type": "m.replace", "event_id": event_id},
    }
    return talk.say(f"* {text}", by, **new)


def test_words_in_any_order(talk: Talk) -> None:
    hello, other = talk.say("hello, world"), talk.say("a world of its own")
    assert ids(search(talk, "WORLD hello")) == [hello]
    assert set(ids(search(talk, "world", talk.bob))) == {hello, other}
    assert search(talk, "world")["count"] == 2
    assert search(talk, "hello moon") == {"count": 0, "highlights": ["hello", "moon"], "results": []}
    assert search(talk, "  ") == {"count": 0, "highlights": [], "results": []}
    assert search(talk, "world", talk.eve)["count"] == 0


def test_the_best_come_first(talk: Talk) -> None:
    inside, begins, whole, longer = (talk.say(text) for text in ("concatenate", "catalogue", "cat", "a cat and many other things as well"))
    answer = search(talk, "cat")
    assert ids(answer) == [whole, longer, begins, inside]
    ranks = [item["rank"] for item in answer["results"]]
    assert ranks == sorted(ranks, reverse=True)
    assert ranks[0] == 1
    assert ids(search(talk, "cat", order_by="recent")) == [longer, whole, begins, inside]
    pages = [search(talk, "cat", filter={"limit": 3})]
    pages.append(search(talk, "cat", None, pages[0]["next_batch"], filter={"limit": 3}))
    assert [ids(page) for page in pages] == [[whole, longer, begins], [inside]]
    assert "next_batch" not in pages[1]


def test_pages_by_time(talk: Talk) -> None:
    sent = [talk.say(f"Message number {number}") for number in range(20)]
    first = search(talk, "message", order_by="recent")
    assert (ids(first), first["count"]) == (sent[:9:-1], 20)
    talk.say("a message that came meanwhile")
    second = search(talk, "message", None, first["next_batch"], order_by="recent")
    assert (ids(second), second["count"]) == (sent[9::-1], 20)
    third = search(talk, "message", None, second["next_batch"], order_by="recent")
    assert (ids(third), third["count"], third.get("next_batch")) == ([], 20, None)


@pytest.mark.parametrize("order", ("rank", "recent"))
def test_more_than_is_sorted_at_once(talk: Talk, monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    monkeypatch.setattr("homeserver.search.find.MAX_HITS", 6)
    monkeypatch.setattr("homeserver.search.find.MOST", 5)
    rooms = [talk.room, create_room(talk.server, talk.alice)]
    sent = [talk.say(f"Message number {number}", room=rooms[number % 2]) for number in range(40)]
    found, token = [], None
    while True:
        answer = search(talk, "message", None, token, order_by=order, filter={"limit": 4})
        found.append(ids(answer))
        token = answer.get("next_batch")
        if token is None:
            break
    assert sorted(event_id for page in found for event_id in page) == sorted(sent)
    assert answer["count"] == 40
    assert found[0] == sent[:-5:-1] if order == "recent" else set(found[0]) <= set(sent[-6:])


def test_what_stands_around(talk: Talk) -> None:
    for number in range(1, 8):
        talk.say(f"Message number {number}")
    around = {"before_limit": 2, "after_limit": 3, "include_profile": True}
    (result,) = search(talk, "message 4", talk.bob, event_context=around, include_state=True)["results"]
    context = result["context"]
    assert bodies(context["events_before"]) == ["Message number 3", "Message number 2"]
    assert bodies(context["events_after"]) == ["Message number 5", "Message number 6", "Message number 7"]
    assert context["profile_info"] == {"@alice:test": {"displayname": "alice"}}
    assert bodies(talk.messages(dir="b", from_=context["start"], limit=1)["chunk"]) == ["Message number 1"]
    (plain,) = search(talk, "message 4")["results"]
    assert plain.keys() == {"rank", "result"}
    (plain,) = search(talk, "message 4", event_context={"before_limit": 0, "after_limit": 0})["results"]
    assert plain["context"]["events_before"] == plain["context"]["events_after"] == []


def test_groups_and_their_pages(talk: Talk) -> None:
    other = create_room(talk.server, talk.alice, preset="public_chat")
    here = [talk.say(f"word {number}") for number in range(3)]
    there = [talk.say(f"word {number}", room=other) for number in range(3)]
    by = talk.say("word of bob", talk.bob)
    both = {"group_by": [{"key": "room_id"}, {"key": "sender"}]}
    answer = search(talk, "word", order_by="recent", groupings=both, filter={"limit": 3})
    assert ids(answer) == [by, there[2], there[1]]
    groups = answer["groups"]
    assert groups["room_id"][other]["results"] == [there[2], there[1]]
    assert groups["room_id"][talk.room]["order"] == 1
    assert groups["sender"]["@bob:test"] == {"results": [by], "order": 1}
    more = search(talk, "word", None, groups["room_id"][talk.room]["next_batch"], order_by="recent", filter={"limit": 3})
    assert ids(more) == here[::-1]
    more = search(talk, "word", None, groups["sender"]["@alice:test"]["next_batch"], order_by="recent")
    assert ids(more) == [there[0], *here[::-1]]


def test_keys_and_filters(talk: Talk) -> None:
    name = talk.state("m.room.name", {"name": "red door"})
    rich = {"m.text": [{"body": "red <b>roof</b>", "mimetype": "text/html"}, {"body": "red window"}]}
    topic = talk.state("m.room.topic", {"topic": "red wall", "m.topic": rich})
    message = talk.say("red car", talk.bob)
    picture = talk.say("red picture", url="mxc://test/red")
    assert set(ids(search(talk, "red"))) == {name, topic, message, picture}
    assert ids(search(talk, "red", keys=["content.name"])) == [name]
    assert ids(search(talk, "window", keys=["content.topic"])) == [topic]
    assert ids(search(talk, "roof")) == []
    assert search(talk, "red", keys=[])["count"] == 0
    for wanted, expected in (
        ({"senders": ["@bob:test"]}, {message}),
        ({"not_senders": ["@bob:test"], "types": ["m.room.message"]}, {picture}),
        ({"contains_url": True}, {picture}),
        ({"not_rooms": [talk.room]}, set()),
        ({"rooms": []}, set()),
    ):
        assert set(ids(search(talk, "red", filter=wanted))) == expected, wanted
    refused(talk.server.run(talk.alice.post(path("search"), _body("red", filter={"limit": "many"}))), 400, "M_INVALID_PARAM")


def _body(term: str, **criteria: Any) -> dict[str, Any]:
    return {"search_categories": {"room_events": {"search_term": term, **criteria}}}


def test_edits(talk: Talk) -> None:
    message, other = talk.say("first draft"), talk.say("unchanged draft", talk.bob)
    edit(talk, message, "second version")
    assert ids(search(talk, "draft")) == [other]
    (result,) = search(talk, "second")["results"]
    assert result["result"]["event_id"] == message
    assert result["result"]["unsigned"]["m.relations"]["m.replace"]["content"]["m.new_content"]["body"] == "second version"
    last = edit(talk, message, "third version")
    assert search(talk, "second")["count"] == 0
    assert ids(search(talk, "version")) == [message]
    edit(talk, message, "of somebody else", talk.bob)
    assert search(talk, "somebody")["count"] == 0
    talk.redact(last)
    assert ids(search(talk, "second")) == [message]


def test_edits_that_the_reader_may_not_see(talk: Talk) -> None:
    talk.state("m.room.history_visibility", {"history_visibility": "joined"})
    message = talk.say("what bob read")
    talk.server.ok(talk.bob.post(talk.path("leave")))
    edit(talk, message, "what bob did not read")
    assert ids(search(talk, "read", talk.bob)) == [message]
    assert search(talk, "not", talk.bob)["count"] == 0
    assert ids(search(talk, "not")) == [message]


def test_redacted(talk: Talk) -> None:
    gone, stays = talk.say("to be redacted"), talk.say("not to be redacted")
    talk.redact(gone)
    for order in ("rank", "recent"):
        assert ids(search(talk, "redacted", order_by=order)) == [stays]


def test_encrypted_rooms_are_left_out(talk: Talk) -> None:
    talk.say("clear")
    talk.state("m.room.encryption", {"algorithm": "m.megolm.v1.aes-sha2"})
    assert search(talk, "clear")["count"] == 0


def test_rooms_that_were_left(talk: Talk) -> None:
    before = talk.say("while bob was there")
    talk.server.ok(talk.bob.post(talk.path("leave")))
    talk.say("while bob was gone")
    answer = search(talk, "while", talk.bob, include_state=True, event_context={})
    assert ids(answer) == [before]
    assert answer["state"].keys() == {talk.room}
    assert answer["results"][0]["context"]["events_after"][-1]["content"]["membership"] == "leave"
    talk.server.ok(talk.bob.post(talk.path("forget")))
    assert search(talk, "while", talk.bob)["count"] == 0


def test_ignored_people(talk: Talk) -> None:
    own, theirs = talk.say("word"), talk.say("word", talk.bob)
    assert set(ids(search(talk, "word"))) == {own, theirs}
    ignored: dict[str, Any] = {"ignored_users": {"@bob:test": {}}}
    talk.server.ok(talk.alice.put(path("user", "@alice:test", "account_data", "m.ignored_user_list"), ignored))
    assert ids(search(talk, "word")) == [own]


def test_upgraded_rooms_belong_together(talk: Talk) -> None:
    before = talk.say("before the upgrade")
    new = talk.server.ok(talk.alice.post(talk.path("upgrade"), {"new_version": "11"}))["replacement_room"]
    after = talk.say("after the upgrade", room=new)
    for rooms in ([talk.room, new], [new]):
        assert set(ids(search(talk, "upgrade", filter={"rooms": rooms}))) == {before, after}
    assert ids(search(talk, "upgrade", filter={"rooms": [talk.room]})) == [before]
    assert ids(search(talk, "upgrade", talk.bob, filter={"rooms": [new]})) == [before]
    join(talk.server, talk.bob, new)
    assert set(ids(search(talk, "upgrade", talk.bob, filter={"rooms": [new]}))) == {before, after}


@pytest.mark.parametrize(
    ("text", "term", "highlight"),
    [
        ("東京都に住んでいます", "京都", "京都"),
        ("我昨天在北京吃了烤鸭", "烤", "烤"),
        ("오늘 서울은 비가 온다", "서울", "서울"),
        ("ｶﾞﾝﾀﾞﾑ", "ガンダム", "ｶﾞﾝﾀﾞﾑ"),
        ("Crème brûlée", "creme", "Crème"),
        ("Crème brûlée", "BRÛLÉE", "BRÛLÉE"),
        ("naïve", "naïve", "naïve"),
        ("Straße", "STRASSE", "Straße"),
        ("Ελλάδα", "ελλαδα", "Ελλάδα"),
        ("Ёлка", "елка", "Ёлка"),
        ("مُحَمَّد", "محمد", "مُحَمَّد"),
        ("สวัสดีครับ", "สดี", "สดี"),
        ("नमस्ते दुनिया", "दुनिया", "दुनिया"),
        ("deploy 🎉 done", "🎉", "🎉"),
        ("release 7", "7", "7"),
        ("concatenate", "cat", "cat"),
        ("C++ is 100% \\fun_", "c++ 100% n_", "c++"),
    ],
)
def test_every_language(talk: Talk, text: str, term: str, highlight: str) -> None:
    message = talk.say(text)
    talk.say("something else")
    answer = search(talk, term)
    assert ids(answer) == [message]
    assert highlight in answer["highlights"]
