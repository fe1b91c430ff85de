"""What other servers may read of rooms: events, states, chains, history; only those in the room, and of them each what its users may see."""

from collections import Counter
from collections.abc import AsyncGenerator
from typing import Any, cast

import orjson
import pytest
from twisted.internet.defer import Deferred

from federation.client import Query, v1
from federation.telling import snapshots, turns
from federation.telling.pieces import Pieces
from federation.x_matrix import authorization
from homeserver.protocol.event import Draft, Event
from homeserver.protocol.room_versions import room_version
from homeserver.protocol.signing import event_id_of, reference_hash
from homeserver.web.endpoint import Reply
from tests.federation.support.asking import append, ask, ok, put_member, say
from tests.federation.support.town import Town
from tests.support.client import Client, run, start
from tests.support.rooms import create_room

ALICE, BOB = "@alice:a.test", "@bob:b.test"
Room = tuple[Town, str]


@pytest.fixture
def room(town: Town) -> Room:
    """A public room on a.test in which bob of b.test is, too."""
    alice = town.user("a.test", "alice")
    room_id = create_room(town["a.test"], alice, preset="public_chat", room_version="11")
    put_member(town, room_id, BOB)
    return town, room_id


def id_of(pdu: dict[str, Any]) -> str:
    version = room_version("11")
    return event_id_of(reference_hash(pdu, version), version)


def hidden_room(town: Town, visibility: str) -> str:
    alice = town.user("a.test", "alice")
    state = [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}]
    return create_room(town["a.test"], alice, preset="public_chat", room_version="11", initial_state=state)


def test_an_event_is_told_as_it_was_signed(room: Room) -> None:
    town, room_id = room
    event_id = say(town, room_id, ALICE, "häй🙂")
    answer = ok(town, v1("event", event_id))
    assert (answer["origin"], [id_of(pdu) for pdu in answer["pdus"]]) == ("a.test", [event_id])
    pdu = answer["pdus"][0]
    event = Event.from_pdu(pdu, event_id=event_id, room_id=room_id, version=room_version("11"))
    town.run(town["b.test"].federation.reach.keyring.verify_event(event))
    assert event.content["body"] == "häй🙂"
    assert ask(town, v1("event", "$" + "x" * 43))[0] == 404


def test_state_is_that_before_the_event_and_its_authority_goes_along(room: Room) -> None:
    town, room_id = room
    first = append(town, room_id, Draft("m.room.name", ALICE, {"name": "one"}, ""))
    second = append(town, room_id, Draft("m.room.name", ALICE, {"name": "two"}, ""))
    ids = ok(town, v1("state_ids", room_id), {"event_id": second})
    state = ok(town, v1("state", room_id), {"event_id": second})
    assert sorted(map(id_of, state["pdus"])) == sorted(ids["pdu_ids"])
    assert sorted(map(id_of, state["auth_chain"])) == sorted(ids["auth_chain_ids"])
    assert first in ids["pdu_ids"]
    assert second not in ids["pdu_ids"]
    assert {cited for pdu in state["pdus"] + state["auth_chain"] for cited in pdu["auth_events"]} == set(ids["auth_chain_ids"])
    chain = ok(town, v1("event_auth", room_id, second))["auth_chain"]
    assert {pdu["type"] for pdu in chain} == {"m.room.create", "m.room.member", "m.room.power_levels"}
    for query in ({"event_id": "$unknown"}, {"event_id": "no event ID"}, {}):
        for name in ("state", "state_ids"):
            status, answer = ask(town, v1(name, room_id), query)
            assert (status, answer["errcode"]) in ((404, "M_NOT_FOUND"), (400, "M_INVALID_PARAM"), (400, "M_MISSING_PARAM"))


def test_who_asks_for_the_same_state_meanwhile_waits_for_it(room: Room) -> None:
    town, room_id = room
    event_id = say(town, room_id, ALICE, "hello")
    kept = town["a.test"].federation.telling.snapshots
    loads, weight = kept.figures.loads, kept.figures.weight
    asking = [start(kept.of_event(event_id)) for _ in range(3)]
    assert not any(each.called for each in asking)
    town.settle(1)
    assert all(each.called for each in asking)
    assert (kept.figures.loads, kept.figures.weight) == (loads + 1, weight + town.run(kept.of_event(event_id)).weight)


