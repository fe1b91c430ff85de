"""Profile, account data, receipts, typing, presence and the directory as two people meet them, through a whole server."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client, run
from tests.support.server import TestServer, make_server

V3 = "/_matrix/client/v3"
ALICE, BOB = "@alice:test", "@bob:test"


class Pair:
    """Alice and Bob in a room of theirs."""

    def __init__(self, directory: Path) -> None:
        self.home: TestServer = make_server(directory)
        run(self.home.server.take_up())
        self.alice, self.bob = self.home.user("alice"), self.home.user("bob")
        self.room: str = self.ok(self.alice.post(V3 + "/createRoom", {"preset": "public_chat"}))["room_id"]
        self.ok(self.bob.post(f"{V3}/join/{self.room}"))

    def ok(self, coroutine: Any) -> Any:
        return self.home.ok(coroutine)

    def say(self, client: Client, text: str, **content: Any) -> str:
        body = {"msgtype": "m.text", "body": text, **content}
        answer = self.ok(client.put(f"{V3}/rooms/{self.room}/send/m.room.message/{text}", body))
        return str(answer["event_id"])

    def sync(self, client: Client, since: str | None = None, **query: Any) -> Any:
        return self.ok(client.get(V3 + "/sync", {"since": since, "timeout": 0, **query}))

    def ephemeral(self, answer: Any) -> list[Any]:
        return list(answer["rooms"]["join"][self.room]["ephemeral"]["events"])


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def test_a_new_name_reaches_the_room_and_the_directory(pair: Pair) -> None:
    since = pair.sync(pair.bob)["next_batch"]
    pair.ok(pair.alice.put(f"{V3}/profile/{ALICE}/displayname", {"displayname": "Alice Cooper"}))
    member = pair.ok(pair.bob.get(f"{V3}/rooms/{pair.room}/state/m.room.member/{ALICE}"))
    assert (member["membership"], member["displayname"]) == ("join", "Alice Cooper")
    events = pair.sync(pair.bob, since)["rooms"]["join"][pair.room]["timeline"]["events"]
    assert [event["content"]["displayname"] for event in events] == ["Alice Cooper"]
    found = pair.ok(pair.bob.post(V3 + "/user_directory/search", {"search_term": "COOP"}))
    assert found == {"results": [{"user_id": ALICE, "display_name": "Alice Cooper"}], "limited": False}
    eve = pair.home.user("eve")
    assert pair.ok(eve.post(V3 + "/user_directory/search", {"search_term": "alice"}))["results"][0]["user_id"] == ALICE
    pair.ok(pair.alice.put(f"{V3}/rooms/{pair.room}/state/m.room.join_rules", {"join_rule": "invite"}))
    assert pair.ok(eve.post(V3 + "/user_directory/search", {"search_term": "alice"}))["results"] == []


def test_receipts_typing_and_presence_come_with_sync(pair: Pair) -> None:
    event_id = pair.say(pair.alice, "hello")
    since = pair.sync(pair.alice)["next_batch"]
    pair.sync(pair.bob)
    pair.ok(pair.bob.post(f"{V3}/rooms/{pair.room}/receipt/m.read/{event_id}"))
    pair.ok(pair.bob.put(f"{V3}/rooms/{pair.room}/typing/{BOB}", {"typing": True}))
    answer = pair.sync(pair.alice, since)
    assert {event["type"] for event in pair.ephemeral(answer)} == {"m.receipt", "m.typing"}
    assert {event["sender"]: event["content"]["presence"] for event in answer["presence"]["events"]}[BOB] == "online"
    pair.home.clock.advance(60)
    again = pair.sync(pair.alice, answer["next_batch"])
    assert pair.ephemeral(again) == [{"type": "m.typing", "content": {"user_ids": []}}]
    fresh = pair.sync(pair.bob)
    assert [event["type"] for event in pair.ephemeral(fresh)] == ["m.receipt"]


def test_threaded_and_unthreaded_receipts_meet_in_one_sync(pair: Pair) -> None:
    root = pair.say(pair.alice, "root")
    reply = pair.say(pair.alice, "reply", **{"m.relates_to": {"event_id": root, "rel_type": "m.thread"}})
    path = f"{V3}/rooms/{pair.room}/receipt/m.read/{reply}"
    pair.ok(pair.alice.post(path, {}))
    pair.ok(pair.alice.post(path, {"thread_id": root}))
    status, _ = run(pair.alice.post(path, {"thread_id": "main"}))
    assert status == 400
    receipts = [event for event in pair.ephemeral(pair.sync(pair.alice)) if event["type"] == "m.receipt"]
    assert "thread_id" not in receipts[0]["content"][reply]["m.read"][ALICE]


def test_account_data_comes_with_sync(pair: Pair) -> None:
    since = pair.sync(pair.alice)["next_batch"]
    pair.ok(pair.alice.put(f"{V3}/user/{ALICE}/account_data/org.example", {"a": 1}))
    pair.ok(pair.alice.put(f"{V3}/user/{ALICE}/rooms/{pair.room}/tags/u.work", {"order": 0.5}))
    answer = pair.sync(pair.alice, since)
    assert answer["account_data"]["events"] == [{"type": "org.example", "content": {"a": 1}}]
    tags = {"type": "m.tag", "content": {"tags": {"u.work": {"order": 0.5}}}}
    assert answer["rooms"]["join"][pair.room]["account_data"]["events"] == [tags]
    fresh = pair.sync(pair.alice)
    assert tags in fresh["rooms"]["join"][pair.room]["account_data"]["events"]
    assert {"type": "org.example", "content": {"a": 1}} in fresh["account_data"]["events"]


def test_mutual_rooms_and_reports(pair: Pair) -> None:
    event_id = pair.say(pair.bob, "spam")
    assert pair.ok(pair.alice.get("/_matrix/client/v1/mutual_rooms", {"user_id": BOB})) == {"joined": [pair.room], "count": 1}
    pair.ok(pair.alice.post(f"{V3}/rooms/{pair.room}/report/{event_id}", {"reason": "spam", "score": -100}))
    eve = pair.home.user("eve")
    assert run(eve.post(f"{V3}/rooms/{pair.room}/report/{event_id}", {"reason": "spam"}))[0] == 404
