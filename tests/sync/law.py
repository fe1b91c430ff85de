"""The law of sync: an initial sync and its increments tell the same as a fresh initial sync."""

import json
from typing import Any

from tests.support.client import Client
from tests.support.server import TestServer
from tests.sync.histories import V3
from tests.sync.model import ClientModel, RoomModel

LONG = 500
MEMBER = "m.room.member"

FILTERS: dict[str, dict[str, Any]] = {
    "plain": {},
    "short": {"room": {"timeline": {"limit": 2}}},
    "lazy": {"room": {"timeline": {"limit": 3}, "state": {"lazy_load_members": True}}},
    "threads": {"room": {"timeline": {"limit": 5, "unread_thread_notifications": True}}},
    "state_after": {"room": {"timeline": {"limit": 2}}},
    "lazy_state_after": {"room": {"timeline": {"limit": 4}, "state": {"lazy_load_members": True}}},
    "messages": {"room": {"timeline": {"limit": 3, "types": ["m.room.message"]}}},
}


class Law:
    """One kind of sync."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.state_after = kind.endswith("state_after")
        self.lazy = kind.startswith("lazy")

    def model(self) -> ClientModel:
        return ClientModel(state_after=self.state_after)

    def query(self, since: str | None, *, limit: int | None = None, timeout: int = 0) -> dict[str, Any]:
        wanted = json.loads(json.dumps(FILTERS[self.kind]))
        if limit is not None:
            wanted.setdefault("room", {}).setdefault("timeline", {})["limit"] = limit
        return {"filter": json.dumps(wanted), "since": since, "use_state_after": self.state_after, "timeout": timeout}

    def read_on(self, server: TestServer, client: Client, model: ClientModel) -> None:
        model.apply(server.ok(client.get(f"{V3}/sync", self.query(model.token))))

    def check(self, server: TestServer, clients: dict[str, Client], models: dict[str, ClientModel]) -> None:
        """Every model, brought up to date, equals a fresh one."""
        for user, model in models.items():
            self.read_on(server, clients[user], model)
            fresh = self.model()
            fresh.apply(server.ok(clients[user].get(f"{V3}/sync", self.query(None, limit=LONG))))
            self._compare(model, fresh)

    def _compare(self, model: ClientModel, fresh: ClientModel) -> None:
        assert model.joined.keys() == fresh.joined.keys()
        assert model.invited == fresh.invited
        assert model.knocked == fresh.knocked
        assert model.account_data == fresh.account_data
        for room_id, room in fresh.joined.items():
            self._compare_room(model.joined[room_id], room)

    def _compare_room(self, known: RoomModel, fresh: RoomModel) -> None:
        self._compare_timeline(known, fresh)
        self._compare_state(known, fresh)
        for event_id, event in known.events.items():
            if event_id in fresh.events:
                assert event["content"] == fresh.events[event_id]["content"] or self._is_redacted(fresh.events[event_id])
        assert known.account_data == fresh.account_data
        self._compare_receipts(known, fresh)
        assert known.typing == fresh.typing
        assert known.unread == fresh.unread
        assert known.threads == fresh.threads
        assert known.summary == fresh.summary

    def _compare_timeline(self, known: RoomModel, fresh: RoomModel) -> None:
        """State that was current when the user came in is seen by him alone who came in then."""
        timeline = [event_id for event_id in known.timeline if event_id in fresh.events or "state_key" not in known.events[event_id]]
        assert timeline == fresh.timeline[len(fresh.timeline) - len(timeline) :]

    def _compare_receipts(self, known: RoomModel, fresh: RoomModel) -> None:
        """A threaded receipt is not told while an unthreaded one stands at the same event (MSC4102)."""
        for key in known.receipts.keys() | fresh.receipts.keys():
            if not key[2] or (key in known.receipts and key in fresh.receipts):
                assert known.receipts.get(key) == fresh.receipts.get(key)

    def _check_sender(self, sender: str, state: dict[tuple[str, str], str], fresh: RoomModel) -> None:
        assert (MEMBER, sender) in state, "a sender without a member event"

    def _is_redacted(self, event: dict[str, Any]) -> bool:
        return "redacted_because" in event["unsigned"]

    def _compare_state(self, known: RoomModel, fresh: RoomModel) -> None:
        expected = {address: event["event_id"] for address, event in fresh.state.items()}
        state = {address: event["event_id"] for address, event in known.state.items()}
        if self.lazy:
            for event_id in known.timeline:
                self._check_sender(known.events[event_id]["sender"], state, fresh)
            for hero in known.summary["m.heroes"]:
                assert (MEMBER, hero) in state, "a hero without a member event"
            expected = {address: event_id for address, event_id in expected.items() if address[0] != MEMBER or address in state}
            state = {address: event_id for address, event_id in state.items() if address[0] != MEMBER or address in expected}
        assert state == expected, state.items() ^ expected.items()
