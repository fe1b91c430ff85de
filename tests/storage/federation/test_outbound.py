"""How far other servers were told, messages for devices there, and the lists of devices that are followed, on every driver."""

from federation.devices.store import CrossSigningUpdate, DeviceUpdate, RemoteDevice, RemoteUser
from federation.outbound.store import LETTER, Behind
from federation.store import Outage
from homeserver.encryption.store import KEYS_CHANGE
from homeserver.streams import Change, Streams
from storage.database import Database, WriteCursor
from storage.event_rows import RoomNames
from storage.federation.letters import StoredLetters
from storage.federation.outages import StoredOutages
from storage.federation.outbound import StoredOutbound
from storage.federation.remote_devices import StoredRemoteDevices
from tests.support.loop import ThreadLoop

BOB = "@bob:b.test"
PHONE, LAPTOP = RemoteDevice("PHONE", b'{"a":1}', "Phone"), RemoteDevice("LAPTOP", b'{"b":1}', None)


def listen(streams: Streams, kind: str) -> list[Change]:
    heard: list[Change] = []
    streams.subscribe(lambda changes: heard.extend(change for change in changes if change.kind == kind))
    return heard


def room(cursor: WriteCursor) -> None:
    """Room 1: alice of ours, bob and carol of others, dave gone."""
    cursor.run(
        "INSERT INTO rooms (room_num, room_id, version, created_ts, joined_count, local_joined_count) VALUES (1, '!r', '11', 0, 3, 1)"
    )
    for number, (user_id, membership, is_local) in enumerate(
        (("@alice:a.test", "join", 1), (BOB, "join", 0), ("@carol:c.test:8448", "join", 0), ("@dave:d.test", "leave", 0))
    ):
        cursor.run(
            "INSERT INTO memberships (room_num, user_id, membership, num, position, sender, is_local) VALUES (1, ?, ?, ?, 1, ?, ?)",
            *(user_id, membership, number, user_id, is_local),
        )


def event(cursor: WriteCursor, position: int, sender: str, flags: int = 0) -> None:
    cursor.run(
        """INSERT INTO events (num, room_num, position, topo, flags, notifies, ts, type, sender, event_id, body, links)
        VALUES (?, 1, ?, 1, ?, 0, 0, 'm.x', ?, ?, ?, ?)""",
        *(position, position, flags, sender, f"${position}", b'"content":{}', b'"depth":1'),
    )


def test_who_is_behind(loop: ThreadLoop, database: Database) -> None:
    store = StoredOutbound(database, RoomNames(), "a.test")
    assert loop.run(store.position()) is None
    first, second = Behind("b.test", 5, {"!r": 4, "!s": 5}), Behind("c.test", 7, {})
    loop.run(store.save(9, [first, second], []))
    assert loop.run(store.position()) == 9
    assert sorted(loop.run(store.behind())) == [first, second]
    loop.run(store.save(12, [Behind("b.test", 10, {"!r": 11})], ["c.test", "never.test"]))
    assert loop.run(store.behind()) == [Behind("b.test", 10, {"!r": 11, "!s": 5})]
    loop.run(store.save(12, [], ["b.test"]))
    assert loop.run(store.behind()) == []


def test_what_is_owed(loop: ThreadLoop, database: Database) -> None:
    store = StoredOutbound(database, RoomNames(), "a.test")
    loop.run(database.write(room))
    senders = {
        2: ("@alice:a.test", 0),
        3: (BOB, 0),
        4: ("@alice:a.test", 1),
        5: (BOB, 32),
        6: ("@alice:xa.test", 0),
        7: ("@alice:a.test", 0),
    }

    def write(cursor: WriteCursor) -> None:
        for position, (sender, flags) in senders.items():
            event(cursor, position, sender, flags)

    loop.run(database.write(write))
    assert loop.run(store.servers_in("!r")) == {"b.test", "c.test:8448"}
    assert loop.run(store.servers_in("!unknown")) == set()
    assert [each.position for each in loop.run(store.events(0, 9, 10))] == [2, 5, 7]
    assert [each.position for each in loop.run(store.events(2, 9, 1))] == [5]
    assert loop.run(store.newest({"!r": 1}, 6)) == [("!r", 5)]
    assert loop.run(store.newest({"!r": 7, "!unknown": 0}, 9)) == []
    assert [each.position for each in loop.run(store.owed("!r", 1, 9, 3))] == [2, 5, 7]
    assert [each.position for each in loop.run(store.owed("!r", 1, 9, 2))] == [7]


