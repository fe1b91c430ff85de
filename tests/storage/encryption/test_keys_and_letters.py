"""The stores of keys and of messages to devices, on all drivers."""

import pytest

from homeserver.encryption.store import (
    MASTER,
    Claim,
    CrossSigningKey,
    KeyIdTaken,
    OneTimeKey,
    TooManyKeys,
    Upload,
    UserSignature,
)
from homeserver.encryption.to_device.store import Letter, Limits, Transaction
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.encryption.device_lists import StoredDeviceLists
from storage.encryption.keys import StoredKeys
from storage.encryption.to_device import StoredToDevice
from storage.event_rows import RoomNames
from storage.people.devices import StoredDevices
from tests.support.loop import ThreadLoop

ALICE, BOB = "@alice:test", "@bob:test"
WIDE = Limits(100, 100)


def one(key_id: str, algorithm: str = "signed_curve25519", body: bytes = b'{"key":"x"}') -> OneTimeKey:
    return OneTimeKey(algorithm, key_id, body)


def test_one_time_keys_in_order_then_the_fallback_key(loop: ThreadLoop, database: Database) -> None:
    store = StoredKeys(database)
    fallback = one("f", body=b'{"key":"f","fallback":true}')
    loop.run(store.upload(Upload(ALICE, "A", None, [one("2")], [fallback]), None, 10))
    counts = loop.run(store.upload(Upload(ALICE, "A", None, [one("1"), one("3", "other")]), None, 10))
    assert (counts.one_time, counts.unused_fallback) == ({"signed_curve25519": 2, "other": 1}, ("signed_curve25519",))
    claim = Claim(ALICE, "A", "signed_curve25519")
    assert loop.run(store.claim([claim, claim, claim, Claim(BOB, "A", "other")])) == [one("2"), one("1"), fallback, None]
    counts = loop.run(store.counts(ALICE, "A"))
    assert (counts.one_time, counts.unused_fallback) == ({"other": 1}, ())
    loop.run(store.upload(Upload(ALICE, "A", fallback=[fallback]), None, 10))
    assert loop.run(store.counts(ALICE, "A")).unused_fallback == ()


def test_a_refused_upload_leaves_nothing(loop: ThreadLoop, database: Database) -> None:
    store = StoredKeys(database)
    loop.run(store.upload(Upload(ALICE, "A", None, [one("1")]), None, 2))
    with pytest.raises(KeyIdTaken):
        loop.run(store.upload(Upload(ALICE, "A", b"{}", [one("2"), one("1", body=b"{}")]), lambda _: b"{}", 2))
    with pytest.raises(TooManyKeys):
        loop.run(store.upload(Upload(ALICE, "A", None, [one("2"), one("3")]), None, 2))
    assert loop.run(store.counts(ALICE, "A")).one_time == {"signed_curve25519": 1}
    assert loop.run(store.keys_of({ALICE: []}, ALICE))[ALICE].devices == []


def test_keys_of_users_and_what_each_may_see(loop: ThreadLoop, database: Database) -> None:
    store, devices = StoredKeys(database), StoredDevices(database)
    loop.run(devices.add(ALICE, "A", "Phone", 1))
    for device_id in ("A", "B"):
        loop.run(store.upload(Upload(ALICE, device_id, b"{}"), lambda stored: None if stored else b'{"a":1}', 10))
    loop.run(store.merge_device(ALICE, "B", lambda stored: b'{"b":1}' if stored == b'{"a":1}' else None))
    loop.run(store.replace_cross_signing(ALICE, [CrossSigningKey(MASTER, "key", b"{}")], {}, anew=True))
    loop.run(store.merge_master(ALICE, lambda stored: b'{"m":1}' if stored == b"{}" else None))
    loop.run(store.sign_user(UserSignature(BOB, ALICE, "key", "ed25519:bob", "signature")))
    keys = loop.run(store.keys_of({ALICE: []}, BOB))[ALICE]
    assert [tuple(device) for device in keys.devices] == [("A", b'{"a":1}', "Phone"), ("B", b'{"b":1}', None)]
    assert keys.cross_signing == {MASTER: CrossSigningKey(MASTER, "key", b'{"m":1}')}
    assert [signature.signer for signature in keys.signatures] == [BOB]
    named = loop.run(store.keys_of({ALICE: ["B"]}, ALICE))[ALICE]
    assert ([device.device_id for device in named.devices], named.signatures) == (["B"], [])
    other = [CrossSigningKey(MASTER, "other", b"{}")]
    assert not loop.run(store.replace_cross_signing(ALICE, other, {}, anew=True))
    assert loop.run(store.replace_cross_signing(ALICE, other, {MASTER: "key"}, anew=True))
    assert loop.run(store.keys_of({ALICE: []}, BOB))[ALICE].signatures == []


