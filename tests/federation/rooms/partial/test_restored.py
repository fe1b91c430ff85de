"""A redaction that was taken in while a room was known in part, and falls when it is whole: its target is again what it was."""

from typing import Any

import pytest

from federation.client import v1
from homeserver.protocol.event import Draft, Event
from homeserver.upkeep.upkeep import HOUR_MS
from storage.federation.withheld import KEPT_MS
from tests.federation.rooms.partial.halved import ANN, DEREK, ELSIE, Halved
from tests.federation.support.asking import ask
from tests.federation.support.town import Town
from tests.support.rooms import path

ALICE, MEMBER = "@alice:a.test", "m.room.member"
ANYTHING = "what there is at a.test"
CALL = {"msgtype": "m.text", "body": "hello bob", "m.mentions": {"user_ids": ["@bob:b.test"]}}


@pytest.fixture
def half(town: Town) -> Halved:
    """derek may redact, but has left."""
    return Halved(town, levels={DEREK: 100, ELSIE: 50}, gone=DEREK)


def by_alice(half: Halved, content: dict[str, Any], type: str = "m.room.message", state_key: str | None = None) -> Event:
    return half.forge(Draft(type, ALICE, content, state_key))


def redaction(half: Halved, target: Event, sender: str = DEREK, after: str | None = None) -> Event:
    auth = {(MEMBER, sender): half.joins[sender]} if sender in half.joins else {}
    if target.version.redacts_in_content:
        draft = Draft("m.room.redaction", sender, {"redacts": target.event_id})
    else:
        draft = Draft("m.room.redaction", sender, {}, redacts=target.event_id)
    return half.forge(draft, auth=auth, after=after)


def served(half: Halved, event: Event) -> dict[str, Any]:
    answer = half.town["b.test"].ok(half.bob.get(path("rooms", half.room_id, "event", event.event_id)))
    assert isinstance(answer, dict)
    return answer


def told_to_servers(half: Halved, event: Event) -> dict[str, Any]:
    status, answer = ask(half.town, v1("event", event.event_id), by="a.test", of="b.test")
    assert status == 200
    content = answer["pdus"][0]["content"]
    assert isinstance(content, dict)
    return content


def unread(half: Halved) -> tuple[int, int]:
    counts = half.sync(lazy=True)[0]["unread_notifications"]
    return counts["notification_count"], counts["highlight_count"]


def found(half: Halved, term: str) -> list[str]:
    body = {"search_categories": {"room_events": {"search_term": term}}}
    answer = half.town["b.test"].ok(half.bob.post(path("search"), body))["search_categories"]["room_events"]
    return [result["result"]["event_id"] for result in answer["results"]]


def withheld(half: Halved) -> int:
    return len(half.town["b.test"].run(half.town["b.test"].parts.rooms.partial.store.withheld(half.room_id)))


def test_its_target_is_shown_again(half: Halved) -> None:
    said = by_alice(half, CALL)
    named = by_alice(half, {"name": "Named"}, "m.room.name", "")
    thread = {"rel_type": "m.thread", "event_id": said.event_id}
    answer = by_alice(half, {**CALL, "body": "an answer", "m.relates_to": thread})
    half.send(said, named, answer)
    assert unread(half) == (2, 2)
    events = (said, named, answer)
    half.send(*(redaction(half, event) for event in events))
    for event in events:
        assert served(half, event)["content"] == {}
        assert served(half, event)["unsigned"]["redacted_because"]["sender"] == DEREK
    assert (unread(half), found(half, "hello")) == ((0, 0), [])
    half.let_in()
    for event in events:
        assert served(half, event)["content"] == event.content == told_to_servers(half, event)
        assert "redacted_because" not in served(half, event)["unsigned"]
    assert (unread(half), found(half, "hello")) == ((2, 2), [said.event_id])
    b_test = half.town["b.test"]
    chunk = b_test.ok(half.bob.get(f"/_matrix/client/v1/rooms/{half.room_id}/relations/{said.event_id}/m.thread"))["chunk"]
    assert [event["event_id"] for event in chunk] == [answer.event_id]
    threads = b_test.ok(half.bob.get(f"/_matrix/client/v1/rooms/{half.room_id}/threads"))["chunk"]
    assert [event["event_id"] for event in threads] == [said.event_id]
    assert b_test.ok(half.bob.get(path("rooms", half.room_id, "state", "m.room.name"))) == {"name": "Named"}
    assert withheld(half) == 0