def test_letters(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    store, heard = StoredLetters(database), listen(streams, LETTER)
    assert loop.run(store.post({"b.test": b"1", "c.test": b"2"}, "m1", 2))
    assert loop.run(store.post({"b.test": b"other"}, "m1", 2))
    assert loop.run(store.post({"b.test": b"3"}, "m2", 2))
    assert not loop.run(store.post({"c.test": b"4", "b.test": b"4"}, "m3", 2))
    assert [letter.content for letter in loop.run(store.waiting("b.test", 10))] == [b"1", b"3"]
    assert [letter.content for letter in loop.run(store.waiting("c.test", 10))] == [b"2"]
    assert {change.subject for change in heard} == {"b.test", "c.test"}
    (first,) = loop.run(store.waiting("b.test", 1))
    loop.run(store.remove("b.test", first.position))
    assert [letter.content for letter in loop.run(store.waiting("b.test", 10))] == [b"3"]
    assert sorted(loop.run(store.destinations())) == ["b.test", "c.test"]


def test_letters_for_servers_that_are_gone(loop: ThreadLoop, database: Database) -> None:
    store = StoredLetters(database)
    loop.run(store.post({"gone.test": b"1", "away.test": b"2", "b.test": b"3"}, "m1", 9))
    loop.run(store.post({"gone.test": b"4"}, "m2", 9))
    loop.run(StoredOutages(database).put_outages([Outage("gone.test", 100, 1, 1), Outage("away.test", 200, 1, 1)], []))
    assert loop.run(store.forget(150, 1)) == 1
    assert loop.run(store.forget(150, 9)) == 1
    assert loop.run(store.forget(150, 9)) == 0
    assert sorted(loop.run(store.destinations())) == ["away.test", "b.test"]


def test_lists_of_devices(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    store, heard = StoredRemoteDevices(database), listen(streams, KEYS_CHANGE)
    assert loop.run(store.update(DeviceUpdate(BOB, 1, [], "PHONE", PHONE)))  # not followed
    assert loop.run(store.users([BOB])) == {}
    user = RemoteUser(BOB, 5, [PHONE], b"{}", None)
    loop.run(store.put(user, is_news=False))
    assert loop.run(store.users([BOB, "@x:b.test"])) == {BOB: user}
    assert loop.run(store.update(DeviceUpdate(BOB, 6, [5], "LAPTOP", LAPTOP)))
    assert loop.run(store.update(DeviceUpdate(BOB, 6, [5], "LAPTOP", None)))  # once more
    assert loop.run(store.users([BOB]))[BOB] == RemoteUser(BOB, 6, [LAPTOP, PHONE], b"{}", None)
    assert loop.run(store.update(DeviceUpdate(BOB, 7, [6], "PHONE", None)))
    loop.run(store.update_signing(CrossSigningUpdate(BOB, {"self_signing": b'{"s":1}'})))
    assert loop.run(store.users([BOB]))[BOB] == RemoteUser(BOB, 7, [LAPTOP], b"{}", b'{"s":1}')
    assert not loop.run(store.update(DeviceUpdate(BOB, 10, [9], "PHONE", PHONE)))
    assert loop.run(store.users([BOB]))[BOB].stale
    assert not loop.run(store.update(DeviceUpdate(BOB, 11, [10], "PHONE", PHONE)))
    assert [change.user_id for change in heard] == [BOB] * 6
    loop.run(store.forget([BOB]))
    assert loop.run(store.users([BOB])) == {}


def test_strangers(loop: ThreadLoop, database: Database) -> None:
    store = StoredRemoteDevices(database)
    loop.run(database.write(room))
    for user_id in (BOB, "@dave:d.test", "@x:x.test"):
        loop.run(store.put(RemoteUser(user_id, 1), is_news=False))
    assert loop.run(store.sharing([BOB, "@dave:d.test", "@x:x.test"])) == {BOB}
    assert loop.run(store.all_strangers()) == {"@dave:d.test", "@x:x.test"}
    assert loop.run(store.strangers([BOB, "@dave:d.test", "@carol:c.test:8448"], ["!r"])) == {"@dave:d.test"}
    loop.run(database.write(lambda cursor: cursor.run("UPDATE rooms SET local_joined_count = 0")))
    loop.run(database.write(lambda cursor: cursor.run("UPDATE memberships SET membership = 'leave' WHERE is_local = 1")))
    assert loop.run(store.strangers([], ["!r"])) == {BOB, "@dave:d.test"}
    assert loop.run(store.own_stream_id("@alice:a.test")) == 0
