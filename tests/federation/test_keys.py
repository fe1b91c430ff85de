"""Whose keys are believed: documents that lie, keys that change, retire, leak or are gone, and notaries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, gatherResults

from config.federation import Federation
from federation.client import v1
from federation.keyring import Keyring
from federation.keys.documents import LEAKED, BadDocument, merge, read_document
from federation.store import KnownKey
from homeserver.errors import Unauthorized
from homeserver.protocol.errors import BadSignature
from homeserver.protocol.limits import KEY_VALIDITY_CAP_MS
from homeserver.protocol.signing import SigningKey, VerifyKey, encode_base64, sign_json
from tests.federation.support.town import Town, town_of

NOW = 1_700_000_000_000
DAY = 86_400_000
KEY = SigningKey("ed25519:a_1", bytes(range(32)))
OTHER = SigningKey("ed25519:a_1", bytes(range(1, 33)))


def document(*, signer: SigningKey | None = KEY, signed_as: str = "a.test", **changes: Any) -> dict[str, Any]:
    value = {
        "server_name": "a.test",
        "valid_until_ts": NOW + DAY,
        "verify_keys": {"ed25519:a_1": {"key": KEY.public_base64}},
        "old_verify_keys": {"ed25519:old": {"key": OTHER.public_base64, "expired_ts": NOW - DAY}},
        **changes,
    }
    return value if signer is None else sign_json(value, signed_as, signer)


def test_an_honest_document() -> None:
    read = read_document(document(), "a.test", NOW)
    assert read.keys == (
        KnownKey("a.test", "ed25519:a_1", KEY.public_key, NOW + DAY, retired=False),
        KnownKey("a.test", "ed25519:old", OTHER.public_key, NOW - DAY, retired=True),
    )


LIES = {
    "a foreign name": document(server_name="b.test"),
    "unsigned": document(signer=None),
    "signed by another": document(signer=OTHER),
    "signed in another's name": document(signed_as="b.test"),
    "past": document(valid_until_ts=NOW - 1),
    "changed afterwards": {**document(), "valid_until_ts": NOW + 2 * DAY},
    "without a time": document(valid_until_ts="soon"),
    "without keys": document(verify_keys={}),
    "no document": [],
    "keys of a wrong length": document(verify_keys={"ed25519:a_1": {"key": "c2hvcnQ"}}),
    "signed by a retired key": document(verify_keys={}, old_verify_keys={"ed25519:a_1": {"key": KEY.public_base64, "expired_ts": NOW}}),
}


@pytest.mark.parametrize("lie", LIES)
def test_documents_that_lie(lie: str) -> None:
    with pytest.raises(BadDocument):
        read_document(LIES[lie], "a.test", NOW)


def test_a_key_that_did_not_sign_is_not_taken() -> None:
    keys = {"ed25519:a_1": {"key": KEY.public_base64}, "ed25519:b": {"key": OTHER.public_base64}}
    assert [key.key_id for key in read_document(document(verify_keys=keys, old_verify_keys={}), "a.test", NOW).keys] == ["ed25519:a_1"]


def test_validity_reaches_a_week_ahead_at_most() -> None:
    assert read_document(document(valid_until_ts=NOW + 1000 * DAY), "a.test", NOW).valid_until_ms == NOW + KEY_VALIDITY_CAP_MS


def test_leaked_keys_count_for_nothing() -> None:
    (leaked,) = LEAKED
    old = document(old_verify_keys={"ed25519:0": {"key": encode_base64(leaked), "expired_ts": NOW - DAY}})
    assert [key.key_id for key in read_document(old, "a.test", NOW).keys] == ["ed25519:a_1"]
    with pytest.raises(BadDocument):
        read_document(document(), "a.test", NOW, frozenset({KEY.public_key}))


def test_the_first_bytes_under_an_id_stay_until_their_time_is_over() -> None:
    changed = read_document(
        document(verify_keys={"ed25519:a_1": {"key": OTHER.public_base64}}, signer=OTHER, old_verify_keys={}), "a.test", NOW
    )
    known = read_document(document(), "a.test", NOW).keys
    assert merge(known, changed, NOW) == []
    assert [key.public_key for key in merge(known, changed, NOW + 2 * DAY)] == [OTHER.public_key]


def test_a_retired_key_stays_retired() -> None:
    retired = [KnownKey("a.test", "ed25519:a_1", KEY.public_key, NOW - DAY, retired=True)]
    assert "ed25519:a_1" not in [key.key_id for key in merge(retired, read_document(document(), "a.test", NOW), NOW)]


@pytest.fixture
def three(tmp_path: Path) -> Iterator[Town]:
    with town_of(tmp_path, "a.test", "b.test", "c.test", federation=Federation(enabled=True, notaries=("c.test",))) as town:
        yield town


def asked(town: Town, server: str) -> list[tuple[str, str]]:
    return [(passed.destination, passed.uri) for passed in town.network.passed if passed.origin == server]


def test_a_notary_knows_the_keys_of_a_server_that_is_gone(three: Town) -> None:
    key = three["a.test"].parts.ground.identity.key
    three.run(three["c.test"].federation.reach.keyring.request_key("a.test", key.key_id))
    three.network.take_down("a.test")
    assert three.run(three["b.test"].federation.reach.keyring.request_key("a.test", key.key_id)).public_key == key.public_key
    assert asked(three, "b.test") == [
        ("a.test", "/_matrix/key/v2/server"),
        ("c.test", "/_matrix/key/v2/query"),
        ("c.test", "/_matrix/key/v2/server"),
    ]


def test_what_a_notary_says_is_signed_by_both(three: Town) -> None:
    status, answer = three.run(three["c.test"].client.get("/_matrix/key/v2/query/a.test"))
    assert status == 200
    assert sorted(answer["server_keys"][0]["signatures"]) == ["a.test", "c.test"]
    for wanted in ({}, {"ed25519:whatever": {"minimum_valid_until_ts": 5}}):
        status, answer = three.run(three["c.test"].client.post("/_matrix/key/v2/query", {"server_keys": {"a.test": wanted, "no.test": {}}}))
        assert [found["server_name"] for found in answer["server_keys"]] == ["a.test"]
    assert three.run(three["c.test"].client.post("/_matrix/key/v2/query", {"server_keys": []}))[0] == 400
    status, answer = three.run(three["c.test"].client.get("/_matrix/key/v2/query/c.test"))
    assert list(answer["server_keys"][0]["verify_keys"]) == [three["c.test"].parts.ground.identity.key.key_id]


def test_those_who_ask_together_share_the_answer_and_the_dead_are_left_alone(town: Town) -> None:
    keyring, key = town["b.test"].federation.reach.keyring, town["a.test"].parts.ground.identity.key

    async def together() -> list[VerifyKey]:
        asking = [Deferred.fromCoroutine(keyring.request_key("a.test", key.key_id)) for _ in range(5)]
        return await gatherResults(asking)

    town.network.delays = (0.1, 0.2)
    assert [found.public_key for found in town.run(together())] == [key.public_key] * 5
    for _ in range(3):
        with pytest.raises(Unauthorized):
            town.run(keyring.request_key("nobody.test", "ed25519:a"))
    assert [destination for destination, _ in asked(town, "b.test")] == ["a.test", "nobody.test"]


def test_a_server_whose_keys_are_slow_to_come_holds_up_nobody_else(three: Town) -> None:
    three.network.slow = {"c.test": 20.0}
    three.user("a.test", "alice")
    question = v1("query", "profile"), {"user_id": "@alice:a.test"}
    slow = [Deferred.fromCoroutine(three["c.test"].federation.reach.client.get("a.test", *question)) for _ in range(50)]
    three.clock.advance(0.1)
    assert three.run(three["b.test"].federation.reach.client.get("a.test", *question), seconds=0.1)
    assert not any(each.called for each in slow)
    three.settle(45, step=1)
    assert all(each.called for each in slow)


def test_keys_outlive_a_restart_and_are_asked_for_again_when_their_time_is_over(town: Town) -> None:
    reach, key = town["b.test"].federation.reach, town["a.test"].parts.ground.identity.key
    town.run(reach.keyring.request_key("a.test", key.key_id))
    assert [known.key_id for known in town.run(reach.key_store.keys("a.test"))] == [key.key_id]
    town.clock.set_wall_ms(town.clock.now_ms() + 2 * DAY)
    assert town.run(reach.keyring.request_key("a.test", key.key_id)).public_key == key.public_key
    assert len(asked(town, "b.test")) == 2


def test_a_new_key_is_found_and_the_old_one_vouches_for_its_own_time_alone(town: Town) -> None:
    a, keyring = town["a.test"], town["b.test"].federation.reach.keyring
    alice = a.user("alice")
    room = a.ok(alice.post("/_matrix/client/v3/createRoom", {}))["room_id"]

    def said(txn_id: str) -> Any:
        event_id = a.ok(alice.put(f"/_matrix/client/v3/rooms/{room}/send/m.room.message/{txn_id}", {"body": "a"}))["event_id"]
        return town.run(a.parts.rooms.store.events([event_id]))[event_id].event

    before = said("1")
    town.run(keyring.verify_event(before))
    old = a.parts.ground.identity.key
    town.settle(1.0)
    assert town.run(a.federation.reach.own_keys.rotate()) != old.key_id
    town.settle(31.0)
    after = said("2")
    assert list(after.pdu["signatures"]["a.test"]) == [a.parts.ground.identity.key.key_id]
    town.run(keyring.verify_event(after))
    town.run(keyring.verify_event(before))
    with pytest.raises(Unauthorized):
        town.run(keyring.request_key("a.test", old.key_id))
    published = a.ok(a.client.get("/_matrix/key/v2/server"))
    assert published["old_verify_keys"][old.key_id]["key"] == old.public_base64
    a.parts.ground.identity.key = old  # somebody has the old key
    with pytest.raises(BadSignature, match="valid then"):
        town.run(keyring.verify_event(said("3")))


def test_keys_that_the_settings_deny_vouch_for_nothing(tmp_path: Path) -> None:
    """Of whomever they are, whichever way they come, and also when they were known before."""
    with town_of(tmp_path, "a.test", "b.test", "c.test", federation=Federation(enabled=True, notaries=("c.test",))) as town:
        key, reach = town["a.test"].parts.ground.identity.key, town["b.test"].federation.reach
        town.run(reach.keyring.request_key("a.test", key.key_id))
        town.run(town["c.test"].federation.reach.keyring.request_key("a.test", key.key_id))
        denying = Keyring(reach.own_keys, reach.key_store, reach.keyring._fetch, town.clock, frozenset({key.public_key}))
        with pytest.raises(Unauthorized):
            town.run(denying.request_key("a.test", key.key_id))
        assert town.run(denying.keys("a.test")) == {}
    settings = Federation(enabled=True, denied_keys=(key.public_base64,))
    (tmp_path / "again").mkdir()
    with town_of(tmp_path / "again", federation=settings) as town:
        assert key.public_key in town["b.test"].federation.reach.keyring._denied


def test_names_that_lead_nowhere_leave_nothing_behind(town: Town) -> None:
    reach = town["b.test"].federation.reach
    for number in range(20):
        with pytest.raises(Unauthorized):
            town.run(reach.keyring.request_key(f"{number}.nowhere.test", "ed25519:a"))
    assert len(reach.outages) == 0
    assert reach.keyring.figures.entries == 0
