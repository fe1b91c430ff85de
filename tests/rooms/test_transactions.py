"""One transaction ID, one event: in memory, beyond it, and after a commit whose outcome nobody knows."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from homeserver.rooms import transactions
from homeserver.rooms.transactions import DeviceTransactions, Transactions
from homeserver.streams import Change, Streams
from tests.support.client import Client, run, start
from tests.support.places import on_file, restarted
from tests.support.rooms import create_room, path
from tests.support.server import TestServer, make_server

ALICE, DEVICE, SCOPE = "@alice:test", "DEVICE", "1/m.room.message"


class Stored:
    """What of the RoomStore is asked."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str, str], str] = {}
        self.asked = 0

    async def device_transactions(self, user_id: str, device_id: str, most: int) -> list[tuple[str, str, str]]:
        rows = [(key[2], key[3], event_id) for key, event_id in self.rows.items() if key[:2] == (user_id, device_id)]
        return rows[-most:]

    async def transaction(self, user_id: str, device_id: str, scope: str, txn_id: str) -> str | None:
        self.asked += 1
        return self.rows.get((user_id, device_id, scope, txn_id))


@pytest.fixture
def stored() -> Stored:
    return Stored()


@pytest.fixture
def streams() -> Streams:
    return Streams()


@pytest.fixture
def all_devices(stored: Stored, streams: Streams) -> Transactions:
    return Transactions(stored, streams)  # type: ignore[arg-type]  # the part of it that is asked


@pytest.fixture
def device(all_devices: Transactions) -> DeviceTransactions:
    return run(all_devices.of(ALICE, DEVICE))


