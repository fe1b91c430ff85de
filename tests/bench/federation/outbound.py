"""Messages that other servers are told: few of them, many, and many that are no longer there."""

import time
from collections.abc import Callable

from tests.bench.federation.inbound import Figures, rest
from tests.bench.federation.joining import WORDS
from tests.bench.federation.peer import Peer
from tests.bench.federation.servers import Measured
from tests.peers.person import Person

MESSAGES = 200
SEVERAL = 20  # servers
GIVEN_UP_SECONDS = 45  # until those that are gone are known to be, and are tried again seldom


def measure(server: Measured, open_peer: Callable[[], Peer], gone: int) -> Figures:
    """CPU of a message in rooms with no other server, one, several, and so many that are gone."""
    person = server.person("sam")
    found = {"told_none_cpu_ms": _said(server, person, person.create(preset="public_chat"))}
    with open_peer() as peer:
        for name, servers in (("told_one_cpu_ms", 1), ("told_several_cpu_ms", SEVERAL)):
            before = peer.taken
            found[name] = _said(server, person, _entered(person, peer, servers))
            if peer.taken - before < MESSAGES * servers:
                raise SystemExit(f"{server.kind} told {peer.taken - before} times of {MESSAGES} messages to {servers} servers")
    if gone:
        with open_peer() as peer:
            room_id = _entered(person, peer, gone)
            rest(server)
        person.say(room_id, "is anybody there?")
        time.sleep(GIVEN_UP_SECONDS)
        found["told_gone_cpu_ms"] = _said(server, person, room_id)
    return found


def _entered(person: Person, peer: Peer, servers: int) -> str:
    room = peer.room(servers, servers)
    person.ask("POST", "join", room.room_id, query={"via": peer.name(0), "server_name": peer.name(0)})
    return room.room_id


def _said(server: Measured, person: Person, room_id: str) -> float:
    """CPU of a message, all that follows from it included; in ms."""
    person.say(room_id, WORDS)
    rest(server)
    used = server.processor_seconds()
    for number in range(MESSAGES):
        person.say(room_id, f"{number} {WORDS}")
    rest(server)
    return (server.processor_seconds() - used) / MESSAGES * 1000
