"""The device: its keys at the homeserver, its cross-signing keys, the file that closes them."""

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from appservices.assistant.encryption.attachments import lock_file, unlock_file
from appservices.assistant.encryption.key_file import read_key
from appservices.assistant.encryption.signing import is_signed
from appservices.assistant.encryption.vault import Vault
from appservices.assistant.matrix.errors import BadFile, CannotEncrypt, Refused
from tests.assistant.encryption.key_server import At, FakeKeyServer, Somebody, run
from tests.support.clock import SeededChance

Meet = Callable[..., Somebody]


def test_others_see_a_device_signed_by_its_owner(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob = meet("alice"), meet("bob")
    (device,) = run(bob.vault.devices.of([alice.user]))
    assert (device.key, device.is_cross_signed) == (alice.vault.own.key, True)
    master = server.cross[alice.user]["master_key"]
    assert is_signed(master, alice.user, f"ed25519:{alice.vault.own.id}", alice.vault.own.signing_key)
    before = [name for _, name, _ in server.asked].count("upload")
    alice.restart()
    asked = [name for user, name, _ in server.asked[before:] if user == alice.user]
    assert server.cross[alice.user]["master_key"] == master
    assert "signatures" not in asked


def test_without_cross_signing_it_goes_on(server: FakeKeyServer, meet: Meet) -> None:
    server.fails["device_signing"] = Refused(401, "M_UNAUTHORIZED")
    alice, bob = meet("alice"), meet("bob")
    assert [each.is_cross_signed for each in run(bob.vault.devices.of([alice.user]))] == [False]
    event = alice.say("hello")
    bob.fetch()
    assert bob.reads(event) == "hello"


def test_keys_that_were_claimed_are_replaced(server: FakeKeyServer, meet: Meet) -> None:
    alice = meet("alice")
    keys = server.one_time[alice.place]
    assert len(keys) == 25
    for _ in range(20):
        keys.popitem()
    left = set(keys)
    counts = {alice.user: {alice.vault.own.id: {"signed_curve25519": 5}}}
    unused: dict[str, dict[str, list[str]]] = {alice.user: {alice.vault.own.id: []}}
    fallback = dict(server.fallback[alice.place])
    alice.fetch(**{"org.matrix.msc3202.device_one_time_keys_count": counts, "org.matrix.msc3202.device_unused_fallback_key_types": unused})
    assert len(keys) == 25
    assert left < set(keys)
    assert server.fallback[alice.place] != fallback


def test_keys_whose_upload_failed_go_up_the_next_time(server: FakeKeyServer, meet: Meet) -> None:
    alice = meet("alice")
    server.one_time[alice.place].clear()
    server.fails["keys/upload"] = Refused(500, "M_UNKNOWN")
    alice.fetch(**{"org.matrix.msc3202.device_one_time_key_counts": {alice.user: {alice.vault.own.id: {}}}})
    assert server.one_time[alice.place] == {}
    server.fails.clear()
    alice.restart()
    assert len(server.one_time[alice.place]) == 25


def test_a_homeserver_that_invents_devices(server: FakeKeyServer, meet: Meet) -> None:
    alice, bob, mallory = meet("alice"), meet("bob"), meet("mallory")
    genuine = server.devices[bob.user][bob.vault.own.id]
    server.devices[bob.user]["OTHER"] = server.devices[mallory.user][mallory.vault.own.id]
    server.devices[bob.user]["BARE"] = genuine | {"device_id": "BARE", "signatures": {}}
    server.devices[bob.user][bob.vault.own.id] = genuine | {"algorithms": [*genuine["algorithms"], "more"]}
    assert run(alice.vault.devices.of([bob.user])) == []


def test_the_key_file(tmp_path: Path) -> None:
    path, chance = tmp_path / "key", SeededChance()
    key = read_key(path, chance, may_make=True)
    assert (len(key), stat.S_IMODE(path.stat().st_mode)) == (32, 0o600)
    assert read_key(path, chance, may_make=True) == key
    path.unlink()
    with pytest.raises(CannotEncrypt):
        read_key(path, chance, may_make=False)
    path.write_bytes(b"short")
    with pytest.raises(CannotEncrypt):
        read_key(path, chance, may_make=True)


def test_another_key_file_opens_nothing(meet: Meet) -> None:
    alice = meet("alice")
    at = At(alice.server, alice.user)
    with pytest.raises(CannotEncrypt):
        Vault(alice.user, at, alice.store, alice.audiences, alice.clock, alice.chance, bytes(32), only_signed=False)


def test_files(meet: Meet) -> None:
    data = bytes(range(256)) * 40
    locked, file = lock_file(data, SeededChance())
    assert data[:32] not in locked
    assert unlock_file(locked, file) == data
    for bad in (file | {"v": "v1"}, file | {"iv": "AAAA"}, file | {"key": {}}, file | {"hashes": {}}):
        with pytest.raises(BadFile):
            unlock_file(locked, bad)
    with pytest.raises(BadFile):
        unlock_file(locked + b"x", file)
