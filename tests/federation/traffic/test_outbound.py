"""What other servers are told of what happens in rooms: whom, in which order, and after they were away."""

from pathlib import Path

import orjson
import pytest
from twisted.internet.defer import Deferred

from federation.inbound.transactions import NoArrivals
from homeserver.protocol import canonical_json
from homeserver.streams import Change
from homeserver.wiring.reaching.traffic import Traffic, build_traffic
from tests.federation.support.asking import put_member
from tests.federation.support.sharing import edus, say, shared_room, texts, transactions
from tests.federation.support.town import Town, build_town, town_of
from tests.support.client import Client
from tests.support.rooms import V3, create_room, member, path


@pytest.fixture
def alice(town: Town) -> Client:
    return town.user("a.test", "alice")


def test_events_are_told_to_the_servers_in_the_room_and_to_no_others(town: Town, alice: Client) -> None:
    shared, own = shared_room(town, alice), create_room(town["a.test"], alice)
    town.settle(1)
    before = len(transactions(town))
    say(town, alice, own, "to myself")
    event_id = say(town, alice, shared, "hello")
    town.settle(1)
    assert texts(town) == ["hello"]
    (told,) = transactions(town)[before:]
    assert (told["origin"], len(told["pdus"]), told["pdus"][0]["room_id"]) == ("a.test", 1, shared)
    event = town["a.test"].run(town["a.test"].parts.rooms.store.events([event_id]))[event_id]
    assert told["pdus"][0]["hashes"] == event.event.pdu["hashes"]


def test_what_others_say_is_not_passed_on(town: Town, alice: Client) -> None:
    shared = shared_room(town, alice, ("@bob:b.test", "@carol:c.test"))
    town.settle(1)
    senders = {pdu["sender"] for body in transactions(town) for pdu in body["pdus"]}
    assert senders <= {"@alice:a.test"}
    assert shared


