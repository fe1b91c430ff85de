"""A room that several servers share is replaced by another one, by whichever of them."""

import pytest

from tests.federation.support.shared import enter, membership, messages, state
from tests.federation.support.sharing import say
from tests.federation.support.town import Town
from tests.support.rooms import create_room, path


@pytest.mark.parametrize(("by", "other"), [("a.test", "b.test"), ("b.test", "a.test")])
def test_a_room_is_replaced_for_all(town: Town, by: str, other: str) -> None:
    clients = {"a.test": town.user("a.test", "alice"), "b.test": town.user("b.test", "bob")}
    users = {"a.test": "@alice:a.test", "b.test": "@bob:b.test"}
    room = create_room(town["a.test"], clients["a.test"], preset="public_chat", room_version="10", name="Ours")
    enter(town, "b.test", clients["b.test"], room)
    levels = town["a.test"].ok(clients["a.test"].get(path("rooms", room, "state", "m.room.power_levels")))
    levels["users"]["@bob:b.test"] = 100
    town["a.test"].ok(clients["a.test"].put(path("rooms", room, "state", "m.room.power_levels"), levels))
    town[other].ok(clients[other].put(path("user", users[other], "rooms", room, "tags", "m.favourite"), {"order": 0.5}))
    town.settle(2)
    new = town[by].ok(clients[by].post(path("rooms", room, "upgrade"), {"new_version": "11"}))["replacement_room"]
    town.settle(2)
    for server, client in clients.items():
        tombstone = town[server].ok(client.get(path("rooms", room, "state", "m.room.tombstone")))
        assert tombstone["replacement_room"] == new
    enter(town, other, clients[other], new, via=by)
    town.settle(2)
    create = town[other].ok(clients[other].get(path("rooms", new, "state", "m.room.create")))
    assert (create["room_version"], create["predecessor"]["room_id"]) == ("11", room)
    assert town[other].ok(clients[other].get(path("rooms", new, "state", "m.room.name"))) == {"name": "Ours"}
    assert state(town, by, clients[by], new) == state(town, other, clients[other], new)
    assert membership(town, by, clients[by], new, users[other]) == "join"
    say(town, clients[by], new, "here we are", server=by)
    say(town, clients[other], new, "so we are", server=other)
    town.settle(2)
    assert messages(town, by, clients[by], new) == messages(town, other, clients[other], new) == ["here we are", "so we are"]
    tags = town[other].ok(clients[other].get(path("user", users[other], "rooms", new, "tags")))["tags"]
    assert tags == {"m.favourite": {"order": 0.5}}
