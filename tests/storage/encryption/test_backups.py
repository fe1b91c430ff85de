"""The store of key backups, on all drivers."""

from homeserver.encryption.backup.backup import is_better
from homeserver.encryption.backup.store import BackupKey, KeyPlace
from storage.database import Database
from storage.encryption.key_backup import StoredBackups
from tests.support.loop import ThreadLoop

ALICE = "@alice:test"


def key(room: str, session: str, index: int = 1, body: bytes = b"{}") -> BackupKey:
    return BackupKey(room, session, index, 0, False, body)


def test_versions_and_keys(loop: ThreadLoop, database: Database) -> None:
    store = StoredBackups(database)
    assert loop.run(store.version(ALICE, None)) is None
    assert [loop.run(store.create(ALICE, "a", b"{}")) for _ in range(2)] == [1, 2]
    assert loop.run(store.put(ALICE, 1, [key("!a", "1")], is_better)) is None
    keys = [key("!a", "1"), key("!a", "2"), key("!b", "1")]
    stored = loop.run(store.put(ALICE, 2, keys, is_better))
    assert stored is not None
    assert (stored.key_count, stored.etag) == (3, 1)
    assert loop.run(store.put(ALICE, 2, [key("!a", "1", 5)], is_better)) == stored
    better = key("!a", "1", 0, b'{"n":1}')
    changed = loop.run(store.put(ALICE, 2, [better], is_better))
    assert changed is not None
    assert (changed.key_count, changed.etag) == (3, 2)
    assert loop.run(store.keys(ALICE, 2, KeyPlace())) == [better, *keys[1:]]
    assert loop.run(store.keys(ALICE, 2, KeyPlace("!a"))) == [better, keys[1]]
    assert loop.run(store.keys(ALICE, 2, KeyPlace("!a", "2"))) == [keys[1]]
    left = loop.run(store.remove_keys(ALICE, 2, KeyPlace("!a", "2")))
    assert left is not None
    assert (left.key_count, left.etag) == (2, 3)
    assert loop.run(store.delete(ALICE, 2))
    assert loop.run(store.delete(ALICE, 2))
    assert not loop.run(store.delete(ALICE, 3))
    assert loop.run(store.remove_keys(ALICE, 2, KeyPlace())) is None
    last = loop.run(store.version(ALICE, None))
    assert last is not None
    assert last.version == 1
    assert loop.run(store.create(ALICE, "a", b"{}")) == 3
    loop.run(store.set_auth_data(ALICE, 3, b'{"x":1}'))
    found = loop.run(store.version(ALICE, 3))
    assert found is not None
    assert found.auth_data == b'{"x":1}'
