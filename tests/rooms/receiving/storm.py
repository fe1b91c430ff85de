"""Three servers in one room, cut off from each other and found again by a seeded schedule; people do what people do meanwhile."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from homeserver.protocol.event import Event
from homeserver.rooms.receiving.outcome import Rejected, SoftFailed, Unplaced
from homeserver.rooms.store import SOFT_FAILED
from storage.database import Cursor
from tests.rooms.receiving.island import Island, copy, copy_of
from tests.rooms.receiving.verify_forks import verify_forked
from tests.support.client import Client
from tests.support.rooms import create_room, path

NAMES = ("a.test", "b.test", "c.test")
PEOPLE = ("anchor", "two", "three")  # of each server; the anchors stay in the room and keep their power
HOUR_MS = 3_600_000
OWN_EVENTS = "SELECT event_id, sender, position FROM events WHERE room_num = ? AND position > ? ORDER BY position"

Answer = tuple[int, Any]


class Archipelago:
    """Three servers with three people each."""

    def __init__(self, place: Path, make: Callable[..., Island] = Island) -> None:
        self.islands: dict[str, Island] = {}
        for number, name in enumerate(NAMES):
            self.islands[name] = make(name, place / name, self.islands, number + 1)
        self.clients: dict[str, Client] = {
            island.user_id(person): island.user(person) for island in self.islands.values() for person in PEOPLE
        }


class Storm:
    """One room, from its creation to the day when all is quiet again."""

    partly = False  # whether b and c enter it without its members

    def __init__(self, archipelago: Archipelago, seed: int, version: str, *, skew: bool = True) -> None:
        self.islands, self.clients = archipelago.islands, archipelago.clients
        self.version = version
        self.random = Random(seed)
        self.count = seed * 100_000
        self.cut: set[tuple[str, str]] = set()
        self.queues: dict[tuple[str, str], list[Event]] = {(one, other): [] for one in NAMES for other in NAMES if one != other}
        self.acknowledged: list[str] = []
        self.outcomes: list[tuple[str, Event, Any]] = []
        self.redactable: list[str] = []
        if skew:
            for island in self.islands.values():
                island.server.clock.set_wall_ms(1_700_000_000_000 + self.random.randint(-HOUR_MS, HOUR_MS))
        self._found()

    def _found(self) -> None:
        """Everybody's anchor is in the room, and has power."""
        home = self.islands["a.test"]
        anchors = [island.user_id("anchor") for island in self.islands.values()]
        users = dict.fromkeys(anchors[1:] if self.version == "12" else anchors, 100)
        self.room = create_room(
            home.server, self.clients["@anchor:a.test"], preset="public_chat", room_version=self.version,
            power_level_content_override={"users": users},
        )  # fmt: skip
        self.seen = dict.fromkeys(NAMES, 0)
        for name in NAMES[1:]:
            join = home.admit(self.islands[name], f"@anchor:{name}", self.room, partly=self.partly)
            for other in NAMES[1:]:
                if other != name and self._knows(other):
                    self.islands[other].receive("a.test", [copy(join)])
        self._room_nums = {
            name: self._read(name, lambda cursor: cursor.value("SELECT room_num FROM rooms WHERE room_id = ?", self.room)) for name in NAMES
        }
        for name in NAMES:
            self._collect(name, send=False)

    def _knows(self, name: str) -> bool:
        return self._read(name, lambda cursor: cursor.value("SELECT room_num FROM rooms WHERE room_id = ?", self.room)) is not None

    def _read(self, name: str, question: Callable[[Cursor], Any]) -> Any:
        island = self.islands[name]

        async def ask() -> Any:
            return await island.server.database.read(question)

        return island.server.run(ask())

    # ------------------------------------------------------------------ what people do

    def step(self) -> None:
        """Somebody does something, the network does something, or a cable is cut or mended."""
        chance = self.random.random()
        if chance < 0.55:
            self.act()
        elif chance < 0.93:
            self.deliver()
        elif chance < 0.97:
            self.cut.add(self.random.choice(list(self.queues)))
        else:
            self.cut.clear()
        self._tell_reach()

    def act(self) -> None:
        name = self.random.choice(NAMES)
        user = f"@{self.random.choice((*PEOPLE, 'anchor'))}:{name}"
        self.islands[name].server.clock.advance(self.random.choice((0.0, 0.001, 0.5)))
        actions: list[tuple[int, Callable[[str], Any]]] = [
            (30, self.message), (10, self.state), (8, self.levels), (12, self.join), (4, self.leave), (5, self.kick), (5, self.ban),
            (4, self.unban), (5, self.rule), (6, self.redact), (3, self.invite), (2, self.rename),
        ]  # fmt: skip
        answer = self.random.choices([action for _, action in actions], [weight for weight, _ in actions])[0](user)
        if answer is not None:
            assert answer[0] < 500, answer
            if answer[0] == 200 and "event_id" in answer[1]:
                self.acknowledged.append(answer[1]["event_id"])
        self._collect(name)

    def message(self, user: str) -> Answer:
        self.count += 1
        answer = self._put(user, ("send", "m.room.message", str(self.count)), {"msgtype": "m.text", "body": f"{self.count}"})
        if answer[0] == 200:
            self.redactable.append(answer[1]["event_id"])
        return answer

    def state(self, user: str) -> Answer:
        self.count += 1
        kind, key = self.random.choice((("m.room.topic", ""), ("m.room.name", ""), ("org.example", "one"), ("org.example", "two")))
        return self._put(user, ("state", kind, key), {"topic": f"{self.count}", "name": f"{self.count}"})

    def levels(self, user: str) -> Answer | None:
        status, levels = self._call(user, "GET", ("state", "m.room.power_levels", ""))
        if status != 200:
            return None
        users = dict(levels.get("users", {}))
        target = self._other()
        users[target] = self.random.choice((0, 0, 50, 75))
        events = {**levels.get("events", {}), "m.room.topic": self.random.choice((0, 50, 100))}
        return self._put(user, ("state", "m.room.power_levels", ""), {**levels, "users": users, "events": events})

    def rule(self, user: str) -> Answer:
        rule = self.random.choice(("public", "public", "invite"))
        return self._put(user, ("state", "m.room.join_rules", ""), {"join_rule": rule})

    def join(self, user: str) -> Answer:
        return self._call(user, "POST", ("join",), {})

    def leave(self, user: str) -> Answer | None:
        return None if user.startswith("@anchor") else self._call(user, "POST", ("leave",), {})

    def kick(self, user: str) -> Answer:
        return self._call(user, "POST", ("kick",), {"user_id": self._other()})

    def ban(self, user: str) -> Answer:
        return self._call(user, "POST", ("ban",), {"user_id": self._other()})

    def unban(self, user: str) -> Answer:
        return self._call(user, "POST", ("unban",), {"user_id": self._other()})

    def invite(self, user: str) -> Answer | None:
        server = user.partition(":")[2]
        return self._call(user, "POST", ("invite",), {"user_id": f"@two:{server}"})

    def rename(self, user: str) -> Answer | None:
        self.count += 1
        status, content = self._call(user, "GET", ("state", "m.room.member", user))
        if status != 200 or content["membership"] != "join":
            return None
        return self._put(user, ("state", "m.room.member", user), {"membership": "join", "displayname": f"name {self.count}"})

    def redact(self, user: str) -> Answer | None:
        if not self.redactable:
            return None
        self.count += 1
        return self._put(user, ("redact", self.random.choice(self.redactable), str(self.count)), {})

    def _other(self) -> str:
        """Never an anchor."""
        return f"@{self.random.choice(PEOPLE[1:])}:{self.random.choice(NAMES)}"

    def _put(self, user: str, segments: Sequence[str], content: Any) -> Answer:
        return self._call(user, "PUT", segments, content)

    def _call(self, user: str, method: str, segments: Sequence[str], content: Any = None) -> Answer:
        server = self.islands[user.partition(":")[2]].server
        return server.run(self.clients[user].json(method, path("rooms", self.room, *segments), content))

    # ------------------------------------------------------------------ what the network does

    def _tell_reach(self) -> None:
        for name, island in self.islands.items():
            island.peers.reachable = {other for other in NAMES if not {(name, other), (other, name)} & self.cut}

    def _collect(self, name: str, *, send: bool = True) -> None:
        """What people of this server made goes into the queues for the others."""
        room_num, since = self._room_nums[name], self.seen[name]
        rows = self._read(name, lambda cursor: cursor.all(OWN_EVENTS, room_num, since))
        if not rows:
            return
        self.seen[name] = rows[-1][2]
        own = [event_id for event_id, sender, _ in rows if sender.partition(":")[2] == name]
        if send and own:
            stored = self.islands[name].stored(own)
            for (one, _), queue in self.queues.items():
                if one == name:
                    queue += [copy_of(stored[event_id]) for event_id in own]

    def deliver(self) -> None:
        """A transaction: some of the first events that wait, perhaps shuffled, perhaps once more later."""
        open_ways = [way for way, queue in self.queues.items() if queue and way not in self.cut]
        if not open_ways:
            return
        way = self.random.choice(open_ways)
        queue = self.queues[way]
        if self.random.random() < 0.3:
            self.random.shuffle(queue)
        batch = queue[: self.random.randint(1, 6)]
        if self.random.random() < 0.85:
            del queue[: len(batch)]
        self.hand_over(way, batch)

    def hand_over(self, way: tuple[str, str], batch: Sequence[Event]) -> None:
        origin, name = way
        outcomes = self.islands[name].receive(origin, [copy(event) for event in batch])
        by_id = {event.event_id: event for event in batch}
        self.outcomes += [(name, by_id[event_id], outcome) for event_id, outcome in outcomes.items() if event_id in by_id]
        self._collect(name)

    # ------------------------------------------------------------------ when it is over

    def heal(self, *, newest_only: bool = False) -> None:
        """Everything waiting is delivered; then every server speaks once more, heard by all."""
        self.cut.clear()
        self._tell_reach()
        for way, queue in self.queues.items():
            while queue:
                batch, queue[:] = (queue[-1:], []) if newest_only else (queue[:20], queue[20:])
                self.hand_over(way, batch)
        for _ in range(2):
            for name in NAMES:
                answer = self.message(f"@anchor:{name}")
                assert answer[0] == 200, answer
                self.acknowledged.append(answer[1]["event_id"])
                self._collect(name)
                for way, queue in self.queues.items():
                    batch, queue[:] = list(queue), []
                    if batch:
                        self.hand_over(way, batch)

    def fetch_history(self) -> None:
        """Everything from before, too."""
        for island in self.islands.values():
            history = island.arrivals.history
            for _ in range(20):
                if not island.server.run(history.is_missing(self.room)):
                    break
                island.server.run(history.fetch(self.room, None))  # type: ignore[arg-type]
            assert not island.server.run(history.is_missing(self.room)), island.name

    def check(self) -> None:
        """The same room everywhere, with all that was acknowledged; see `verify` for what each server says of itself."""
        states = {name: self.current(name) for name in NAMES}
        for name in NAMES[1:]:
            assert states["a.test"] == states[name], (name, states["a.test"].items() ^ states[name].items())
        placed = {name: self._placed(name) for name in NAMES}
        for name in NAMES[1:]:
            assert placed["a.test"].keys() == placed[name].keys(), (name, placed["a.test"].keys() ^ placed[name].keys())
        for name in NAMES:
            missing = set(self.acknowledged) - placed[name].keys()
            assert not missing, (name, missing)
            ends = self._count_ends(name)
            assert ends <= 3, (name, ends)
        for name, event, outcome in self.outcomes:
            assert not isinstance(outcome, Rejected) or not outcome.is_final, (name, event, outcome)
            if event.sender.startswith("@anchor") and event.type == "m.room.message":
                assert not isinstance(outcome, SoftFailed), (name, event, outcome)
        for name in NAMES:
            for event_id, (sender, kind, flags) in placed[name].items():
                assert not (sender.startswith("@anchor") and kind == "m.room.message" and flags & SOFT_FAILED), event_id

    def _count_ends(self, name: str) -> int:
        ends: int = self._read(
            name, lambda cursor: cursor.value("SELECT count(*) FROM forward_extremities WHERE room_num = ?", self._room_nums[name])
        )
        return ends

    def verify(self) -> None:
        """All that each server derived follows from the graph."""
        for name in NAMES:
            self._read(name, lambda cursor: verify_forked(cursor, self.room))

    def current(self, name: str) -> dict[Any, str]:
        island = self.islands[name]

        async def read() -> dict[Any, str]:
            record = await island.parts.rooms.store.head(self.room)
            assert record is not None
            return {event.event.address: event.event_id for event in await island.parts.rooms.states.all(record.root)}

        return island.server.run(read())

    def _placed(self, name: str) -> dict[str, tuple[str, str, int]]:
        sql = "SELECT event_id, sender, type, flags FROM events WHERE room_num = ? AND state_before IS NOT NULL"
        return {row[0]: tuple(row[1:]) for row in self._read(name, lambda cursor: cursor.all(sql, self._room_nums[name]))}

    def unplaced(self) -> int:
        return sum(isinstance(outcome, Unplaced) for _, _, outcome in self.outcomes)
