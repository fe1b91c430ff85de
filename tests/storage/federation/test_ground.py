"""Keys of servers and outages, on every driver."""

from federation.store import KnownKey, Outage, RetiredKey, StoredDocument
from storage.database import Database
from storage.federation.keys import StoredServerKeys
from storage.federation.outages import StoredOutages
from tests.support.loop import ThreadLoop

KEY = KnownKey("a.test", "ed25519:a", b"k" * 32, 2**53 - 1, retired=False)
OTHER = KnownKey("a.test", "ed25519:b", b"l" * 32, 5, retired=True)


def test_keys(loop: ThreadLoop, database: Database) -> None:
    store = StoredServerKeys(database)
    assert loop.run(store.keys("a.test")) == []
    assert loop.run(store.document("a.test")) is None
    document = StoredDocument("a.test", b'{"a":1}', 1, 2)
    loop.run(store.put(document, [KEY, OTHER]))
    assert sorted(loop.run(store.keys("a.test"))) == [KEY, OTHER]
    assert loop.run(store.document("a.test")) == document
    newer, retired = document._replace(body=b"{}", fetched_ms=3), KEY._replace(until_ms=4, retired=True)
    loop.run(store.put(newer, [retired]))
    loop.run(store.put(newer, []))
    assert sorted(loop.run(store.keys("a.test"))) == sorted([retired, OTHER])
    assert loop.run(store.document("a.test")) == newer
    assert loop.run(store.keys("b.test")) == []


def test_retired_keys(loop: ThreadLoop, database: Database) -> None:
    store = StoredServerKeys(database)
    first, second = RetiredKey("ed25519:b", b"b" * 32, 10), RetiredKey("ed25519:a", b"a" * 32, 20)
    for key in (first, second, first._replace(expired_ms=30)):
        loop.run(store.retire_key(key))
    assert loop.run(store.retired_keys()) == [first, second]


def test_outages(loop: ThreadLoop, database: Database) -> None:
    store = StoredOutages(database)
    loop.run(store.put_outages([], []))
    assert loop.run(store.outages()) == []
    outages = [Outage(f"{number}.test", number, 2**50, 60_000) for number in range(5)]
    loop.run(store.put_outages(outages, []))
    loop.run(store.put_outages([outages[0]._replace(retry_ms=7)], ["1.test", "2.test", "never.test"]))
    assert sorted(loop.run(store.outages())) == [outages[0]._replace(retry_ms=7), outages[3], outages[4]]
