"""How far application services are. One contract, every driver."""

from appservices.store import Fetched, Progress, Transaction
from homeserver.accounts.store import NewAccount, NewLogin
from homeserver.encryption.to_device.send import LIMITS
from homeserver.encryption.to_device.store import Letter, Waiting
from homeserver.encryption.to_device.store import Transaction as Posting
from storage.appservices.progress import StoredAppservices
from storage.database import Database
from storage.encryption.to_device import StoredToDevice
from storage.event_rows import RoomNames
from storage.people.accounts import StoredAccounts
from tests.support.loop import ThreadLoop

BOB = "@_irc_bob:test"


def test_a_transaction_under_way_and_its_failures(loop: ThreadLoop, database: Database) -> None:
    store = StoredAppservices(database, RoomNames())
    assert loop.run(store.progress("irc")) is None
    loop.run(store.begin("irc", 5, None, ()))
    assert loop.run(store.progress("irc")) == Progress(5)
    transaction = Transaction("9-abc", 9, b'{"events":[]}', (Fetched(BOB, "D", 7),))
    loop.run(store.begin("irc", 6, transaction, ()))
    loop.run(store.failed("irc", 3, 1234))
    assert loop.run(store.progress("irc")) == Progress(6, transaction, 3, 1234)
    loop.run(store.begin("irc", 9, None, ()))
    assert loop.run(store.progress("irc")) == Progress(9)


def test_only_those_registered_are_kept(loop: ThreadLoop, database: Database) -> None:
    store = StoredAppservices(database, RoomNames())
    for name in ("irc", "xmpp"):
        loop.run(store.begin(name, 5, None, ()))
    loop.run(store.keep_only(["xmpp"]))
    assert loop.run(store.progress("irc")) is None
    assert loop.run(store.progress("xmpp")) == Progress(5)
    loop.run(store.keep_only([]))
    assert loop.run(store.progress("xmpp")) is None


def test_messages_to_devices_go_when_they_were_accepted(loop: ThreadLoop, database: Database) -> None:
    store, inboxes = StoredAppservices(database, RoomNames()), StoredToDevice(database)
    for device in ("D", "E"):
        login = NewLogin(BOB, device, None, 0, device.encode() * 32, None, None, None)
        loop.run(StoredAccounts(database).create(NewAccount(BOB, None, 0, None), login, None))
        loop.run(database.write(lambda cursor, device=device: cursor.run(ADD_DEVICE, BOB, device)))  # type: ignore[misc]
    letters = [Letter(BOB, "*", b'{"n":%d}' % number) for number in range(3)]
    loop.run(inboxes.post(Posting("@alice:test", "A", "1", 0), "@alice:test", letters, LIMITS))
    found = loop.run(store.letters(0, 1_000_000, 100))
    assert [(letter.device_id, letter.event) for letter in found] == [
        (device, b'{"n":%d}' % number) for number in range(3) for device in ("D", "E")
    ]
    assert loop.run(store.letters(found[1].position, found[3].position, 100)) == found[2:4]
    assert loop.run(store.letters(0, 1_000_000, 1)) == found[:1]
    loop.run(store.begin("irc", 5, None, [Fetched(BOB, "D", found[2].position)]))
    assert loop.run(inboxes.waiting(BOB, "D", 0, 1_000_000, 10)) == [Waiting(found[4].position, b'{"n":2}')]
    assert len(loop.run(inboxes.waiting(BOB, "E", 0, 1_000_000, 10))) == 3


ADD_DEVICE = "INSERT INTO devices (user_id, device_id, created_ts) VALUES (?, ?, 0) ON CONFLICT (user_id, device_id) DO NOTHING"
