"""The law of increments: what a connection was told, answer by answer, equals what a new one is told at once.

Windows, limits and wishes for state change from question to question, and answers get lost.
"""

from random import Random
from typing import Any

from tests.support.client import Client
from tests.support.server import TestServer
from tests.sync.sliding.connection import REQUIRED, SLIDING, a_list
from tests.sync.sliding.model import MEMBER, RoomModel, SlidingModel

JSON = dict[str, Any]
ALL = 99
LONG = 400
LITTLE = [["m.room.create", ""], ["m.room.member", "$LAZY"]]
NEWEST = [
    ["m.room.name", ""], ["m.room.encryption", ""], ["m.room.member", "$LAZY"], ["m.room.member", "$ME"], ["m.room.topic", ""],
    ["m.room.avatar", ""], ["m.room.canonical_alias", ""], ["m.room.power_levels", ""], ["org.matrix.msc3401.call.member", "*"],
    ["m.room.join_rules", ""], ["m.room.tombstone", ""], ["m.room.create", ""], ["m.room.history_visibility", ""],
    ["io.element.functional_members", ""], ["m.space.parent", "*"], ["m.space.child", "*"], ["org.matrix.msc3672.beacon_info", "*"],
]  # fmt: skip
KINDS: dict[str, list[list[str]]] = {
    "few": REQUIRED,
    "newest": NEWEST,
    "everything": [["*", "*"]],
    "lazy_everything": [["*", "*"], ["m.room.member", "$LAZY"], ["m.room.member", "$ME"]],
}
EXTENSIONS = {name: {"enabled": True} for name in ("account_data", "receipts", "typing", "to_device", "e2ee")}


class SlidingLaw:
    """One kind of client; `random` chooses what it looks at."""

    def __init__(self, kind: str, random: Random) -> None:
        self.required = KINDS[kind]
        self.random = random

    def question(self, rooms: list[str]) -> JSON:
        """Of one who scrolls about, opens rooms and closes them."""
        choose = self.random.random
        lists = {"all": a_list(self.random.choice((0, 1, 2, ALL)), limit=self.random.choice((1, 2, 2, 5)), required=self._wish())}
        if choose() < 0.3:
            lists["more"] = a_list(self.random.choice((0, 2)), limit=4, required=self._wish(), is_invite=choose() < 0.3)
        if choose() < 0.2:
            lists["tagged"] = a_list(ALL, limit=1, required=self._wish(), not_room_types=["m.space"], is_encrypted=False)
        opened = {room: {"timeline_limit": 5, "required_state": self._wish()} for room in rooms if choose() < 0.2}
        extensions = {name: wanted for name, wanted in EXTENSIONS.items() if choose() < 0.9}
        return {"conn_id": "law", "lists": lists, "room_subscriptions": opened, "extensions": extensions}

    def _wish(self) -> list[list[str]]:
        return LITTLE if self.random.random() < 0.3 else self.required

    def last_question(self, limit: int = 2) -> JSON:
        return {"conn_id": "law", "lists": {"all": a_list(ALL, limit=limit, required=self.required)}, "extensions": EXTENSIONS}

    def read_on(self, server: TestServer, client: Client, model: SlidingModel, rooms: list[str]) -> None:
        self._ask(server, client, model, self.question(rooms), is_lost=self.random.random() < 0.2)

    def _ask(self, server: TestServer, client: Client, model: SlidingModel, body: JSON, *, is_lost: bool = False) -> None:
        answer = server.ok(client.post(SLIDING, body, {"pos": model.pos, "timeout": 0}))
        if not is_lost:
            model.apply(answer)

    def check(self, server: TestServer, clients: dict[str, Client], models: dict[str, SlidingModel]) -> None:
        """Every model, brought up to date, equals a fresh one."""
        for user, model in models.items():
            self._ask(server, clients[user], model, self.last_question())
            fresh = SlidingModel()
            body = {**self.last_question(LONG), "conn_id": "fresh"}
            fresh.apply(server.ok(clients[user].post(SLIDING, body, {"timeout": 0})))
            self._compare(model, fresh)
            self._ask(server, clients[user], model, self.last_question())

    def _compare(self, model: SlidingModel, fresh: SlidingModel) -> None:
        assert fresh.rooms.keys() <= model.rooms.keys()
        assert model.account_data == fresh.account_data
        for room_id, room in fresh.rooms.items():
            known = model.rooms[room_id]
            assert known.invite_state == room.invite_state
            assert known.shown.pop("is_dm", False) == room.shown.pop("is_dm", False)
            is_joined = room.shown["membership"] == "join"
            for name in known.shown.keys() | room.shown.keys() if is_joined else ("name", "avatar", "bump_stamp", "membership"):
                assert known.shown.get(name) == room.shown.get(name), name
            if room.invite_state is not None:
                continue
            self._compare_timeline(known, room)
            self._compare_state(known, room)
            if is_joined:
                assert model.room_account_data.get(room_id, {}) == fresh.room_account_data.get(room_id, {})
                assert model.typing.get(room_id, []) == fresh.typing.get(room_id, [])
                self._compare_receipts(model, fresh, room_id)

    def _compare_timeline(self, known: RoomModel, fresh: RoomModel) -> None:
        """State that was current when the user came in is seen by him alone who came in then."""
        timeline = [event_id for event_id in known.timeline if event_id in fresh.events or "state_key" not in known.events[event_id]]
        assert timeline == fresh.timeline[len(fresh.timeline) - len(timeline) :]

    def _compare_state(self, known: RoomModel, fresh: RoomModel) -> None:
        state, expected = dict(known.state), dict(fresh.state)
        if ["m.room.member", "$LAZY"] in self.required:
            for event_id in known.timeline:
                self._check_sender(known.events[event_id]["sender"], state)
            both = state.keys() & expected.keys()
            expected = {address: event_id for address, event_id in expected.items() if address[0] != MEMBER or address in both}
        wanted = {address: event_id for address, event_id in state.items() if address in expected}
        assert wanted == expected

    def _check_sender(self, sender: str, state: dict[tuple[str, str], str]) -> None:
        assert (MEMBER, sender) in state, "a sender without a member event"

    def _compare_receipts(self, model: SlidingModel, fresh: SlidingModel, room_id: str) -> None:
        """A new client is told of receipts at the events it is shown; a threaded one not while an unthreaded one stands there (MSC4102)."""
        known, shown = model.receipts.get(room_id, {}), set(model.rooms[room_id].timeline)
        for key, event_id in fresh.receipts.get(room_id, {}).items():
            if (not key[2] and event_id in shown) or key in known:
                assert known.get(key) == event_id
