"""Messages that another server sends: as many as the server takes, and one by one."""

import time
from collections.abc import Callable, Sequence
from statistics import median
from threading import Thread
from typing import Any

from homeserver.protocol.event import Event
from tests.bench.federation.peer import Peer
from tests.bench.federation.played_room import PlayedRoom
from tests.bench.federation.servers import Measured
from tests.peers.person import Person

USERS = 20
ROOMS = 20
TOGETHER = 50  # events of a transaction, the most that are allowed
ALONE = 100  # events that come each by itself
WAITED = 40  # of which somebody waits for each
PATIENCE_SECONDS = 300

Figures = dict[str, float]
Placed = tuple[PlayedRoom, Event]


def measure(server: Measured, peer: Peer, events: int) -> Figures:
    person = server.person("ann")
    line = peer.line(server.side.name)
    one = _entered(peer, person)
    many = [_entered(peer, person) for _ in range(ROOMS)]
    _push(server, person, line.prepared, {room: room.messages(TOGETHER) for room in (one, many[0])})
    found: Figures = {}
    rate, cpu = _push(server, person, line.prepared, {one: one.messages(events)})
    found |= {"one_room_per_s": rate, "one_room_cpu_ms": cpu}
    rate, cpu = _push(server, person, line.prepared, {room: room.messages(events // ROOMS) for room in many})
    found |= {"rooms_per_s": rate, "rooms_cpu_ms": cpu}
    rate, cpu = _push(server, person, line.prepared, {one: one.messages(ALONE)}, together=1)
    found |= {"alone_per_s": rate, "alone_cpu_ms": cpu}
    found["delivery_ms"] = _delivery_ms(person, line.prepared, one)
    line.close()
    return found


def _entered(peer: Peer, person: Person) -> PlayedRoom:
    room = peer.room(USERS)
    person.ask("POST", "join", room.room_id, query={"via": peer.name(0), "server_name": peer.name(0)})
    return room


Prepare = Callable[[list[Any], list[Any]], Callable[[], Any]]


def _push(
    server: Measured, person: Person, prepare: Prepare, said: dict[PlayedRoom, list[Event]], together: int = TOGETHER
) -> tuple[float, float]:
    """Events a second until the last of each room can be read, and CPU in ms for each."""
    mixed = _mixed([[(room, event) for event in events] for room, events in said.items()])
    parts = [mixed[at : at + together] for at in range(0, len(mixed), together)]
    ready = [prepare([event.pdu for _, event in part], []) for part in parts]
    used, began = server.processor_seconds(), time.perf_counter()
    for at, send in enumerate(ready):
        refused = [error for error in send()["pdus"].values() if error]
        if refused:
            raise SystemExit(f"{server.kind} refused events: {refused[0]}")
        if at and not at * together % TOGETHER:  # Synapse leaves events out where more than a hundred wait in a room
            _await_last(person, parts[at - 1][-1:])
    _await_last(person, mixed[-len(said) :])
    took = time.perf_counter() - began
    rest(server)
    used = server.processor_seconds() - used
    for room, events in said.items():
        lost = {event.event_id for event in events} - _newest(person, room, len(events))
        if lost:
            raise SystemExit(f"{server.kind} lost {len(lost)} events")
    return len(mixed) / took, used / len(mixed) * 1000


def _mixed(lists: Sequence[list[Placed]]) -> list[Placed]:
    """One of each room in turn."""
    return [one for together in zip(*lists, strict=True) for one in together]


def _await_last(person: Person, events: Sequence[Placed]) -> None:
    """Until a client can read them."""
    latest = time.monotonic() + PATIENCE_SECONDS
    for room, event in events:
        while person.event(room.room_id, event.event_id) is None:
            if time.monotonic() > latest:
                raise SystemExit("what was sent did not arrive")
            time.sleep(0.05)


def _newest(person: Person, room: PlayedRoom, count: int) -> set[str]:
    """The newest messages of the room, by their IDs."""
    found: set[str] = set()
    query = {"dir": "b", "limit": "100"}
    while len(found) < count:
        page = person.ask("GET", "rooms", room.room_id, "messages", query=query)
        found |= {event["event_id"] for event in page["chunk"] if event["type"] == "m.room.message"}
        if "end" not in page or not page["chunk"]:
            break
        query["from"] = page["end"]
    return found


def rest(server: Measured) -> None:
    """Until what the server does behind it all is done."""
    quiet, before = 0, server.processor_seconds()
    for _ in range(120):
        time.sleep(0.25)
        now = server.processor_seconds()
        quiet = quiet + 1 if now - before < 0.01 else 0
        before = now
        if quiet == 3:
            return


def _delivery_ms(person: Person, prepare: Prepare, room: PlayedRoom) -> float:
    """From the sending of an event to the sync that waits for it."""
    since = person.ask("GET", "sync", query={"timeout": "0"})["next_batch"]
    times = []
    for event in room.messages(WAITED):
        text, arrived = event.content["body"], list[float]()

        def wait() -> None:
            nonlocal since
            while True:
                answer = person.ask("GET", "sync", query={"timeout": "10000", "since": since})
                since = answer["next_batch"]
                timeline = answer.get("rooms", {}).get("join", {}).get(room.room_id, {}).get("timeline", {}).get("events", [])
                if any(one["content"].get("body") == text for one in timeline):  # noqa: B023 - joined below
                    arrived.append(time.perf_counter())  # noqa: B023
                    return

        waiting = Thread(target=wait, daemon=True)
        waiting.start()
        time.sleep(0.05)
        send = prepare([event.pdu], [])
        began = time.perf_counter()
        send()
        waiting.join(PATIENCE_SECONDS)
        times.append(arrived[0] - began)
    return median(times) * 1000
