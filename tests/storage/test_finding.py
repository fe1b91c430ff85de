"""Aliases, lists of rooms and what summaries are made of, on every driver."""

from homeserver.rooms.directory.store import LISTING, AliasRecord, NetworkListing
from homeserver.rooms.store import Succession
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.event_rows import RoomNames
from storage.finding.directory import Directory
from storage.finding.summaries import StoredSummaries
from storage.finding.upgrades import Upgrades, write_succession
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE = "@alice:test"


def fill(loop: ThreadLoop, database: Database) -> Rows:
    rows = Rows(database)
    for room_id in ("!a", "!b"):
        loop.run(rows.room(room_id))
    return rows


def test_aliases(loop: ThreadLoop, database: Database) -> None:
    fill(loop, database)
    directory = Directory(database)
    record = AliasRecord("#x:test", "!a", ALICE, 1000)
    assert loop.run(directory.claim(record, 0))
    assert not loop.run(directory.claim(record._replace(room_id="!b"), 5000))
    assert loop.run(directory.alias("#x:test")) == record
    assert loop.run(directory.alias("#y:test")) is None
    assert loop.run(directory.aliases_of("!a")) == ["#x:test"]
    assert not loop.run(directory.release("#x:test", "!b"))
    assert loop.run(directory.release("#x:test", "!a"))
    assert loop.run(directory.aliases_of("!a")) == []


def test_an_alias_of_a_room_that_never_came_to_be_is_free_after_a_while(loop: ThreadLoop, database: Database) -> None:
    fill(loop, database)
    directory = Directory(database)
    assert loop.run(directory.claim(AliasRecord("#x:test", "!never", ALICE, 1000), 0))
    assert not loop.run(directory.claim(AliasRecord("#x:test", "!a", ALICE, 1500), 1000))
    assert loop.run(directory.claim(AliasRecord("#x:test", "!a", ALICE, 2000), 1001))
    assert loop.run(directory.aliases_of("!never")) == []


def test_lists(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    rows = fill(loop, database)
    heard: list[Change] = []
    streams.subscribe(heard.extend)
    directory = Directory(database)
    loop.run(rows.sql("UPDATE rooms SET joined_count = 5 WHERE room_id = ?", "!b"))
    assert loop.run(directory.publish("!a", True))
    assert loop.run(directory.publish("!b", True))
    assert loop.run(directory.publish("!b", True))
    assert not loop.run(directory.publish("!unknown", True))
    assert loop.run(directory.published(10)) == ["!b", "!a"]
    assert loop.run(directory.published(1)) == ["!b"]
    listing = NetworkListing("bridge", "irc", "!a")
    for listed in (True, True, False, True):
        loop.run(directory.list_in_network(listing, listed))
    assert loop.run(directory.network_listings()) == [listing]
    assert [(change.kind, change.room_id) for change in heard] == [(LISTING, "!a"), (LISTING, "!b"), *[(LISTING, "!a")] * 3]


def test_moving(loop: ThreadLoop, database: Database) -> None:
    fill(loop, database)
    directory = Directory(database)
    loop.run(directory.publish("!a", True))
    loop.run(directory.list_in_network(NetworkListing("bridge", "irc", "!a"), True))
    for alias in ("#x:test", "#y:test"):
        loop.run(directory.claim(AliasRecord(alias, "!a", ALICE, 1), 0))

    def succeed(succession: Succession) -> None:
        loop.run(database.write(lambda cursor: write_succession(cursor, succession, cursor.position())))

    succeed(Succession("!a", "!b", ["#x:test"]))
    assert loop.run(directory.aliases_of("!b")) == ["#x:test"]
    assert loop.run(directory.aliases_of("!a")) == ["#y:test"]
    assert loop.run(directory.published(10)) == ["!b"]
    assert loop.run(directory.network_listings()) == [NetworkListing("bridge", "irc", "!b")]
    succeed(Succession("!b", "!a", []))
    assert loop.run(directory.aliases_of("!b")) == ["#x:test"]


def test_state_of_rooms(loop: ThreadLoop, database: Database) -> None:
    rows = fill(loop, database)
    summaries, upgrades = StoredSummaries(database, RoomNames()), Upgrades(database, RoomNames())
    assert loop.run(summaries.facts("!a")) is None
    assert loop.run(summaries.facts("!unknown")) is None
    loop.run(rows.event("!a", "$name", type="m.room.name", state_key="", current=True))
    loop.run(rows.event("!a", "$odd", type="m.room.name", state_key="odd", current=True))
    loop.run(rows.event("!a", "$child", type="m.space.child", state_key="!b", current=True))
    facts = loop.run(summaries.facts("!a"))
    assert facts is not None
    assert [event.event_id for event in facts.events] == ["$name"]
    assert [event.event_id for event in loop.run(summaries.children("!a"))] == ["$child"]
    found = loop.run(upgrades.state_of_types("!a", ("m.room.name", "m.space.child")))
    assert {event.event_id for event in found} == {"$name", "$odd", "$child"}
    for user_id in ("@a:one", "@b:two", "@c:two"):
        loop.run(rows.member("!a", user_id))
    loop.run(rows.member("!a", "@d:three", "leave"))
    assert loop.run(summaries.servers("!a")) == ["two", "one"]
    assert loop.run(upgrades.bans("!a")) == []
