"""A large room that a Synapse holds: users of other servers come in and read back."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from tests.bench.federation.inbound import Figures, rest
from tests.bench.federation.servers import Measured
from tests.bench.servers import loop_lag
from tests.peers.person import Person, Refused

TOGETHER = 10
TALKERS = 20
TRIES = 3
PATIENCE_SECONDS = 300
WORDS = "the quick brown fox jumps over the lazy dog and sees that it is not all that lazy"


class LargeRoom:
    """With so many members of the host's, who have said so much."""

    def __init__(self, host: Measured, members: int, events: int) -> None:
        self.host = host
        self.members = members
        self.events = events
        talkers = _all(lambda number: host.person(f"member{number}"), range(min(TALKERS, members)))
        self._small = talkers[0].create(preset="public_chat", name="small")
        self.room_id = talkers[0].create(preset="public_chat", name="large")
        _all(lambda person: person.join(self.room_id), talkers[1:])
        _all(lambda number: _say(talkers[number % len(talkers)], self.room_id, number), range(events))
        _all(lambda number: host.person(f"member{number}").join(self.room_id), range(len(talkers), members))  # to few it is told sooner
        rest(host)

    def enter(self, guest: Measured) -> Figures:
        """How long it takes to come in, to know everybody, and to read back all that was said. The servers have spoken with each other before."""
        person = guest.person("guest")
        self._join(person, self._small)
        rest(guest)
        used, began = guest.processor_seconds(), time.perf_counter()
        self._join(person, self.room_id)
        joined = time.perf_counter() - began
        while len(_joined(person, self.room_id)) <= self.members:
            if time.perf_counter() - began > PATIENCE_SECONDS:
                raise SystemExit(f"{guest.kind} did not learn of everybody")
            time.sleep(0.02)
        whole = time.perf_counter() - began
        rest(guest)
        found = {"join_s": joined, "whole_s": whole, "join_cpu_s": guest.processor_seconds() - used}
        found["join_mb"] = guest.memory_mb()
        if guest.kind == "chatme":
            lag = loop_lag(guest.side.address)
            found |= {"lag_ms": min(lag.values(), default=0.0) * 1000}
        began = time.perf_counter()
        found["back_per_s"] = self._read_back(person) / (time.perf_counter() - began)
        return found

    def _join(self, person: Person, room_id: str) -> None:
        name = self.host.side.name
        for _ in range(TRIES - 1):
            with suppress(Refused):
                person.ask("POST", "join", room_id, query={"via": name, "server_name": name})
                return
        person.ask("POST", "join", room_id, query={"via": name, "server_name": name})

    def _read_back(self, person: Person) -> int:
        count, query = 0, {"dir": "b", "limit": "100"}
        while count < self.events:
            page = person.ask("GET", "rooms", self.room_id, "messages", query=query)
            count += sum(event["type"] == "m.room.message" for event in page["chunk"])
            if "end" not in page:
                break
            query["from"] = page["end"]
        return count


def _joined(person: Person, room_id: str) -> Any:
    with suppress(Refused, TimeoutError):  # Synapse lets wait until it knows all
        return person.ask("GET", "rooms", room_id, "joined_members")["joined"]
    return ()


def _say(person: Person, room_id: str, number: int) -> None:
    content = {"msgtype": "m.text", "body": f"{number} {WORDS}"}
    person.ask("PUT", "rooms", room_id, "send", "m.room.message", f"said{number}", body=content)


def _all(call: Callable[[Any], Any], given: Iterable[Any]) -> list[Any]:
    with ThreadPoolExecutor(TOGETHER) as threads:
        return list(threads.map(call, given))
