"""Keys of devices between servers: asked for, followed, given out; messages to devices."""

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from federation.client import v1
from tests.encryption.crypto import V3, Device, Identity
from tests.federation.support.shared import enter
from tests.federation.support.sharing import change, edus, plant, shared_room, transactions
from tests.federation.support.town import Town
from tests.support.rooms import create_room

ALICE, BOB = "@alice:a.test", "@bob:b.test"
PASSWORD = "secret secret"


def person(town: Town, server: str, name: str, device_id: str = "PHONE") -> Device:
    town.user(server, name)
    return another(town, server, name, device_id)


def another(town: Town, server: str, name: str, device_id: str) -> Device:
    who = {"type": "m.id.user", "user": name}
    body = {"type": "m.login.password", "identifier": who, "password": PASSWORD, "device_id": device_id}
    answer = town[server].ok(town[server].client.post(f"{V3}/login", body))
    return Device(town[server].client.with_token(answer["access_token"]), answer["user_id"], device_id)


def upload(town: Town, device: Device, **more: Any) -> None:
    server = device.user_id.partition(":")[2]
    town[server].ok(device.client.post(f"{V3}/keys/upload", {"device_keys": device.device_keys(), **more}))


def query(town: Town, viewer: Device, *user_ids: str) -> Any:
    server = viewer.user_id.partition(":")[2]
    return town[server].ok(viewer.client.post(f"{V3}/keys/query", {"device_keys": {user_id: [] for user_id in user_ids}}))


def asked(town: Town) -> list[str]:
    """What b.test asked a.test."""
    return [
        passed.uri.rpartition("/v1/")[2] for passed in town.network.passed if passed.destination == "a.test" and "/v1/user/" in passed.uri
    ]


@pytest.fixture
def alice(town: Town) -> Device:
    device = person(town, "a.test", "alice")
    upload(town, device, one_time_keys=device.one_time("a"))
    return device


@pytest.fixture
def bob(town: Town) -> Device:
    return person(town, "b.test", "bob")


def share(town: Town, alice: Device) -> str:
    room_id = shared_room(town, alice.client)
    plant(town["b.test"], room_id, {ALICE: False, BOB: True})
    town.settle(1)
    return room_id


def test_keys_of_strangers_are_asked_for_each_time(town: Town, alice: Device, bob: Device) -> None:
    for _ in range(2):
        answer = query(town, bob, ALICE, "@nobody:a.test", "@carol:c.test")
        assert answer["device_keys"] == {ALICE: {"PHONE": {**alice.device_keys(), "unsigned": {}}}, "@nobody:a.test": {}}
        assert list(answer["failures"]) == ["c.test"]
    assert asked(town) == ["user/keys/query"] * 2


def test_keys_of_those_who_share_a_room_are_followed(town: Town, alice: Device, bob: Device) -> None:
    share(town, alice)
    for _ in range(2):
        assert list(query(town, bob, ALICE)["device_keys"][ALICE]) == ["PHONE"]
    assert asked(town) == ["user/devices/%40alice%3Aa.test"]
    since = town["b.test"].ok(bob.client.get(f"{V3}/sync"))["next_batch"]
    laptop = another(town, "a.test", "alice", "LAPTOP")
    upload(town, laptop)
    town.settle(1)
    town["a.test"].ok(laptop.client.put(f"{V3}/devices/LAPTOP", {"display_name": "My laptop"}))
    town.settle(1)
    told = query(town, bob, ALICE)["device_keys"][ALICE]
    assert told["LAPTOP"] == {**laptop.device_keys(), "unsigned": {"device_display_name": "My laptop"}}
    assert sorted(told) == ["LAPTOP", "PHONE"]
    assert len(asked(town)) == 1
    lists = town["b.test"].ok(bob.client.get(f"{V3}/sync", {"since": since}))["device_lists"]
    assert lists["changed"] == [ALICE]
    town["a.test"].ok(laptop.client.post(f"{V3}/logout"))
    town.settle(1)
    assert list(query(town, bob, ALICE)["device_keys"][ALICE]) == ["PHONE"]
    assert len(asked(town)) == 1
    updates = edus(town, "m.device_list_update")[-3:]
    assert [update.get("deleted", False) for update in updates] == [False, False, True]
    assert [update["prev_id"] for update in updates[1:]] == [[update["stream_id"]] for update in updates[:-1]]


def test_a_list_with_a_gap_is_asked_for_again(town: Town, alice: Device, bob: Device) -> None:
    share(town, alice)
    query(town, bob, ALICE)
    town.network.take_down("a.test")
    laptop = another(town, "a.test", "alice", "LAPTOP")
    upload(town, laptop)
    tablet = another(town, "a.test", "alice", "TABLET")
    upload(town, tablet)
    town.settle(5)
    town.network.bring_up("a.test")
    town["a.test"].federation.reach.outages.alive("b.test")
    town["b.test"].federation.reach.outages.alive("a.test")
    town.settle(5)
    assert sorted(query(town, bob, ALICE)["device_keys"][ALICE]) == ["LAPTOP", "PHONE", "TABLET"]
    assert asked(town) == ["user/devices/%40alice%3Aa.test"] * 2
    assert [update["prev_id"] for update in edus(town, "m.device_list_update")][-1] == []


