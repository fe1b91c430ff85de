"""A server that was stopped and started again goes on where it was: for those who sync, send again, or are logged in."""

from collections.abc import Iterator

import pytest

from tests.clients.house import DRIVERS, House, open_house
from tests.clients.person import v3
from tests.clients.specification import violations


@pytest.fixture(params=DRIVERS)
def fresh(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_house(request.param, tmp_path_factory.mktemp("restart")) as opened:
        yield opened


def test_nobody_loses_the_thread(fresh: House) -> None:
    alice, bob = fresh.people("alice", "bob")
    room = alice.create_room(name="Kitchen", invite=[bob.user_id])
    bob.join(room)
    path = v3("rooms", room, "send", "m.room.message", "transaction")
    before = bob.sync()["next_batch"]
    first = alice.put(path, {"msgtype": "m.text", "body": "before"})["event_id"]
    page = bob.get(v3("rooms", room, "messages", dir="b", limit=2))
    alice.post(v3("rooms", room, "receipt", "m.read", first), {})
    fresh.restart()
    assert alice.put(path, {"msgtype": "m.text", "body": "before"})["event_id"] == first
    second = alice.send(room, "after")
    news = bob.sync(before)["rooms"]["join"][room]
    assert [event["event_id"] for event in news["timeline"]["events"]] == [first, second]
    assert news["unread_notifications"]["notification_count"] == 2
    receipts = [event["content"] for event in news["ephemeral"]["events"] if event["type"] == "m.receipt"]
    assert alice.user_id in receipts[0][first]["m.read"]
    further = bob.get(v3("rooms", room, "messages", dir="b", limit=100, **{"from": page["end"]}))
    assert further["chunk"][-1]["type"] == "m.room.create"
    assert first not in [event["event_id"] for event in further["chunk"]]
    fresh.restart()
    latest = bob.sync(bob.sync(before)["next_batch"])
    assert room not in latest.get("rooms", {}).get("join", {})
    assert not violations(fresh.recording)
