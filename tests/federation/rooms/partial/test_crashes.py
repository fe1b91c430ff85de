"""The disk goes while a large room comes in, at each of the commits that it takes; after a restart nothing half-known is shown, and the room can be had."""

from pathlib import Path
from typing import Any

import pytest

from config.database import DatabaseSettings
from config.federation import Federation
from config.secret import Secret
from federation.client import v1
from homeserver.main import build
from homeserver.rooms.partial import complete
from homeserver.rooms.receiving import enter as enter_module
from homeserver.streams import Streams
from storage.drivers.threads import NoThreads
from storage.open_storage import open_database
from tests.federation.support.asking import ask, put_member
from tests.federation.support.shared import state
from tests.federation.support.town import Town, TownServer, town_of
from tests.support.client import Client, run
from tests.support.clock import SeededChance
from tests.support.places import Failing
from tests.support.rooms import create_room, path
from tests.support.server import test_config

MEMBERS = 10
PIECE = 4
MOST_COMMITS = 40


class Crashing:
    """b.test keeps its data in a file; alice of a.test made a large room, bob is of b.test."""

    def __init__(self, town: Town, directory: Path) -> None:
        self.town, self.directory = town, directory
        directory.mkdir()
        self.starts = 0
        self.start()
        self.bob = town.user("b.test", "bob")
        self.alice = town.user("a.test", "alice")
        self.room_id = create_room(town["a.test"], self.alice, preset="public_chat", name="Large")
        for number in range(MEMBERS):
            put_member(town, self.room_id, f"@user{number}:a.test")

    def start(self) -> None:
        """On what is in the file."""
        self.starts += 1
        clock, chance, streams, self.disk = self.town.clock, SeededChance(self.starts), Streams(), Failing()
        opening = open_database(
            DatabaseSettings(url=Secret("sqlite:///chatme.db")), directory=self.directory, streams=streams, clock=clock, chance=chance,
            threads=NoThreads(), observer=self.disk,
        )  # fmt: skip
        database: Any = run(opening, clock)
        database._file.writer.pragma("synchronous", "OFF")  # nobody pulls the plug here
        config = test_config(self.directory, federation=Federation(enabled=True))
        config = config._replace(server=config.server._replace(name="b.test"))
        building = build(
            config, clock=clock, chance=chance, threads=NoThreads(), database=database, streams=streams,
            transport=self.town.network.transport("b.test"),
        )  # fmt: skip
        server = TownServer(run(building, clock), clock, database)
        self.town.servers["b.test"] = server
        self.town.network.join("b.test", server.server.doors[0].dispatch)
        run(server.server.take_up(), clock)

    def crash(self) -> None:
        """What was under way comes to nothing, and the process is another."""
        server = self.town["b.test"]
        server.parts.rooms.visiting.resync.stop()
        self.disk.skip, self.disk.broken = 0, False  # what is left to write is where readers stand
        server.run(server.server.stop())
        self.start()
        self.bob = Client(self.town["b.test"].client.dispatch, self.bob.token)

    def join(self) -> int:
        status, _ = self.town["b.test"].run(self.bob.post(path("join", self.room_id) + "?via=a.test"))
        self.town.settle(1)
        return status

    def shown(self) -> list[str]:
        """The room's members, as bob sees them at once; none where the room is not there, or waits for them."""
        synced = self.town["b.test"].ok(self.bob.get(path("sync"), {"timeout": "0"}))
        room = synced.get("rooms", {}).get("join", {}).get(self.room_id)
        if room is None:
            return []
        events = [*room["state"]["events"], *room["timeline"]["events"]]
        return [event["state_key"] for event in events if event["type"] == "m.room.member"]

    def is_here(self) -> bool:
        return self.room_id in self.town["b.test"].ok(self.bob.get(path("joined_rooms")))["joined_rooms"]


def check_unknown(crashing: Crashing) -> None:
    """Nobody, here or elsewhere, is told anything of the room."""
    town, bob, room_id = crashing.town, crashing.bob, crashing.room_id
    assert crashing.shown() == []
    for what in (("state",), ("members",), ("joined_members",), ("messages",)):
        query = {"dir": "b"} if what == ("messages",) else {}
        assert town["b.test"].run(bob.get(path("rooms", room_id, *what), query))[0] == 403
    create = state(town, "a.test", crashing.alice, room_id)["m.room.create", ""]
    for question, asked in (
        (v1("state_ids", room_id), {"event_id": create}),
        (v1("event", create), {}),
        (v1("backfill", room_id), {"v": create, "limit": "5"}),
    ):
        assert ask(town, question, asked, by="a.test", of="b.test")[0] in (403, 404), question


def check_whole(crashing: Crashing) -> None:
    town = crashing.town
    assert not town["b.test"].parts.rooms.partial.is_partial(crashing.room_id)
    assert len(set(crashing.shown())) == MEMBERS + 2
    assert state(town, "a.test", crashing.alice, crashing.room_id) == state(town, "b.test", crashing.bob, crashing.room_id)
    parts = town["b.test"].parts
    record = town.run(parts.rooms.store.room(crashing.room_id))
    assert record is not None
    assert (record.joined_count, record.local_joined_count) == (MEMBERS + 2, 1)
    assert len(town.run(parts.rooms.members.joined_users(crashing.room_id))) == MEMBERS + 2


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((enter_module, "WRITTEN"), (complete, "WRITTEN"), (complete, "MEMBERS_AT_ONCE")):
        monkeypatch.setattr(module, name, PIECE)


@pytest.mark.usefixtures("in_pieces")
@pytest.mark.parametrize("partly", [True, False])
def test_a_room_that_was_coming_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, partly: bool) -> None:
    async def may_be_partial(*_: object) -> bool:
        return partly

    monkeypatch.setattr(enter_module.Entering, "may_be_partial", may_be_partial)
    seen = {"unknown": 0, "coming": 0, "whole": 0}
    for commits in range(MOST_COMMITS):
        (tmp_path / str(commits)).mkdir()
        with town_of(tmp_path / str(commits), "a.test") as town:
            crashing = Crashing(town, tmp_path / str(commits) / "b")
            crashing.disk.skip, crashing.disk.broken = commits, True
            status = crashing.join()
            failed = crashing.disk.failed
            crashing.crash()
            if not crashing.is_here():
                assert status >= 500
                check_unknown(crashing)
                seen["unknown"] += 1
                assert crashing.join() == 200
            elif town["b.test"].parts.rooms.partial.is_partial(crashing.room_id):
                assert partly
                assert crashing.shown() == []
                seen["coming"] += 1
            else:
                seen["whole"] += 1
            town.settle(2)
            check_whole(crashing)
            if not failed:
                break
    assert seen["unknown"] >= (1 if partly else 4)
    assert seen["coming"] >= (5 if partly else 0)
    assert seen["whole"] >= 1