def test_changes_of_keys_are_noted_for_those_who_may_see_them(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    store, lists, devices = StoredKeys(database), StoredDeviceLists(database, RoomNames()), StoredDevices(database)
    heard: list[Change] = []
    streams.subscribe(heard.extend)
    start = streams.position
    loop.run(devices.add(ALICE, "A", None, 1))
    assert loop.run(lists.changed_users(start, BOB)) == []
    loop.run(store.upload(Upload(ALICE, "A", b"{}"), lambda _: b"{}", 10))
    middle = streams.position
    assert loop.run(lists.changed_users(start, BOB)) == [ALICE]
    loop.run(store.sign_user(UserSignature(BOB, ALICE, "key", "ed25519:bob", "signature")))
    assert loop.run(lists.changed_users(middle, BOB)) == [ALICE]
    assert loop.run(lists.changed_users(middle, "@carol:test")) == []
    middle = streams.position
    loop.run(devices.remove(ALICE, ["A"]))
    assert loop.run(lists.changed_users(middle, "@carol:test")) == [ALICE]
    assert [change.subject.observer for change in heard if change.kind == "device_keys"] == ["", BOB, ""]


def test_letters_are_kept_in_order_until_they_are_removed(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    store, devices = StoredToDevice(database), StoredDevices(database)
    for device_id in ("A", "B"):
        loop.run(devices.add(ALICE, device_id, None, 1))
    assert loop.run(store.bounds(ALICE, "A")) == (0, 0)
    letters = [Letter(ALICE, "*", b"1"), Letter(ALICE, "B", b"2"), Letter(ALICE, "NONE", b"3"), Letter(BOB, "*", b"4")]
    for _ in range(2):
        assert loop.run(store.post(Transaction(BOB, "D", "t", 1), BOB, letters, WIDE))
    until = streams.position
    waiting = loop.run(store.waiting(ALICE, "B", 0, until, 10))
    assert [letter.event for letter in waiting] == [b"1", b"2"]
    assert loop.run(store.bounds(ALICE, "B")) == (waiting[0].position, waiting[1].position)
    assert [letter.event for letter in loop.run(store.waiting(ALICE, "B", 0, until, 1))] == [b"1"]
    loop.run(store.remove(ALICE, "B", waiting[0].position))
    assert loop.run(store.waiting(ALICE, "B", 0, until, 10)) == waiting[1:]
    assert [letter.event for letter in loop.run(store.waiting(ALICE, "A", 0, until, 10))] == [b"1"]


def test_full_devices_and_forgotten_transactions(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    store, devices = StoredToDevice(database), StoredDevices(database)
    loop.run(devices.add(ALICE, "A", None, 1))
    narrow = Limits(3, 2)

    def post(sender: str, txn_id: str) -> bool:
        return loop.run(store.post(Transaction(sender, "", txn_id, int(txn_id)), sender, [Letter(ALICE, "A", b"1")], narrow))

    assert [post(BOB, "1"), post(BOB, "2"), post(BOB, "3"), post(ALICE, "4"), post(ALICE, "5")] == [True, True, False, True, False]
    assert len(loop.run(store.waiting(ALICE, "A", 0, streams.position, 10))) == 3
    assert loop.run(store.forget_transactions(4, 1)) == 1
    assert loop.run(store.forget_transactions(10, 5)) == 2