def test_a_device_that_goes_while_it_is_read_leaves_nothing_behind(
    all_devices: Transactions, stored: Stored, streams: Streams, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading: Deferred[None] = Deferred()
    read = stored.device_transactions

    async def slowly(user_id: str, device_id: str, most: int) -> list[tuple[str, str, str]]:
        found = await read(user_id, device_id, most)
        await reading
        return found

    monkeypatch.setattr(stored, "device_transactions", slowly)
    stored.rows[ALICE, DEVICE, SCOPE, "1"] = "$1"
    of_device = start(all_devices.of(ALICE, DEVICE))
    stored.rows.clear()
    streams.publish([Change(1, "device_deleted", None, ALICE, DEVICE)], 1)
    reading.callback(None)
    found: list[DeviceTransactions] = []
    of_device.addCallback(found.append)
    assert run(found[0].begin(SCOPE, "1")) is None


def test_begun_finished_known(device: DeviceTransactions, stored: Stored) -> None:
    assert run(device.begin(SCOPE, "1")) is None
    assert run(device.is_known(SCOPE, "1"))
    device.assign("$1", "1")
    device.finish(SCOPE, "1", "$1")
    assert run(device.begin(SCOPE, "1")) == "$1"
    assert run(device.begin("1/m.sticker", "1")) is None
    assert device.echo("$1") == "1"
    assert stored.asked == 0


def test_those_who_wait_for_the_first_try(device: DeviceTransactions) -> None:
    assert run(device.begin(SCOPE, "1")) is None
    waiting = [start(device.begin(SCOPE, "1")) for _ in range(3)]
    waiting[1].addErrback(lambda failure: failure.trap(CancelledError) and None)
    waiting[1].cancel()
    device.finish(SCOPE, "1", "$1")
    assert [waiting[0].result, waiting[2].result] == ["$1", "$1"]
    assert device.is_idle


def test_after_a_failure_one_of_those_who_wait_tries_again(device: DeviceTransactions) -> None:
    assert run(device.begin(SCOPE, "1")) is None
    waiting = [start(device.begin(SCOPE, "1")) for _ in range(3)]
    device.fail(SCOPE, "1")
    assert [turn.called for turn in waiting] == [True, False, False]
    assert waiting[0].result is None
    device.finish(SCOPE, "1", "$1")
    assert [turn.result for turn in waiting[1:]] == ["$1", "$1"]


def test_whoever_asks_while_the_waiting_are_told_is_told_too(device: DeviceTransactions) -> None:
    assert run(device.begin(SCOPE, "1")) is None
    again: list[str | None] = []
    start(device.begin(SCOPE, "1")).addCallback(lambda _: again.append(run(device.begin(SCOPE, "1"))))
    device.finish(SCOPE, "1", "$1")
    assert again == ["$1"]


def test_a_lost_commit_may_be_stored_all_the_same(device: DeviceTransactions, stored: Stored) -> None:
    for txn_id in ("1", "2"):
        assert run(device.begin(SCOPE, txn_id)) is None
        device.lose(SCOPE, txn_id)
    stored.rows[ALICE, DEVICE, SCOPE, "1"] = "$1"
    assert run(device.is_known(SCOPE, "1"))
    assert not run(device.is_known(SCOPE, "2"))
    assert run(device.begin(SCOPE, "1")) == "$1"
    assert run(device.begin(SCOPE, "2")) is None
    device.finish(SCOPE, "2", "$2")
    asked = stored.asked
    assert [run(device.begin(SCOPE, txn_id)) for txn_id in ("1", "2", "3")] == ["$1", "$2", None]
    assert stored.asked == asked


def test_a_store_that_fails_leaves_the_next_try_open(device: DeviceTransactions, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run(device.begin(SCOPE, "1")) is None
    device.lose(SCOPE, "1")

    async def fail(*_: str) -> str | None:
        raise OSError

    with monkeypatch.context() as patch:
        patch.setattr(stored, "transaction", fail)
        with pytest.raises(OSError):
            run(device.begin(SCOPE, "1"))
    assert device.is_idle
    stored.rows[ALICE, DEVICE, SCOPE, "1"] = "$1"
    assert run(device.begin(SCOPE, "1")) == "$1"


def test_memory_is_bounded_and_the_store_knows_the_rest(all_devices: Transactions, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_OF_DEVICE", 10)
    device = run(all_devices.of(ALICE, DEVICE))
    for number in range(30):
        assert run(device.begin(SCOPE, str(number))) is None
        device.finish(SCOPE, str(number), f"${number}")
        stored.rows[ALICE, DEVICE, SCOPE, str(number)] = f"${number}"
    assert len(device) == 10
    assert [run(device.begin(SCOPE, str(number))) for number in range(30)] == [f"${number}" for number in range(30)]
    assert len(device) == 10


def test_a_device_with_more_than_is_loaded(all_devices: Transactions, stored: Stored, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_OF_DEVICE", 10)
    stored.rows = {(ALICE, DEVICE, SCOPE, str(number)): f"${number}" for number in range(30)}
    device = run(all_devices.of(ALICE, DEVICE))
    assert run(device.begin(SCOPE, "29")) == "$29"
    assert stored.asked == 0
    assert run(device.begin(SCOPE, "3")) == "$3"
    assert run(device.begin(SCOPE, "new")) is None


def test_idle_devices_are_forgotten_first(all_devices: Transactions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_REMEMBERED", 20)
    busy = run(all_devices.of(ALICE, "BUSY"))
    run(busy.begin(SCOPE, "under way"))
    for number in range(10):
        device = run(all_devices.of(ALICE, f"DEVICE{number}"))
        for txn in range(5):
            run(device.begin(SCOPE, str(txn)))
            device.finish(SCOPE, str(txn), "$x")
    assert all_devices.cached(ALICE, "BUSY") is busy
    assert all_devices.figures.weight <= 25


def test_a_deleted_device_is_forgotten(all_devices: Transactions, device: DeviceTransactions, streams: Streams) -> None:
    assert all_devices.cached(ALICE, DEVICE) is device
    streams.publish([Change(1, "device_deleted", None, ALICE, DEVICE)], 1)
    assert all_devices.cached(ALICE, DEVICE) is None


# ------------------------------------------------------------------ in a server


def send(server: TestServer, client: Client, room: str, txn_id: str, type: str = "m.room.message", **content: Any) -> str:
    return str(server.ok(client.put(path("rooms", room, "send", type, txn_id), {"body": "hello", **content}))["event_id"])


def test_the_scope_is_device_room_and_path(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice = server.user("alice")
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": "secret secret"}
    second = server.client.with_token(server.ok(server.client.post(path("login"), login))["access_token"])
    room, other = create_room(server, alice), create_room(server, alice)
    first = send(server, alice, room, "1")
    different = {send(server, second, room, "1"), send(server, alice, other, "1"), send(server, alice, room, "1", "m.sticker")}
    redaction = server.ok(alice.put(path("rooms", room, "redact", first, "1")))["event_id"]
    assert len(different | {first, redaction}) == 5
    assert send(server, alice, room, "1", body="something else") == first
    assert server.ok(alice.put(path("rooms", room, "redact", first, "1")))["event_id"] == redaction


def test_a_refused_event_uses_up_no_id(tmp_path: Path) -> None:
    server = make_server(tmp_path)
    alice, bob = server.user("alice"), server.user("bob")
    room = create_room(server, alice, preset="public_chat")
    assert server.run(bob.put(path("rooms", room, "send", "m.room.message", "1"), {"body": "no"}))[0] == 403
    server.ok(bob.post(path("join", room)))
    send(server, bob, room, "1")


def test_over_a_restart_with_more_than_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transactions, "MAX_OF_DEVICE", 3)
    server = on_file(tmp_path)
    alice = server.user("alice")
    room = create_room(server, alice)
    sent = []
    for number in range(8):
        server.clock.advance(0.01)
        sent.append(send(server, alice, room, str(number)))
    server = restarted(server, tmp_path, seed=1)
    alice = server.client.with_token(alice.token)
    assert [send(server, alice, room, str(number)) for number in range(8)] == sent
    assert send(server, alice, room, "8") not in sent
