"""The law of sync: an initial sync followed by increments tells the same as a fresh initial sync, for every user, whatever happened."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.client import Client
from tests.support.server import TestServer, make_server
from tests.sync.histories import V3, History
from tests.sync.model import ClientModel, RoomModel

STEPS = 140
SEEDS = range(24)
LONG = 500

FILTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "short": {"room": {"timeline": {"limit": 2}}},
    "lazy": {"room": {"timeline": {"limit": 3}, "state": {"lazy_load_members": True}}},
    "threads": {"room": {"timeline": {"limit": 5, "unread_thread_notifications": True}}},
    "state_after": {"room": {"timeline": {"limit": 2}}},
}


def sync(server: TestServer, client: Client, kind: str, since: str | None, *, limit: int | None = None) -> Any:
    wanted = json.loads(json.dumps(FILTERS[kind]))
    if limit is not None:
        wanted.setdefault("room", {}).setdefault("timeline", {})["limit"] = limit
    query = {"filter": json.dumps(wanted), "since": since, "use_state_after": kind == "state_after"}
    return server.ok(client.get(f"{V3}/sync", query))


@pytest.mark.parametrize("kind", FILTERS)
@pytest.mark.parametrize("seed", SEEDS)
def test_increments_add_up_to_a_fresh_sync(tmp_path: Path, seed: int, kind: str) -> None:
    server = make_server(tmp_path, seed=seed)
    history = History(server, seed)
    models = {user: ClientModel(state_after=kind == "state_after") for user in history.clients}
    for step in range(STEPS):
        history.step()
        for user, model in models.items():
            if history.random.random() < 0.15 or step == STEPS - 1:
                model.apply(sync(server, history.clients[user], kind, model.token))
    for user, model in models.items():
        fresh = ClientModel(state_after=kind == "state_after")
        fresh.apply(sync(server, history.clients[user], kind, None, limit=LONG))
        compare(user, model, fresh, lazy=kind == "lazy")


def compare(user: str, model: ClientModel, fresh: ClientModel, *, lazy: bool) -> None:
    assert model.joined.keys() == fresh.joined.keys()
    assert model.invited.keys() == fresh.invited.keys()
    assert model.knocked.keys() == fresh.knocked.keys()
    assert model.account_data == fresh.account_data
    for room_id, room in fresh.joined.items():
        compare_room(user, model.joined[room_id], room, lazy=lazy)


def compare_room(user: str, known: RoomModel, fresh: RoomModel, *, lazy: bool) -> None:
    assert known.timeline == fresh.timeline[len(fresh.timeline) - len(known.timeline) :]
    expected = {address: event["event_id"] for address, event in fresh.state.items()}
    state = {address: event["event_id"] for address, event in known.state.items()}
    if lazy:
        for event_id in known.timeline:
            assert ("m.room.member", known.events[event_id]["sender"]) in state, "a sender without a member event"
        expected = {address: event_id for address, event_id in expected.items() if address[0] != "m.room.member" or address in state}
        state = {address: event_id for address, event_id in state.items() if address[0] != "m.room.member" or address in expected}
    assert state == expected
    assert known.account_data == fresh.account_data
    assert known.receipts == fresh.receipts
    assert known.unread == fresh.unread
    assert known.threads == fresh.threads
    assert known.summary == fresh.summary
    assert user
