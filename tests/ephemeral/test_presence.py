from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from homeserver.ephemeral.presence import Presence
from homeserver.ephemeral.sequence import FRESH, OTHER_BOOT, Ephemera, EphemeralChange
from homeserver.ephemeral.store import PresenceRecord
from homeserver.errors import Forbidden, InvalidParam
from homeserver.protocol.room_versions import room_version
from homeserver.rooms.store import StoredEvent
from homeserver.streams import Change, Streams
from storage.database import StorageUnavailable
from storage.personal.presence import StoredPresence
from tests.support.client import run
from tests.support.clock import FakeClock
from tests.support.storage import open_memory_database

ALICE, BOB, EVE = "@alice:test", "@bob:test", "@eve:test"


class Members:
    async def is_joined(self, room_id: str, user_id: str) -> bool:
        return True

    async def joined_rooms(self, user_id: str) -> list[str]:
        return ["!eve"] if user_id == EVE else ["!all", "!more"]


class World:
    def __init__(self) -> None:
        self.clock = FakeClock()
        self.streams = Streams()
        self.store = StoredPresence(run(open_memory_database(self.streams)))
        self.presence = self.start()

    def start(self, enabled: bool = True) -> Presence:
        self.ephemera = Ephemera("boot")
        presence = Presence(self.store, Members(), self.ephemera, self.clock, self.streams, enabled=enabled)
        run(presence.start())
        return presence

    def of(self, user_id: str) -> dict[str, Any]:
        return run(self.presence.of(user_id, ALICE))

    def state(self, user_id: str) -> str:
        return str(self.of(user_id)["presence"])

    def since(self, counter: int, for_user: str = ALICE) -> list[tuple[str, str]]:
        events = [orjson.loads(event) for event in run(self.presence.changed_since(counter, for_user))]
        return [(event["sender"], event["content"]["presence"]) for event in events]


@pytest.fixture
def world() -> World:
    return World()


def test_syncing_makes_online_and_its_end_offline(world: World) -> None:
    assert world.of(BOB) == {"presence": "offline"}
    world.presence.seen(BOB, "online", "D", 30.0)
    assert world.of(BOB) == {"presence": "online", "last_active_ago": 0, "currently_active": True}
    world.clock.advance(55)
    assert world.state(BOB) == "online"
    world.clock.advance(10)
    assert world.of(BOB) == {"presence": "offline", "last_active_ago": 65_000}


def test_idle_people_become_unavailable_and_return_when_they_act(world: World) -> None:
    for _ in range(11):
        world.presence.seen(BOB, "online", "D", 30.0)
        world.clock.advance(30)
    assert world.state(BOB) == "unavailable"
    world.presence.active(BOB)
    assert world.of(BOB) == {"presence": "online", "last_active_ago": 0, "currently_active": True}


def test_polling_costs_no_changes(world: World) -> None:
    world.presence.seen(BOB, "online", "D", 30.0)
    for _ in range(5):
        world.presence.active(BOB)
        world.presence.seen(BOB, "online", "D", 30.0)
        world.clock.advance(30)
    assert world.ephemera.counter == 1
    world.presence.seen(BOB, "online", "D", 30.0)
    world.clock.advance(40)
    assert world.ephemera.counter == 2  # no longer currently active
    assert world.of(BOB)["currently_active"] is False


def test_the_best_of_the_devices_counts(world: World) -> None:
    world.presence.seen(BOB, "unavailable", "A", 30.0)
    assert world.state(BOB) == "unavailable"
    world.presence.seen(BOB, "online", "B", 30.0)
    assert world.state(BOB) == "online"
    world.presence.seen(BOB, "offline", "B", 30.0)
    assert world.state(BOB) == "unavailable"
    world.presence.seen(EVE, "offline", "A", 30.0)
    assert world.since(FRESH, BOB) == [(BOB, "unavailable")]