def test_who_is_thrown_out_hears_of_it_and_then_no_more(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.settle(1)
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    say(town, alice, room, "they are gone")
    town.settle(1)
    last = transactions(town)[-1]["pdus"][-1]
    assert (last["type"], last["state_key"], last["content"]["membership"]) == ("m.room.member", "@bob:b.test", "leave")
    assert texts(town) == []
    put_member(town, room, "@bob:b.test")
    say(town, alice, room, "back")
    town.settle(1)
    assert texts(town) == ["back"]


def test_a_server_that_stays_with_other_members_goes_on_to_hear(town: Town, alice: Client) -> None:
    room = shared_room(town, alice, ("@bob:b.test", "@ben:b.test"))
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    say(town, alice, room, "still there")
    town.settle(1)
    assert texts(town) == ["still there"]


def test_memberships_that_change_along_with_an_event_tell_nothing_twice(town: Town, alice: Client) -> None:
    """When branches of a room come together, memberships by earlier events change at the place of a later one."""
    a, room = town["a.test"], shared_room(town, alice)
    event_id = say(town, alice, room, "hello")
    town.settle(1)
    event = a.run(a.parts.rooms.store.events([event_id]))[event_id]
    streams, rooms = a.parts.ground.streams, a.federation.traffic.rooms
    others = ("@alice:a.test", "@bob:b.test")
    event.position = streams.position + 1
    along = [Change(event.position, "event", room, user_id) for user_id in others]
    streams.publish([Change(event.position, "event", room, None, event), *along], event.position)
    assert rooms.peek(room) is None
    town.settle(1)
    assert texts(town) == ["hello", "hello"]
    streams.publish(along[:1], event.position + 1)  # in another process: the store knows of nothing to be told
    town.settle(1)
    assert texts(town) == ["hello", "hello"]
    assert a.federation.traffic.reader._mark.done == event.position + 1


def test_one_transaction_at_a_time_with_at_most_fifty_events(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.settle(1)
    before = len(transactions(town))
    town.network.delays = (0.5, 0.5)
    for number in range(120):
        say(town, alice, room, f"{number}")
    town.settle(10)
    assert texts(town) == [f"{number}" for number in range(120)]
    sizes = [len(body["pdus"]) for body in transactions(town)[before:]]
    assert max(sizes) == 50
    assert len({passed.uri for passed in town.network.passed if "/v1/send/" in passed.uri}) == len(transactions(town))


def test_after_an_outage_rooms_are_told_the_latest_first_and_nothing_is_lost(town: Town, alice: Client) -> None:
    first, second = shared_room(town, alice), shared_room(town, alice)
    town.settle(1)
    town.network.take_down("b.test")
    for number in range(3):
        say(town, alice, second, f"second {number}")
    town.settle(2)
    for number in range(70):
        say(town, alice, first, f"first {number}")
    town.settle(2)
    assert texts(town) == []
    assert town["a.test"].federation.traffic.destinations.behind == 1
    town.network.bring_up("b.test")
    town.settle(100, step=1)
    assert texts(town) == [*(f"first {number}" for number in range(70)), *(f"second {number}" for number in range(3))]
    say(town, alice, second, "as before")
    town.settle(1)
    assert texts(town)[-1] == "as before"
    assert town["a.test"].federation.traffic.destinations.behind == 0


def test_of_a_room_with_much_the_newest_alone_is_told(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.network.take_down("b.test")
    for number in range(210):
        say(town, alice, room, f"{number}")
    town.settle(1)
    town.network.bring_up("b.test")
    town.settle(100, step=1)
    assert texts(town) == ["209"]


def test_who_was_thrown_out_while_away_hears_that_and_nothing_else(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.settle(1)
    town.network.take_down("b.test")
    say(town, alice, room, "before")
    town.settle(1)
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    say(town, alice, room, "after")
    town.settle(1)
    town.network.bring_up("b.test")
    town["a.test"].federation.reach.outages.alive("b.test")
    town.settle(1)
    assert texts(town) == []
    last = transactions(town)[-1]["pdus"][-1]
    assert (last["state_key"], last["content"]["membership"]) == ("@bob:b.test", "leave")


def test_a_sign_of_life_ends_the_wait(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.settle(1)
    town.network.take_down("b.test")
    say(town, alice, room, "unheard")
    town.settle(1)
    town.network.bring_up("b.test")
    town["a.test"].federation.reach.outages.alive("b.test")
    town.settle(1)
    assert texts(town) == ["unheard"]


def test_what_is_said_while_a_server_catches_up_is_told_too(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.network.take_down("b.test")
    say(town, alice, room, "one")
    town.settle(1)
    town.network.bring_up("b.test")
    town.network.delays = (0.4, 0.4)
    town["a.test"].federation.reach.outages.alive("b.test")
    town.clock.advance(0.1)
    say(town, alice, room, "two")
    other = shared_room(town, alice)
    say(town, alice, other, "three")
    town.settle(5)
    assert texts(town) == ["one", "two", "three"]


def test_thousands_of_dead_servers_cost_nothing_once_they_are_known(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    dead = [f"dead{number}.test" for number in range(1_000)]
    traffic = town["a.test"].federation.traffic
    town["a.test"].run(traffic.rooms.get(room))
    known = traffic.rooms.peek(room)
    assert known is not None
    known.names.update(dead)
    known.generation = -1
    say(town, alice, room, "first")
    town.settle(5)
    assert traffic.destinations.behind == 1_000
    passed, timers = len(town.network.passed), town.clock.waiting()
    say(town, alice, room, "second")
    town.settle(2)
    assert texts(town) == ["first", "second"]
    assert len(town.network.passed) == passed + 1
    assert town.clock.waiting() <= timers + 2
    assert [destination.name for destination in known.live] == ["b.test"]
    assert traffic.transactions.sent < 1_050


def test_only_so_many_doubtful_servers_are_tried_at_a_time(town: Town, alice: Client) -> None:
    room = shared_room(town, alice, ())
    traffic = town["a.test"].federation.traffic
    town["a.test"].run(traffic.rooms.get(room))
    known = traffic.rooms.peek(room)
    assert known is not None
    known.names.update(f"dead{number}.test" for number in range(100))
    known.generation = -1
    town.network.delays = (10.0, 10.0)
    say(town, alice, room, "first")
    assert town["a.test"].federation.reach.client._slots.taken == 20
    town.settle(200, step=5)
    assert traffic.destinations.behind == 100


def test_who_answers_does_not_wait_for_the_slow_and_the_dead(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    say(town, alice, room, "first")
    town.settle(1)
    traffic = town["a.test"].federation.traffic
    known = traffic.rooms.peek(room)
    assert known is not None
    dead = [f"dead{number}.test" for number in range(200)]
    known.names.update(dead)
    known.generation = -1
    town.network.slow = dict.fromkeys(dead, 15.0)
    for number in range(20):
        say(town, alice, room, f"{number}")
        town.settle(0.1)
    assert texts(town) == ["first", *(f"{number}" for number in range(20))]
    assert town["a.test"].federation.reach.client._slots.taken <= 20


def test_a_server_that_answers_with_errors_is_left_alone_for_longer_each_time(town: Town, alice: Client) -> None:
    room = shared_room(town, alice)
    town.settle(1)
    town.network.join("b.test", town["a.test"].client.dispatch)  # signed for somebody else: 401
    say(town, alice, room, "hello")
    town.settle(1)
    outages = town["a.test"].federation.reach.outages
    first = outages.of("b.test")
    town.settle(300, step=5)
    second = outages.of("b.test")
    assert first is not None
    assert second is not None
    assert second.interval_ms > first.interval_ms
    town.network.join("b.test", town["b.test"].client.dispatch)
    town.settle(1_000, step=10)
    assert texts(town) == ["hello"]


def test_who_is_owed_something_is_known_after_a_restart(tmp_path: Path) -> None:
    with town_of(tmp_path) as town:
        alice = town.user("a.test", "alice")
        room = shared_room(town, alice)
        town.settle(1)
        town.network.take_down("b.test")
        say(town, alice, room, "unheard")
        town.settle(5)
        a = town["a.test"]
        traffic = a.federation.traffic
        behind = a.run(traffic.reader._sources.store.behind())
        assert [(each.destination, list(each.rooms)) for each in behind] == [("b.test", [room])]
        position = a.run(traffic.reader._sources.store.position())
        assert position is not None
        assert position >= behind[0].position
        town.network.bring_up("b.test")
        a.run(traffic.destinations.stop())
        traffic.destinations._by_name.clear()
        traffic.destinations.generation += 1
        traffic.destinations.take_up(behind, ())
        town.settle(200, step=1)
        assert texts(town) == ["unheard"]
        town.settle(5)
        assert a.run(traffic.reader._sources.store.behind()) == []


def test_nothing_is_lost_in_a_crash(tmp_path: Path) -> None:
    """What was acknowledged and not told yet, or not known to be told, is told by who begins anew with the same database."""
    with town_of(tmp_path) as town:
        alice, a = town.user("a.test", "alice"), town["a.test"]
        room = shared_room(town, alice)
        town.settle(5)
        town.network.delays = (1.0, 1.0)
        for number in range(60):
            say(town, alice, room, f"{number}")
        parts = a.parts
        a.ok(alice.put(f"{V3}/sendToDevice/m.test/one", {"messages": {"@bob:b.test": {"*": {}}}}))
        crash(parts.federation.traffic)
        again = build_traffic(
            parts.ground,
            parts.rooms,
            parts.personal,
            parts.encryption,
            parts.federation.traffic.devices,
            parts.federation.reach,
            parts.federation.acls,
            NoArrivals(),
        )
        a.run(again.start())
        town.settle(20)
        assert sorted(set(texts(town)), key=int) == [f"{number}" for number in range(60)]
        assert len(edus(town, "m.direct_to_device")) == 1
        a.run(again.stop())


def crash(traffic: Traffic) -> None:
    """It does nothing any more, and what it did not write down is gone."""
    traffic.reader._stopped = True
    if traffic.reader._saving is not None:
        traffic.reader._saving.cancel()
    for destination in traffic.destinations:
        Deferred.fromCoroutine(destination.stop())


def test_what_is_sent_is_canonical(town: Town, alice: Client) -> None:
    """Other servers check the signature over the canonical form of what they were sent."""
    room = shared_room(town, alice)
    say(town, alice, room, "ü")
    town["a.test"].ok(alice.put(path("rooms", room, "typing", "@alice:a.test"), {"typing": True}))
    town.settle(1)
    sent = [passed.body for passed in town.network.passed if "/send/" in passed.uri]
    assert sent
    for body in sent:
        assert canonical_json.encode_tolerant(orjson.loads(body)) == body


def test_a_server_without_others_writes_and_waits_for_nothing(tmp_path: Path) -> None:
    town = build_town(tmp_path, ("a.test",))
    alice = town.user("a.test", "alice")
    room = create_room(town["a.test"], alice)
    town.settle(10)
    timers = town.clock.waiting()
    for number in range(10):
        say(town, alice, room, f"{number}")
    assert town["a.test"].ok(alice.put(path("rooms", room, "state", "m.room.topic"), {"topic": "none"}))
    assert town["a.test"].federation.traffic.reader._saving is None
    assert len(town["a.test"].federation.traffic.destinations) == 0
    assert town.clock.waiting() <= timers + 2
    town.close()
