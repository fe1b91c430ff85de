"""What encryption keeps goes with the account."""

from pathlib import Path

from tests.encryption.crypto import V3, Identity
from tests.encryption.house import PASSWORD, House
from tests.encryption.test_device_lists import lists
from tests.encryption.test_key_backup import create

TABLES = ("device_keys", "one_time_keys", "fallback_keys", "cross_signing_keys", "to_device", "backup_versions", "backup_keys")


def test_a_closed_account_keeps_no_keys(tmp_path: Path) -> None:
    house = House(tmp_path)
    alice, bob = house.person("alice"), house.person("bob")
    house.room(alice, bob)
    house.upload(alice, one_time_keys=alice.one_time("a"), fallback_keys=alice.one_time("f", fallback=True))
    house.ok(alice.client.post(f"{V3}/keys/device_signing/upload", Identity(alice.user_id).upload()))
    create(house, alice)
    house.ok(bob.client.put(f"{V3}/sendToDevice/m.test/1", {"messages": {alice.user_id: {"*": {}}}}))
    token = house.sync(bob)["next_batch"]
    who = {"type": "m.id.user", "user": alice.user_id}
    auth = {"type": "m.login.password", "identifier": who, "password": PASSWORD}
    house.ok(alice.client.post(f"{V3}/account/deactivate", {"auth": auth}))
    house.server.clock.advance(5)
    answer = house.query(bob, alice.user_id)
    assert (answer["device_keys"], answer["master_keys"]) == ({alice.user_id: {}}, {})
    assert alice.user_id in lists(house.sync(bob, token))[1]
    for table in TABLES:
        sql = f"SELECT count(*) FROM {table} WHERE user_id = ?"
        assert house.run(_count(house, sql, alice.user_id)) == 0, table


async def _count(house: House, sql: str, user_id: str) -> int:
    found: int = await house.server.database.read(lambda cursor: cursor.value(sql, user_id))
    return found
