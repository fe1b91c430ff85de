"""Rooms that servers share, over time: three servers, who goes and comes again, who is thrown out, who was away."""

from pathlib import Path

from tests.federation.support.shared import enter, membership, messages, state, synced
from tests.federation.support.sharing import say
from tests.federation.support.town import Town, town_of
from tests.support.rooms import create_room, member, path, refused


def test_three_servers_hear_each_other(tmp_path: Path) -> None:
    with town_of(tmp_path, "a.test", "b.test", "c.test") as town:
        alice, bob, carol = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("c.test", "carol")
        room = create_room(town["a.test"], alice, preset="public_chat")
        enter(town, "b.test", bob, room)
        town.settle(1)
        enter(town, "c.test", carol, room, via="b.test")
        town.settle(1)
        assert membership(town, "a.test", alice, room, "@carol:c.test") == "join"
        for server, user in (("a.test", alice), ("b.test", bob), ("c.test", carol)):
            say(town, user, room, f"from {server}", server=server)
            town.settle(1)
        expected = ["from a.test", "from b.test", "from c.test"]
        for server, user in (("a.test", alice), ("b.test", bob), ("c.test", carol)):
            assert messages(town, server, user, room) == expected
        assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room) == state(town, "c.test", carol, room)


def test_who_leaves_may_come_again_and_sees_what_was_said_meanwhile(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    say(town, alice, room, "one")
    town.settle(1)
    town["b.test"].ok(bob.post(path("rooms", room, "leave")))
    town.settle(1)
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "leave"
    say(town, alice, room, "two")
    town["a.test"].ok(alice.put(path("rooms", room, "state", "m.room.topic"), {"topic": "new"}))
    say(town, alice, room, "three")
    town.settle(1)
    assert messages(town, "b.test", bob, room) == ["one"]
    enter(town, "b.test", bob, room)
    say(town, bob, room, "four", server="b.test")
    town.settle(1)
    assert messages(town, "a.test", alice, room) == ["one", "two", "three", "four"]
    assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)
    assert messages(town, "b.test", bob, room) == ["one", "two", "three", "four"]


def test_history_from_before_the_join_is_fetched_page_by_page(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat")
    said = [f"{number}" for number in range(150)]
    for text in said:
        say(town, alice, room, text)
    enter(town, "b.test", bob, room)
    assert messages(town, "b.test", bob, room, limit=30) == said


def test_who_is_thrown_out_is_out_on_both_sides(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    town.settle(1)
    member(town["a.test"], alice, room, "kick", "@bob:b.test")
    town.settle(1)
    assert synced(town, "b.test", bob).get("join", {}) == {}
    enter(town, "b.test", bob, room)
    town.settle(1)
    member(town["a.test"], alice, room, "ban", "@bob:b.test")
    town.settle(1)
    assert synced(town, "b.test", bob).get("join", {}) == {}
    refused(town["b.test"].run(bob.post(path("join", room) + "?via=a.test")), 403, "M_FORBIDDEN")
    member(town["a.test"], alice, room, "unban", "@bob:b.test")
    town.settle(1)
    enter(town, "b.test", bob, room)
    town.settle(1)
    assert membership(town, "a.test", alice, room, "@bob:b.test") == "join"


def test_power_and_topics_are_used_from_afar(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    refused(town["b.test"].run(bob.put(path("rooms", room, "state", "m.room.topic"), {"topic": "mine"})), 403, "M_FORBIDDEN")
    levels = town["a.test"].ok(alice.get(path("rooms", room, "state", "m.room.power_levels")))
    levels["users"] = {**levels.get("users", {}), "@bob:b.test": 100}
    town["a.test"].ok(alice.put(path("rooms", room, "state", "m.room.power_levels"), levels))
    town.settle(1)
    town["b.test"].ok(bob.put(path("rooms", room, "state", "m.room.topic"), {"topic": "mine"}))
    town.settle(1)
    assert town["a.test"].ok(alice.get(path("rooms", room, "state", "m.room.topic"))) == {"topic": "mine"}
    event_id = say(town, alice, room, "to be emptied")
    town.settle(1)
    town["b.test"].ok(bob.put(path("rooms", room, "redact", event_id, "1"), {}))
    town.settle(1)
    assert town["a.test"].ok(alice.get(path("rooms", room, "event", event_id)))["content"] == {}


def test_a_server_that_was_down_catches_up(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat")
    enter(town, "b.test", bob, room)
    town.settle(1)
    town.network.take_down("b.test")
    said = [f"{number}" for number in range(30)]
    for text in said:
        say(town, alice, room, text)
    town["a.test"].ok(alice.put(path("rooms", room, "state", "m.room.topic"), {"topic": "meanwhile"}))
    town.settle(2)
    say(town, bob, room, "anybody?", server="b.test")
    town.network.bring_up("b.test")
    town.settle(200, step=1)
    assert set(messages(town, "b.test", bob, room)) == {*said, "anybody?"}
    assert set(messages(town, "a.test", alice, room)) == {*said, "anybody?"}
    assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)


def test_forks_come_together(town: Town) -> None:
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    room = create_room(town["a.test"], alice, preset="public_chat", power_level_content_override={"users_default": 50})
    enter(town, "b.test", bob, room)
    town.settle(1)
    town.network.cut("a.test", "b.test")
    town["a.test"].ok(alice.put(path("rooms", room, "state", "m.room.topic"), {"topic": "alice"}))
    town["b.test"].ok(bob.put(path("rooms", room, "state", "m.room.topic"), {"topic": "bob"}))
    town["b.test"].ok(bob.put(path("rooms", room, "state", "m.room.name"), {"name": "bob"}))
    town.network.mend("a.test", "b.test")
    town.settle(200, step=1)
    say(town, alice, room, "joined again")
    town.settle(2)
    assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)
    assert town["a.test"].ok(alice.get(path("rooms", room, "state", "m.room.name"))) == {"name": "bob"}


def test_two_users_of_one_server_come_in_at_once(town: Town) -> None:
    alice, bob, ben = town.user("a.test", "alice"), town.user("b.test", "bob"), town.user("b.test", "ben")
    room = create_room(town["a.test"], alice, preset="public_chat")
    town.network.delays = (0.1, 0.3)
    first = [user.post(path("join", room) + "?via=a.test") for user in (bob, ben)]
    from twisted.internet.defer import Deferred

    running = [Deferred.fromCoroutine(one) for one in first]
    town.settle(10)
    assert [one.result[0] for one in running] == [200, 200]  # type: ignore[index]
    town.settle(2)
    assert state(town, "a.test", alice, room) == state(town, "b.test", bob, room)
    assert membership(town, "a.test", alice, room, "@ben:b.test") == "join"