def test_those_who_wait_are_told_of_many_changes_together(world: World) -> None:
    heard: list[EphemeralChange] = []
    world.ephemera.subscribe(heard.append)
    world.presence.seen(BOB, "online", "D", 300.0)
    world.presence.seen(EVE, "unavailable", "D", 300.0)
    world.presence.seen(EVE, "online", "D", 300.0)
    assert (world.ephemera.counter, heard) == (3, [])
    world.clock.advance(0.5)
    assert [(change.kind, change.user_id, change.counter) for change in heard] == [("presence", BOB, 3), ("presence", EVE, 3)]
    world.clock.advance(65)
    assert world.ephemera.counter == 5  # no longer currently active: read with the next answer
    assert len(heard) == 2


def test_people_come_while_it_is_found_out_who_knows_them(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def joined_rooms(_: Members, user_id: str) -> list[str]:
        world.presence.seen(f"@friend-of-{user_id[1:]}", "online", "D", 30.0)
        return ["!all"]

    for user_id in (ALICE, BOB, EVE):
        world.presence.seen(user_id, "online", "D", 30.0)
    monkeypatch.setattr(Members, "joined_rooms", joined_rooms)
    assert {user_id for user_id, _ in world.since(FRESH)} == {ALICE, BOB, EVE}


def test_who_comes_to_share_a_room_is_seen(world: World) -> None:
    world.presence.seen(BOB, "online", "D", 300.0)
    assert world.since(FRESH, EVE) == []
    for membership, seen in (("join", [(BOB, "online")]), ("leave", [])):
        subject = StoredEvent(
            1, 1, 1, 1, 0, 0, 0, "m.room.member", EVE, EVE, "$1", None, None, None, None, b"", b"", "!all", room_version("12")
        )  # fmt: skip
        subject.remember(SimpleNamespace(content={"membership": membership}))  # type: ignore[arg-type]
        world.streams.publish([Change(world.streams.position + 1, "event", "!all", EVE, subject)], world.streams.position + 1)
        assert world.since(FRESH, EVE) == seen


def test_what_the_user_says_goes_before_the_devices(world: World) -> None:
    world.presence.seen(BOB, "online", "A", 30.0)
    run(world.presence.put(BOB, "unavailable", "lunch", "A"))
    assert (world.state(BOB), world.of(BOB)["status_msg"]) == ("unavailable", "lunch")
    world.presence.seen(BOB, "online", "A", 30.0)
    assert world.state(BOB) == "unavailable"
    world.presence.active(BOB)
    assert world.state(BOB) == "online"
    run(world.presence.put(BOB, "offline", None, "A"))
    world.presence.active(BOB)
    assert world.state(BOB) == "offline"
    assert "status_msg" not in world.of(BOB)
    run(world.presence.put(BOB, "online", None, "A"))
    assert world.state(BOB) == "online"


def test_a_state_set_without_syncing_holds_for_a_while(world: World) -> None:
    run(world.presence.put(BOB, "online", "hello", None))
    assert world.state(BOB) == "online"
    world.clock.advance(320)
    assert world.state(BOB) == "offline"


def test_changes_are_told_to_those_who_share_a_room(world: World) -> None:
    world.presence.seen(BOB, "online", "D", 30.0)
    start = world.ephemera.counter
    world.presence.seen(EVE, "online", "D", 30.0)
    assert world.since(start) == []
    assert world.since(start, EVE) == [(EVE, "online")]
    assert world.since(FRESH) == [(BOB, "online")]
    run(world.presence.put(BOB, "offline", None, "D"))
    assert world.since(start) == [(BOB, "offline")]
    assert world.since(FRESH) == []
    with pytest.raises(Forbidden):
        world.of(EVE)


def test_who_comes_into_a_room_is_told_of_those_in_it(world: World) -> None:
    world.presence.seen(BOB, "online", "D", 30.0)
    world.presence.seen(EVE, "online", "D", 30.0)
    start = world.ephemera.counter
    told = run(world.presence.met_since(start, ALICE, [BOB, EVE, "@none:test"]))
    assert [orjson.loads(event)["sender"] for event in told] == [BOB], "Eve is in no room with Alice"
    assert run(world.presence.met_since(start - 2, ALICE, [BOB])) == [], "changed_since tells of him"
    run(world.presence.put(BOB, "offline", None, "D"))
    assert run(world.presence.met_since(world.ephemera.counter, ALICE, [BOB])) == []


def test_a_restart_keeps_status_and_tells_who_did_not_come_back(world: World) -> None:
    run(world.presence.put(BOB, "online", "hello", "D"))
    world.presence.seen(ALICE, "online", "D", 30.0)
    run(world.presence.stop())
    world.clock.advance(10)
    world.presence = world.start()
    assert (world.state(BOB), world.of(BOB)["status_msg"]) == ("online", "hello")
    world.presence.seen(ALICE, "online", "D", 30.0)
    world.clock.advance(40)
    assert world.since(OTHER_BOOT) == [(BOB, "offline"), (ALICE, "online")]
    assert world.of(BOB)["status_msg"] == "hello"


def test_states_are_written_now_and_then(world: World) -> None:
    world.presence.seen(BOB, "online", "D", 600.0)
    assert run(world.store.get(BOB)) is None
    world.clock.advance(5)
    for _ in range(5):
        world.clock.advance(5)
    stored = run(world.store.get(BOB))
    assert stored is not None
    assert stored.state == "online"
    run(world.presence.stop())
    assert world.clock.waiting() == 0


def test_what_could_not_be_written_is_written_the_next_time(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    put, failed = StoredPresence.put, 0

    async def put_or_fail(store: StoredPresence, records: Sequence[PresenceRecord]) -> None:
        nonlocal failed
        if not failed:
            failed += 1
            raise StorageUnavailable
        await put(store, records)

    monkeypatch.setattr(StoredPresence, "put", put_or_fail)
    world.presence.seen(BOB, "online", "D", 600.0)
    for _ in range(6):
        world.clock.advance(5)
    assert (failed, run(world.store.get(BOB))) == (1, None)
    for _ in range(6):
        world.clock.advance(5)
    stored = run(world.store.get(BOB))
    assert stored is not None
    assert stored.state == "online"


def test_other_servers_know_about_their_users(world: World) -> None:
    world.presence.receive("@carl:far", "online", "hi", 100_000, False)
    assert world.of("@carl:far") == {"presence": "online", "last_active_ago": 100_000, "currently_active": False, "status_msg": "hi"}
    world.clock.advance(1_500)
    assert world.state("@carl:far") == "online"
    world.clock.advance(400)
    assert world.state("@carl:far") == "offline"


@pytest.mark.parametrize("status", ["x" * 1_025, "é" * 600, "a\0b"])
def test_bad_status_messages(world: World, status: str) -> None:
    with pytest.raises(InvalidParam):
        run(world.presence.put(BOB, "online", status, "D"))


def test_switched_off_nobody_is_seen(world: World) -> None:
    presence = world.start(enabled=False)
    presence.seen(BOB, "online", "D", 30.0)
    presence.active(BOB)
    presence.receive("@carl:far", "online", None, 0, True)
    run(presence.put(BOB, "online", "hi", "D"))
    assert run(presence.of(BOB, ALICE)) == {"presence": "offline"}
    assert run(presence.changed_since(FRESH, ALICE)) == []
    assert run(world.store.get(BOB)) is None


def test_those_long_offline_are_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeserver.ephemeral.presence_board.MAX_USERS", 10)
    for number in range(30):
        world.presence.seen(f"@user{number}:test", "online", "D", 0.0)
        world.clock.advance(40)
    assert len(world.since(OTHER_BOOT)) <= 11


def test_who_is_here_all_the_time_keeps_nobody_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("homeserver.ephemeral.presence_board.MAX_USERS", 10)
    world.presence.seen(BOB, "unavailable", "D", 86_400.0)
    for number in range(30):
        world.presence.seen(f"@user{number}:test", "online", "D", 0.0)
        world.clock.advance(40)
    assert world.presence.known_users <= 11
    assert world.state(BOB) == "unavailable"