def test_a_large_state_comes_in_pieces(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    town, room_id = room
    monkeypatch.setattr(snapshots, "PIECE", 3)
    monkeypatch.setattr(snapshots, "TOLD", 2)
    for number in range(9):
        append(town, room_id, Draft("org.example", ALICE, {}, str(number)))
    event_id = say(town, room_id, ALICE, "last")
    state = ok(town, v1("state", room_id), {"event_id": event_id})
    assert sorted(pdu["state_key"] for pdu in state["pdus"] if pdu["type"] == "org.example") == [str(number) for number in range(9)]
    assert {cited for pdu in state["pdus"] for cited in pdu["auth_events"]} <= set(map(id_of, state["auth_chain"]))


def test_backfill_goes_back_from_what_is_named(room: Room) -> None:
    town, room_id = room
    said = [say(town, room_id, ALICE, str(number)) for number in range(6)]
    pdus = ok(town, v1("backfill", room_id), {"v": [said[4], "$unknown"], "limit": 3})["pdus"]
    assert [id_of(pdu) for pdu in pdus] == said[4:1:-1]
    everything = ok(town, v1("backfill", room_id), {"v": said[5], "limit": 10_000})["pdus"]
    assert everything[-1]["type"] == "m.room.create"
    assert ok(town, v1("backfill", room_id), {"v": "$unknown", "limit": 5})["pdus"] == []
    many = [str(number) for number in range(101)]
    wrong: tuple[Query, ...] = ({"v": said[0]}, {"limit": 5}, {"v": said[0], "limit": "x"}, {"v": many, "limit": 1})
    for query in wrong:
        assert ask(town, v1("backfill", room_id), query)[0] == 400


def test_what_is_missing_is_told_up_to_a_limit(room: Room) -> None:
    town, room_id = room
    said = [say(town, room_id, ALICE, str(number)) for number in range(30)]

    def missing(**body: Any) -> list[str]:
        answer = ok(
            town, v1("get_missing_events", room_id), method="POST", body={"latest_events": [said[-1]], "earliest_events": [], **body}
        )
        return [id_of(pdu) for pdu in answer["events"]]

    assert missing(earliest_events=[said[24]]) == said[25:29]
    assert missing() == said[19:29]
    assert missing(limit=1_000) == said[9:29]
    depth = ok(town, v1("event", said[26]))["pdus"][0]["depth"]
    assert missing(min_depth=depth) == said[26:29]
    assert missing(latest_events=["$unknown"]) == []
    for body in ({}, {"latest_events": [], "earliest_events": "x"}, {"latest_events": [], "earliest_events": [], "limit": "x"}):
        assert ask(town, v1("get_missing_events", room_id), method="POST", body=body)[0] == 400


def test_the_event_nearest_to_a_moment(room: Room) -> None:
    town, room_id = room
    town.clock.advance(100)
    event_id = say(town, room_id, ALICE, "then")
    ts = town.clock.now_ms()
    for direction, shift in (("f", -10), ("b", 10)):
        answer = ok(town, v1("timestamp_to_event", room_id), {"ts": ts + shift, "dir": direction})
        assert answer == {"event_id": event_id, "origin_server_ts": ts}
    assert ask(town, v1("timestamp_to_event", room_id), {"ts": ts + 10, "dir": "f"})[0] == 404
    assert ask(town, v1("timestamp_to_event", room_id), {"ts": ts, "dir": "x"})[0] == 400


def six_questions(town: Town, room_id: str, event_id: str, by: str = "b.test") -> list[tuple[int, Any]]:
    return [
        ask(town, v1("event", event_id), by=by),
        ask(town, v1("state", room_id), {"event_id": event_id}, by=by),
        ask(town, v1("state_ids", room_id), {"event_id": event_id}, by=by),
        ask(town, v1("event_auth", room_id, event_id), by=by),
        ask(town, v1("backfill", room_id), {"v": event_id, "limit": 5}, by=by),
        ask(town, v1("get_missing_events", room_id), method="POST", body={"latest_events": [event_id], "earliest_events": []}, by=by),
        ask(town, v1("timestamp_to_event", room_id), {"ts": 0, "dir": "f"}, by=by),
    ]


def test_who_is_not_in_the_room_learns_nothing(town: Town) -> None:
    alice = town.user("a.test", "alice")
    own = create_room(town["a.test"], alice, preset="public_chat")
    other = create_room(town["a.test"], alice, preset="public_chat")
    put_member(town, own, BOB)
    secret = say(town, other, ALICE, "secret")
    for room_id in (other, "!nowhere:a.test"):
        assert {answer[0] for answer in six_questions(town, room_id, secret)} == {403, 404}
    confused = six_questions(town, own, secret)
    assert [answer[0] for answer in confused[:4]] == [404] * 4
    assert b"secret" not in orjson.dumps(confused)
    put_member(town, other, BOB)
    assert {answer[0] for answer in six_questions(town, other, secret)} == {200}
    put_member(town, other, BOB, "leave")
    assert {answer[0] for answer in six_questions(town, other, secret)} == {403, 404}


def test_a_room_keeps_servers_out_everywhere(room: Room) -> None:
    town, room_id = room
    event_id = say(town, room_id, ALICE, "hello")
    append(town, room_id, Draft("m.room.server_acl", ALICE, {"allow": ["*"], "deny": ["b.test"]}, ""))
    answers = six_questions(town, room_id, event_id)
    assert [(status, answer["errcode"]) for status, answer in answers] == [(403, "M_FORBIDDEN")] * 7


@pytest.mark.parametrize("visibility", ["invited", "joined"])
def test_what_a_server_may_not_see_it_gets_redacted(town: Town, visibility: str) -> None:
    room_id = hidden_room(town, visibility)
    before = say(town, room_id, ALICE, "secret")
    put_member(town, room_id, BOB, "invite", sender=ALICE)
    invited = say(town, room_id, ALICE, "for the invited")
    put_member(town, room_id, BOB)
    after = say(town, room_id, ALICE, "for all")
    pdus = ok(town, v1("backfill", room_id), {"v": after, "limit": 5})["pdus"]
    contents = {id_of(pdu): pdu["content"].get("body") for pdu in pdus}
    assert (contents[before], contents[after]) == (None, "for all")
    assert contents[invited] == ("for the invited" if visibility == "invited" else None)
    assert ok(town, v1("event", before))["pdus"][0]["content"] == {}
    missing = ok(
        town, v1("get_missing_events", room_id), method="POST", body={"latest_events": [invited], "earliest_events": [], "limit": 2}
    )
    assert b"secret" not in orjson.dumps(missing)


def test_a_world_readable_room_is_open_to_all_as_long_as_it_is(town: Town) -> None:
    room_id = hidden_room(town, "world_readable")
    shown = say(town, room_id, ALICE, "for the world")
    assert [answer[0] for answer in six_questions(town, room_id, shown)] == [200] * 7
    append(town, room_id, Draft("m.room.history_visibility", ALICE, {"history_visibility": "shared"}, ""))
    secret = say(town, room_id, ALICE, "for members")
    assert {answer[0] for answer in six_questions(town, room_id, shown)} == {403, 404}
    append(town, room_id, Draft("m.room.history_visibility", ALICE, {"history_visibility": "world_readable"}, ""))
    assert ask(town, v1("event", secret))[0] == 404
    told = ok(town, v1("backfill", room_id), {"v": secret, "limit": 100})["pdus"]
    assert shown in map(id_of, told)
    assert secret not in map(id_of, told)


def test_a_flood_of_questions_is_slowed_down(room: Room) -> None:
    """Two hundred at once, none of them through the manners of a client; as many again when the first are done."""
    town, room_id = room
    event_id = say(town, room_id, ALICE, "hello")
    ok(town, v1("version"))
    uri = v1("state", room_id) + f"?event_id={event_id}"
    key = town["b.test"].parts.ground.identity.key
    asker = Client(town["a.test"].server.doors[0].dispatch)
    asker.headers = {"authorization": authorization(key, "b.test", "a.test", "GET", uri, None)}
    asked: list[Deferred[Reply]] = [start(asker.dispatch.serve(asker.make("GET", uri))) for _ in range(200)]

    async def take(reply: Reply) -> int:
        body = reply.body if isinstance(reply.body, bytes) else b"".join([piece async for piece in reply.body])
        assert orjson.loads(body)
        return reply.status

    rounds = []
    while asked:
        town.settle(0.2)
        answered = [reply for reply in asked if reply.called]
        asked = [reply for reply in asked if not reply.called]
        rounds.append(Counter(town.run(take(cast(Reply, reply.result))) for reply in answered))
    assert rounds[0] == {200: turns.AT_ONCE, 429: 200 - turns.AT_ONCE - turns.MOST_WAITING}
    assert sum(rounds[1:], Counter()) == {200: turns.MOST_WAITING}


def test_what_nobody_reads_is_ended_once() -> None:
    ended: list[int] = []

    async def source() -> AsyncGenerator[bytes, None]:
        yield b"1"
        yield b"2"

    async def read(pieces: Pieces, most: int) -> None:
        for _ in range(most):
            await anext(pieces)
        await pieces.aclose()
        await pieces.aclose()

    for most in (0, 1, 2):
        run(read(Pieces(source(), lambda: ended.append(1)), most))
    assert len(ended) == 3
