"""matrix-bot-sdk, matrix-appservice-bridge and mautrix, each a real application service in a process of its own beside a running server.

Each answers whoever speaks, by a ghost, and makes rooms whose aliases are looked for. Between it and the server is a relay that sees everything.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.appservices.relay import Relay
from tests.clients.house import NAME, PASSWORD, House, open_house
from tests.clients.person import Person, path, v1, v3
from tests.clients.specification import violations
from tests.running.ports import free_port
from tests.support import node

FOLDER = Path(__file__).parent
PATIENCE_SECONDS = 60
LIBRARIES = ("bot_sdk", "bridge", "mautrix")


@dataclass
class Running:
    """One application service."""

    name: str
    file: Path
    relay: Relay
    words: list[dict[str, Any]] = field(default_factory=list)  # that it said
    process: subprocess.Popen[str] | None = None

    @property
    def prefix(self) -> str:
        return f"_{self.name}_"

    @property
    def token(self) -> str:
        return str(json.loads(self.file.read_text())["as_token"])

    def user_id(self, name: str) -> str:
        return f"@{self.prefix}{name}:{NAME}"

    def start(self, homeserver: str) -> None:
        what = [sys.executable, "-m", "tests.appservices.mautrix_bridge"]
        if self.name != "mautrix":
            what = [node.find_node(), str(FOLDER / f"js/{self.name}.mjs")]
        words = [*what, homeserver, str(self.relay.port), str(self.file), NAME]
        with (self.file.parent / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                words, cwd=FOLDER.parent.parent, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
            )
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        assert self.process is not None
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                if line.startswith("{"):
                    self.words.append(json.loads(line))

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)  # Node runs under a process of its own
            self.process.wait()
            self._listener.join(PATIENCE_SECONDS)
        self.relay.close()

    def heard(self, body: str) -> list[str]:
        """The IDs of the messages of that text, each time that the library handed one over."""
        return [word["heard"] for word in self.words if word.get("body") == body]

    def log(self) -> str:
        return (self.file.parent / f"{self.name}.log").read_text()[-3000:]


def until(is_right: Callable[[], Any], *, what: str) -> Any:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := is_right()):
        assert time.monotonic() < deadline, f"it never came to that: {what}"
        time.sleep(0.05)
    return found


def write_registration(name: str, folder: Path, relay: Relay) -> Path:
    """JSON is YAML, too."""
    prefix = f"_{name}_"
    file = folder / f"{name}.yaml"
    known = {
        "id": name,
        "url": relay.address,
        "as_token": f"as-token-of-{name}",
        "hs_token": f"hs-token-of-{name}",
        "sender_localpart": f"{prefix}bot",
        "rate_limited": False,
        "namespaces": {
            "users": [{"exclusive": True, "regex": f"@{prefix}.*:{NAME}"}],
            "aliases": [{"exclusive": True, "regex": f"#{prefix}.*:{NAME}"}],
            "rooms": [],
        },
        "protocols": [name],
        "receive_ephemeral": True,
        "de.sorunome.msc2409.push_ephemeral": True,
    }
    file.write_text(json.dumps(known))
    return file


@dataclass
class World:
    house: House
    services: dict[str, Running]


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    if not (FOLDER / "js/node_modules/matrix-appservice-bridge/package.json").exists():
        pytest.skip("matrix-appservice-bridge is not installed: tests/install services")
    folder = tmp_path_factory.mktemp("appservices")
    with ExitStack() as stack:
        services = {}
        for name in LIBRARIES:
            relay = Relay(free_port())
            services[name] = Running(name, write_registration(name, folder, relay), relay)
            stack.callback(services[name].stop)
        files = json.dumps([str(one.file) for one in services.values()])
        house = stack.enter_context(open_house("sqlite", folder, f"appservices.registrations={files}"))
        for one in services.values():
            one.start(house.address)
        for one in services.values():
            until(lambda one=one: any(word.get("ready") for word in one.words) or one.process.poll() is not None, what="it is ready")  # type: ignore[misc]
            assert one.process is not None
            assert one.process.poll() is None, one.log()
        yield World(house, services)


def say(person: Person, room: str, body: str) -> str:
    transaction = str(time.monotonic_ns())
    return str(person.put(v3("rooms", room, "send", "m.room.message", transaction), {"msgtype": "m.text", "body": body})["event_id"])


def texts(person: Person, room: str) -> list[tuple[str, str]]:
    """(sender, text), the latest last."""
    chunk = person.get(v3("rooms", room, "messages", dir="b", limit=100))["chunk"]
    return [(event["sender"], event["content"]["body"]) for event in reversed(chunk) if event["type"] == "m.room.message"]


def is_in(person: Person, room: str, user_id: str) -> bool:
    return user_id in person.get(v3("rooms", room, "joined_members"))["joined"]


@pytest.mark.parametrize("name", LIBRARIES)
class TestOneLibrary:
    def test_a_ghost_answers_in_a_room_to_which_the_bot_is_invited(self, world: World, name: str) -> None:
        one, alice = world.services[name], world.house.person("alice")
        room = alice.post(v3("createRoom"), {"preset": "private_chat", "invite": [one.user_id("bot")]})["room_id"]
        until(lambda: is_in(alice, room, one.user_id("bot")), what="the bot is in the room")
        alice.put(v3("rooms", room, "state", "m.room.join_rules", ""), {"join_rule": "public"})
        ghost = one.user_id(alice.user_id[1:].partition(":")[0])
        say(alice, room, "hello")
        until(lambda: (ghost, "echo: hello") in texts(alice, room), what="the ghost answers")

    def test_a_room_is_made_when_its_alias_is_looked_for(self, world: World, name: str) -> None:
        one, bob = world.services[name], world.house.person("bob")
        alias = f"#{one.prefix}{world.house.new_name('portal')}:{NAME}"
        room = bob.post(path("/_matrix/client/v3/join", alias))["room_id"]
        say(bob, room, "tea?")
        ghost = one.user_id(bob.user_id[1:].partition(":")[0])
        until(lambda: (ghost, "echo: tea?") in texts(bob, room), what="the ghost answers in the portal")
        bob.put(v3("rooms", room, "typing", bob.user_id), {"typing": True, "timeout": 5000})
        until(lambda: any(word.get("ephemeral") == "m.typing" and word["room"] == room for word in one.words), what="it is told who types")

    def test_its_names_are_its_own(self, world: World, name: str) -> None:
        one, carol = world.services[name], world.house.person("carol")
        body = {"username": f"{one.prefix}carol", "password": PASSWORD, "auth": {"type": "m.login.dummy"}}
        world.house.stranger().refused(400, "M_EXCLUSIVE", "POST", v3("register"), body)
        room = carol.post(v3("createRoom"), {})["room_id"]
        taken = v3("directory", "room", f"#{one.prefix}carol:{NAME}")
        carol.refused(400, "M_EXCLUSIVE", "PUT", taken, {"room_id": room})
        service = Person(world.house.address, token=one.token)
        for other in world.services.values():
            if other is not one:
                service.refused(403, "M_FORBIDDEN", "GET", v3("account", "whoami", user_id=other.user_id("bot")))
        service.refused(403, "M_FORBIDDEN", "GET", v3("account", "whoami", user_id=carol.user_id))

    def test_a_user_is_made_when_invited(self, world: World, name: str) -> None:
        one, dave = world.services[name], world.house.person("dave")
        room = dave.post(v3("createRoom"), {})["room_id"]
        fresh = one.user_id(world.house.new_name("fresh"))
        dave.post(v3("rooms", room, "invite"), {"user_id": fresh})
        until(lambda: any(path.startswith("/_matrix/app/v1/users/") for _, path, _, _ in one.relay.seen), what="it is asked for the user")

    def test_it_is_pinged(self, world: World, name: str) -> None:
        one = world.services[name]
        service = Person(world.house.address, token=one.token)
        status, answer = service.exchange("POST", v1("appservice", name, "ping"), {"transaction_id": "meow"})
        if name == "mautrix":
            assert status == 200
            assert answer["duration_ms"] >= 0
        else:  # the others have no such path
            assert (status, answer["errcode"], answer["status"]) == (502, "M_BAD_STATUS", 404)


def test_nothing_is_lost_or_doubled_when_the_server_is_killed_in_a_transaction(world: World) -> None:
    """Once before the services have the transaction, once when they have it and their answers do not arrive."""
    house, erin = world.house, world.house.person("erin")
    bots = [one.user_id("bot") for one in world.services.values()]
    room = erin.post(v3("createRoom"), {"preset": "public_chat", "invite": bots})["room_id"]
    for bot in bots:
        until(lambda bot=bot: is_in(erin, room, bot), what="the bot is in the room")  # type: ignore[misc]
    sent = {}
    for words, delivers in (("the answer is lost", True), ("it never arrives", False)):
        for one in world.services.values():
            one.relay.cut(words, delivers=delivers)
        sent[words] = say(erin, room, words)
        for one in world.services.values():
            assert one.relay.held.wait(PATIENCE_SECONDS), one.name
        house.server.process.kill()
        house.server.process.communicate()
        house.start()
    sent["afterwards"] = say(erin, room, "afterwards")
    for one in world.services.values():
        for words, event_id in sent.items():
            until(lambda one=one, words=words: one.heard(words), what=f"{one.name} hears: {words}")  # type: ignore[misc]
            assert one.heard(words) == [event_id], one.name
        ghost = one.user_id(erin.user_id[1:].partition(":")[0])
        until(lambda ghost=ghost: (ghost, "echo: afterwards") in texts(erin, room), what="the ghost answers")  # type: ignore[misc]
        check_transactions(one)


def check_transactions(one: Running) -> None:
    """The same ID, the same body; each event in one transaction alone, in the order of the room."""
    bodies: dict[str, Any] = {}
    for txn_id, body in one.relay.transactions():
        assert bodies.setdefault(txn_id, body) == body
    assert len(bodies) < len(one.relay.transactions()), "what got no answer is sent again"
    events = [event["event_id"] for body in bodies.values() for event in body["events"]]
    assert len(events) == len(set(events))
    assert {authorization for _, _, _, authorization in one.relay.seen} == {f"Bearer hs-token-of-{one.name}"}


def test_the_traffic_is_as_specified(world: World) -> None:
    assert not violations(world.house.recording)


def test_the_server_never_failed(world: World) -> None:
    lines = world.house.server.errors().splitlines()
    assert [line for line in lines if "Traceback" in line or "CRITICAL" in line or " error " in line] == []