def test_an_update_that_overtakes_the_whole_list_is_not_lost(town: Town, alice: Device, bob: Device) -> None:
    share(town, alice)
    upload(town, another(town, "a.test", "alice", "TABLET"))
    town.settle(1)  # b.test knows the keys of a.test
    before = len(edus(town, "m.device_list_update"))
    town.network.slow["a.test"] = 1.0
    answers: list[Any] = []
    Deferred.fromCoroutine(bob.client.post(f"{V3}/keys/query", {"device_keys": {ALICE: []}})).addCallback(answers.append)
    town.settle(1.5)  # the list is on its way back
    upload(town, another(town, "a.test", "alice", "LAPTOP"))
    town.settle(0.4)
    assert answers == []
    assert len(edus(town, "m.device_list_update")) == before + 1
    town.settle(2)
    assert len(answers) == 1
    del town.network.slow["a.test"]
    assert sorted(query(town, bob, ALICE)["device_keys"][ALICE]) == ["LAPTOP", "PHONE", "TABLET"]


def test_cross_signing_keys_are_told(town: Town, alice: Device, bob: Device) -> None:
    share(town, alice)
    query(town, bob, ALICE)
    identity = Identity(ALICE)
    auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "alice"}, "password": PASSWORD}
    town["a.test"].ok(alice.client.post(f"{V3}/keys/device_signing/upload", {**identity.upload(), "auth": auth}))
    town.settle(1)
    answer = query(town, bob, ALICE)
    assert answer["master_keys"] == {ALICE: identity.public("master", identity.master)}
    assert answer["self_signing_keys"] == {ALICE: identity.public("self_signing", identity.self_signing)}
    assert answer["user_signing_keys"] == {}
    assert len(asked(town)) == 1
    assert len(edus(town, "m.signing_key_update")) == 1


def test_who_comes_to_a_room_is_introduced(town: Town, alice: Device, bob: Device) -> None:
    carol = person(town, "a.test", "carol", "NEW")
    room = share(town, alice)
    before = len(edus(town, "m.device_list_update"))
    for device in (alice, carol):
        server = town["a.test"]
        server.ok(device.client.post(f"{V3}/join/{room}"))  # alice is there already
        server.ok(device.client.put(f"{V3}/profile/{device.user_id}/displayname", {"displayname": "I am not new"}))
    town.settle(5)
    told = edus(town, "m.device_list_update")[before:]
    assert [(update["user_id"], update["device_id"], update["prev_id"]) for update in told] == [("@carol:a.test", "NEW", [])]


def test_a_device_without_keys_is_no_news(town: Town, alice: Device, bob: Device) -> None:
    carol = person(town, "a.test", "carol", "NEW")
    room = create_room(town["a.test"], alice.client, preset="public_chat")
    enter(town, "b.test", bob.client, room)
    town.settle(5)
    first = town["b.test"].ok(bob.client.get(f"{V3}/sync"))["next_batch"]
    before = len(edus(town, "m.device_list_update"))
    town["a.test"].ok(carol.client.post(f"{V3}/join/{room}"))
    town.settle(5)
    assert [update["user_id"] for update in edus(town, "m.device_list_update")[before:]] == ["@carol:a.test"]
    told = town["b.test"].ok(bob.client.get(f"{V3}/sync", {"since": first, "timeout": "0"}))
    assert told["device_lists"]["changed"] == ["@carol:a.test"]
    since = told["next_batch"]
    town["b.test"].run(town["b.test"].federation.traffic.devices.follower.update(edus(town, "m.device_list_update")[-1]))
    assert "device_lists" not in town["b.test"].ok(bob.client.get(f"{V3}/sync", {"since": since}))
    upload(town, carol)
    town.settle(5)
    assert town["b.test"].ok(bob.client.get(f"{V3}/sync", {"since": since}))["device_lists"]["changed"] == ["@carol:a.test"]


def test_who_shares_no_room_any_more_is_followed_no_longer(town: Town, alice: Device, bob: Device) -> None:
    share(town, alice)
    query(town, bob, ALICE)
    store = town["b.test"].federation.traffic.devices.store
    change(town["b.test"], lambda cursor: cursor.run("DELETE FROM memberships WHERE user_id = ?", ALICE))
    assert town.run(store.all_strangers()) == {ALICE}
    assert town.run(store.strangers([ALICE, BOB], [])) == {ALICE}
    town.run(store.forget([ALICE]))
    assert town.run(store.users([ALICE])) == {}
    query(town, bob, ALICE)
    assert asked(town)[1:] == ["user/keys/query"]