def test_so_is_one_that_came_after_it(half: Halved) -> None:
    said = by_alice(half, CALL)
    half.send(redaction(half, said, after=ANYTHING))
    half.send(said)
    assert served(half, said)["content"] == {}
    assert unread(half) == (0, 0)
    half.let_in()
    assert served(half, said)["content"] == CALL
    assert unread(half) == (1, 1)


def test_what_somebody_redacts_who_may_stays_so(half: Halved) -> None:
    first, second, third = (by_alice(half, {**CALL, "body": body}) for body in ("first", "second", "third"))
    half.send(first, second, third)
    half.send(redaction(half, first, ALICE))
    half.send(redaction(half, second), redaction(half, second, ALICE))
    half.send(redaction(half, third, ALICE), redaction(half, third))
    assert withheld(half) == 3
    half.let_in()
    for event in (first, second, third):
        assert served(half, event)["content"] == {}
        assert served(half, event)["unsigned"]["redacted_because"]["sender"] == ALICE
    assert (unread(half), withheld(half)) == ((0, 0), 0)


@pytest.mark.parametrize("version", ["9", "11"])
def test_a_redaction_that_is_redacted_itself_counts_all_the_same(town: Town, version: str) -> None:
    half = Halved(town, levels={DEREK: 100}, gone=DEREK, version=version)
    said = by_alice(half, CALL)
    first = redaction(half, said, ALICE)
    half.send(said, first)
    half.send(redaction(half, first))
    assert "redacted_because" in served(half, first)["unsigned"]
    half.let_in()
    assert "redacted_because" not in served(half, first)["unsigned"]
    assert served(half, first)["redacts"] == said.event_id
    assert served(half, said)["content"] == {}


def test_members_have_their_names_again(half: Halved) -> None:
    named = half.forge(Draft(MEMBER, ANN, {"membership": "join", "displayname": "Ann"}, ANN))
    half.send(named)
    half.send(redaction(half, named))
    half.let_in()
    joined = half.town["b.test"].ok(half.bob.get(path("rooms", half.room_id, "joined_members")))["joined"]
    assert joined[ANN]["display_name"] == "Ann"


def test_what_is_revived_is_not_redacted_by_what_falls(half: Halved) -> None:
    auth = {(MEMBER, user): half.joins[user] for user in (DEREK, ELSIE)}
    kick = half.forge(Draft(MEMBER, DEREK, {"membership": "leave"}, ELSIE), auth=auth)
    said = half.forge(Draft("m.room.message", ELSIE, CALL), auth={(MEMBER, ELSIE): half.joins[ELSIE]})
    half.keep(kick, said)
    half.send(kick, said)
    half.send(redaction(half, said))
    assert not half.shown(said.event_id)
    half.let_in()
    assert served(half, said)["content"] == CALL
    assert unread(half) == (1, 1)


def test_it_is_not_kept_for_ever(half: Halved) -> None:
    said = by_alice(half, CALL)
    half.send(said)
    half.send(redaction(half, said))
    upkeep, clock = half.town["b.test"].parts.upkeep, half.town.clock
    half.town["b.test"].run(upkeep.round())
    assert withheld(half) == 1
    clock.advance((KEPT_MS + HOUR_MS) / 1000)
    half.town["b.test"].run(upkeep.round())
    assert withheld(half) == 0
    half.let_in()
    assert served(half, said)["content"] == {}
