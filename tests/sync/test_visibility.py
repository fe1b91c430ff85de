"""Who may see what in /sync: four visibilities, five kinds of readers, one secret word for each phase (client-server API, "Room History Visibility")."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.support.client import Client
from tests.support.rooms import create_room, join, member, path
from tests.support.server import TestServer, make_server

VISIBILITIES = ("world_readable", "shared", "invited", "joined")
BOB = "@bob:test"
PHASES = ("early", "invited", "joined", "left")


class World:
    """Alice talks on; Bob passes through the phases of a membership."""

    def __init__(self, directory: Path, visibility: str) -> None:
        self.server: TestServer = make_server(directory)
        self.alice, self.bob, self.carol = (self.server.user(name) for name in ("alice", "bob", "carol"))
        self.room = create_room(
            self.server, self.alice, preset="public_chat", initial_state=[visibility_event(visibility)], room_version="11"
        )

    def say(self, text: str) -> None:
        self.server.clock.advance(0.01)
        self.server.ok(
            self.alice.put(path("rooms", self.room, "send", "m.room.message", text), {"msgtype": "m.text", "body": f"word {text}"})
        )

    def reach(self, phase: str) -> Iterator[str]:
        """Go on up to the phase; a message is said in each."""
        for name in PHASES:
            if name == "invited":
                assert member(self.server, self.alice, self.room, "invite", BOB)[0] == 200
            elif name == "joined":
                join(self.server, self.bob, self.room)
            elif name == "left":
                self.server.ok(self.bob.post(path("rooms", self.room, "leave")))
            self.say(name)
            yield name
            if name == phase:
                return

    def words(self, client: Client, since: str | None = None) -> set[str]:
        """What the reader is shown."""
        wanted = orjson.dumps({"room": {"include_leave": True, "timeline": {"limit": 100}}}).decode()
        text = str(self.server.ok(client.get(path("sync"), {"since": since, "filter": wanted})))
        return {phase for phase in PHASES if f"word {phase}" in text}


def visibility_event(visibility: str) -> dict[str, Any]:
    return {"type": "m.room.history_visibility", "content": {"history_visibility": visibility}}


def expected(visibility: str, phase: str) -> set[str]:
    """What Bob may see when he has come to that phase."""
    known = PHASES[: PHASES.index(phase) + 1]
    if phase in ("early", "invited"):
        return set()  # not in the room: /sync has nothing but the invite
    if visibility in ("world_readable", "shared"):
        seen = {"early", "invited", "joined"}
    elif visibility == "invited":
        seen = {"invited", "joined"}
    else:
        seen = {"joined"}
    return seen.intersection(known)


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_at_once(tmp_path: Path, visibility: str, phase: str) -> None:
    world = World(tmp_path, visibility)
    list(world.reach(phase))
    assert world.words(world.bob) == expected(visibility, phase)
    assert world.words(world.carol) == set()
    assert world.words(world.alice) == set(PHASES[: PHASES.index(phase) + 1])


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_step_by_step(tmp_path: Path, visibility: str) -> None:
    """Increments tell, all together, what an initial sync would tell, never more."""
    world = World(tmp_path, visibility)
    seen: set[str] = set()
    since: str | None = None
    for phase in world.reach("left"):
        seen |= world.words(world.bob, since)
        assert seen <= expected(visibility, phase) | (expected(visibility, "joined") if phase == "left" else set())
        since = world.server.ok(world.bob.get(path("sync"), {"since": since}))["next_batch"]
    assert seen == expected(visibility, "left")


@pytest.mark.parametrize("ending", ["kick", "ban"])
@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_thrown_out(tmp_path: Path, visibility: str, ending: str) -> None:
    world = World(tmp_path, visibility)
    list(world.reach("joined"))
    token = world.server.ok(world.bob.get(path("sync")))["next_batch"]
    assert member(world.server, world.alice, world.room, ending, BOB)[0] == 200
    world.say("left")
    assert world.words(world.bob) == expected(visibility, "joined")
    assert world.words(world.bob, token) == set()


def test_the_visibility_of_the_moment_counts(tmp_path: Path) -> None:
    """A room that was closed and is open now does not open what was said before."""
    world = World(tmp_path, "joined")
    world.say("early")
    content = {"history_visibility": "shared"}
    world.server.ok(world.alice.put(path("rooms", world.room, "state", "m.room.history_visibility", ""), content))
    world.say("invited")
    join(world.server, world.bob, world.room)
    assert world.words(world.bob) == {"invited"}


def test_ignored_users(tmp_path: Path) -> None:
    """Their messages are left out, their state is not."""
    world = World(tmp_path, "shared")
    join(world.server, world.bob, world.room)
    token = world.server.ok(world.bob.get(path("sync")))["next_batch"]
    ignored: dict[str, Any] = {"ignored_users": {"@alice:test": {}}}
    world.server.ok(world.bob.put(path("user", BOB, "account_data", "m.ignored_user_list"), ignored))
    world.say("early")
    world.server.ok(world.alice.put(path("rooms", world.room, "state", "m.room.topic", ""), {"topic": "still told"}))
    for since in (token, None):
        assert world.words(world.bob, since) == set()
        room = world.server.ok(world.bob.get(path("sync"), {"since": since}))["rooms"]["join"][world.room]
        assert any(event["content"] == {"topic": "still told"} for event in room["timeline"]["events"])
    world.server.ok(world.bob.put(path("user", BOB, "account_data", "m.ignored_user_list"), {"ignored_users": {}}))
    assert world.words(world.bob) == {"early"}