def test_one_time_keys_are_claimed_once(town: Town, alice: Device, bob: Device) -> None:
    wanted = {ALICE: {"PHONE": "signed_curve25519", "NONE": "signed_curve25519"}, "@c:c.test": {"X": "signed_curve25519"}}
    answer = town["b.test"].ok(bob.client.post(f"{V3}/keys/claim", {"one_time_keys": wanted}))
    assert answer["one_time_keys"] == {ALICE: {"PHONE": alice.one_time("a")}}
    assert list(answer["failures"]) == ["c.test"]
    assert town["b.test"].ok(bob.client.post(f"{V3}/keys/claim", {"one_time_keys": wanted}))["one_time_keys"] == {}


def test_other_servers_are_told_of_our_users_alone(town: Town, alice: Device) -> None:
    client = town["b.test"].federation.reach.client
    answer = town.run(client.post("a.test", v1("user", "keys", "query"), {"device_keys": {ALICE: [], BOB: []}}))
    assert set(answer) == {"device_keys", "master_keys", "self_signing_keys"}
    assert list(answer["device_keys"]) == [ALICE]
    claimed = town.run(client.post("a.test", v1("user", "keys", "claim"), {"one_time_keys": {BOB: {"X": "a"}}}))
    assert claimed == {"one_time_keys": {}}


def test_nonsense_of_another_server_breaks_nothing(town: Town, alice: Device, bob: Device) -> None:
    share(town, alice)
    good = alice.device_keys()
    nonsense: tuple[Any, ...] = (
        None,
        [],
        {**good, "keys": {}},
        {**good, "user_id": BOB},
        {**good, "algorithms": "x"},
        {**good, "signatures": {"x": 1}},
    )
    for number, keys in enumerate(nonsense):
        update = {"user_id": ALICE, "device_id": f"D{number}", "stream_id": number, "prev_id": [], "keys": keys}
        body = {"origin": "a.test", "pdus": [], "edus": [{"edu_type": "m.device_list_update", "content": update}]}
        assert town.run(town["a.test"].federation.reach.client.put("b.test", v1("send", f"n{number}"), body)) == {"pdus": {}}
    assert list(query(town, bob, ALICE)["device_keys"][ALICE]) == ["PHONE"]
    town["b.test"].ok(bob.client.get(f"{V3}/sync"))


def test_messages_to_devices_arrive_once_also_after_an_outage(town: Town, alice: Device, bob: Device) -> None:
    town.network.take_down("b.test")
    for txn_id in ("one", "two", "one"):
        town["a.test"].ok(
            alice.client.put(f"{V3}/sendToDevice/m.test/{txn_id}", {"messages": {BOB: {"PHONE": {"txn": txn_id}, "NONE": {}}}})
        )
    town.settle(2)
    town.network.bring_up("b.test")
    town.settle(100, step=1)
    lost = iter(["answer"])
    town.network.lose = lambda origin, destination, uri: next(lost, None) if "/send/" in uri else None
    town["a.test"].ok(alice.client.put(f"{V3}/sendToDevice/m.test/three", {"messages": {BOB: {"*": {"txn": "three"}}}}))
    town.settle(200, step=1)
    events = town["b.test"].ok(bob.client.get(f"{V3}/sync"))["to_device"]["events"]
    assert [(event["sender"], event["type"], event["content"]["txn"]) for event in events] == [
        (ALICE, "m.test", txn_id) for txn_id in ("one", "two", "three")
    ]
    assert town["a.test"].run(town["a.test"].federation.traffic.devices.letters.destinations()) == []


def test_a_transaction_has_at_most_a_hundred_of_them(town: Town, alice: Device, bob: Device) -> None:
    town.network.take_down("b.test")
    for number in range(230):
        messages = {BOB: {"PHONE": {"number": number}}}
        town["a.test"].ok(alice.client.put(f"{V3}/sendToDevice/m.test/{number}", {"messages": messages}))
    town.settle(2)
    town.network.bring_up("b.test")
    town.settle(100, step=1)
    assert [len(body["edus"]) for body in transactions(town) if len(body["edus"]) > 5] == [100, 100, 30]
    numbers: list[int] = []
    since: dict[str, str] = {}
    while len(numbers) < 230:
        answer = town["b.test"].ok(bob.client.get(f"{V3}/sync", since))
        since = {"since": answer["next_batch"]}
        numbers += [event["content"]["number"] for event in answer["to_device"]["events"]]
    assert numbers == list(range(230))


def test_messages_in_foreign_names_are_dropped(town: Town, alice: Device, bob: Device) -> None:
    for number, sender in enumerate((BOB, "@x:c.test", "alice", ALICE)):
        content = {"sender": sender, "type": "m.test", "message_id": f"m{number}", "messages": {BOB: {"PHONE": {"by": sender}}}}
        body = {"origin": "a.test", "pdus": [], "edus": [{"edu_type": "m.direct_to_device", "content": content}]}
        town.run(town["a.test"].federation.reach.client.put("b.test", v1("send", f"n{number}"), body))
    events = town["b.test"].ok(bob.client.get(f"{V3}/sync"))["to_device"]["events"]
    assert [event["content"]["by"] for event in events] == [ALICE]
