"""What users of one server learn of another: directories, aliases, profiles, spaces; and what a server shows to nobody."""

from pathlib import Path
from typing import Any

import pytest

from config.federation import Federation
from federation.asking.profiles import KEPT_SECONDS, MOST_KEPT
from federation.client import v1
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request
from tests.federation.support.asking import ask, ok, put_member
from tests.federation.support.town import Town, town_of
from tests.support.client import Client, dispatch_for
from tests.support.rooms import create_room, path, refused

People = tuple[Town, Client, Client]


@pytest.fixture
def people(town: Town) -> People:
    return town, town.user("a.test", "alice"), town.user("b.test", "bob")


def test_directories_of_others(people: People) -> None:
    town, alice, bob = people
    a, b = town["a.test"], town["b.test"]
    room_id = create_room(b, bob, preset="public_chat", visibility="public", name="Häuser", room_alias_name="houses")
    space = create_room(b, bob, preset="public_chat", visibility="public", name="Space", creation_content={"type": "m.space"})
    page = a.ok(alice.get(path("publicRooms"), {"server": "b.test"}))
    assert {room["room_id"] for room in page["chunk"]} == {room_id, space}
    found = a.ok(alice.post(path("publicRooms") + "?server=b.test", {"filter": {"generic_search_term": "häus"}}))
    assert [room["canonical_alias"] for room in found["chunk"]] == ["#houses:b.test"]
    first = a.ok(alice.get(path("publicRooms"), {"server": "b.test", "limit": 1}))
    second = a.ok(alice.get(path("publicRooms"), {"server": "b.test", "limit": 1, "since": first["next_batch"]}))
    assert {first["chunk"][0]["room_id"], second["chunk"][0]["room_id"]} == {room_id, space}
    assert first["total_room_count_estimate"] == 2
    assert [room["room_id"] for room in ok(town, v1("publicRooms"), {"limit": 1}, by="a.test", of="b.test")["chunk"]] == [
        first["chunk"][0]["room_id"]
    ]
    refused(town.run(alice.get(path("publicRooms"), {"server": "b.test", "since": "nonsense"})), 400, "M_INVALID_PARAM")
    assert town.run(alice.get(path("publicRooms"), {"server": "c.test"}))[0] == 502


def test_aliases_of_others(people: People) -> None:
    town, alice, bob = people
    room_id = create_room(town["b.test"], bob, preset="public_chat", room_alias_name="houses")
    put_member(town, room_id, "@carol:c.test", server="b.test")
    found = town["a.test"].ok(alice.get(path("directory", "room", "#houses:b.test")))
    assert found == {"room_id": room_id, "servers": ["b.test", "c.test"]}
    refused(town.run(alice.get(path("directory", "room", "#none:b.test"))), 404, "M_NOT_FOUND")
    assert ask(town, v1("query", "directory"), {"room_alias": "#houses:b.test"})[0] == 400  # a.test is not asked for what is b.test's
    assert ask(town, v1("query", "directory"), {"room_alias": "houses"})[0] == 400
    assert ask(town, v1("query", "client_versions"))[1]["errcode"] == "M_NOT_FOUND"


def test_profiles_of_others_are_asked_for_once_in_a_while(people: People) -> None:
    town, alice, bob = people
    b, profile = town["b.test"], path("profile", "@bob:b.test")
    b.ok(bob.put(profile + "/displayname", {"displayname": "Bób"}))
    b.ok(bob.put(profile + "/org.example.n", {"org.example.n": {"a": 1}}))
    whole = {"displayname": "Bób", "org.example.n": {"a": 1}}
    for _ in range(3):
        assert town.run(alice.get(profile)) == (200, whole)
    assert town.run(alice.get(profile + "/displayname")) == (200, {"displayname": "Bób"})
    refused(town.run(alice.get(profile + "/avatar_url")), 404, "M_NOT_FOUND")
    for _ in range(3):
        refused(town.run(alice.get(path("profile", "@nobody:b.test"))), 404, "M_NOT_FOUND")
    asked = [passed.uri for passed in town.network.passed if "query/profile" in passed.uri]
    assert len(asked) == len(set(asked)) == 4
    b.ok(bob.put(profile + "/displayname", {"displayname": "Robert"}))
    town.clock.advance(KEPT_SECONDS + 1)
    assert town.run(alice.get(profile))[1]["displayname"] == "Robert"
    assert MOST_KEPT < 100_000
    assert ask(town, v1("query", "profile"), {"user_id": "@bob:b.test"})[0] == 400


def test_what_a_server_keeps_to_itself(tmp_path: Path) -> None:
    with town_of(tmp_path, federation=Federation(enabled=True, profiles=False, public_rooms=False)) as town:
        town.user("a.test", "alice")
        bob = town.user("b.test", "bob")
        refused(town.run(bob.get(path("profile", "@alice:a.test"))), 403, "M_FORBIDDEN")
        refused(town.run(bob.get(path("publicRooms"), {"server": "a.test"})), 403, "M_FORBIDDEN")


def child(room_id: str, via: str) -> dict[str, Any]:
    return {"type": "m.space.child", "state_key": room_id, "content": {"via": [via]}}


def test_spaces_that_span_servers(people: People) -> None:
    town, alice, bob = people
    a, b = town["a.test"], town["b.test"]
    public = create_room(b, bob, preset="public_chat", name="public")
    private = create_room(b, bob, preset="private_chat", name="private")
    far = create_room(
        b,
        bob,
        preset="public_chat",
        name="far",
        creation_content={"type": "m.space"},
        initial_state=[child(public, "b.test"), child(private, "b.test")],
    )
    near = create_room(a, alice, preset="public_chat", creation_content={"type": "m.space"}, initial_state=[child(far, "b.test")])
    rooms = a.ok(alice.get(f"/_matrix/client/v1/rooms/{near}/hierarchy"))["rooms"]
    assert [room["room_id"] for room in rooms] == [near, far, public]
    told = ok(town, v1("hierarchy", far), by="a.test", of="b.test")
    assert (told["room"]["name"], [room["room_id"] for room in told["children"]], told["inaccessible_children"]) == (
        "far",
        [public],
        [private],
    )
    assert ask(town, v1("hierarchy", private), by="a.test", of="b.test")[1]["errcode"] == "M_NOT_FOUND"
    put_member(town, private, "@alice:a.test", "invite", sender="@bob:b.test", server="b.test")
    assert ok(town, v1("hierarchy", private), by="a.test", of="b.test")["room"]["name"] == "private"
    summary = a.ok(alice.get(f"/_matrix/client/v1/room_summary/{public}", {"via": "b.test"}))
    assert (summary["name"], summary["num_joined_members"]) == ("public", 1)


def test_an_openid_token_tells_whose_it_is(people: People) -> None:
    town, alice, _ = people
    a, uri = town["a.test"], "/_matrix/federation/v1/openid/userinfo"
    token = a.ok(alice.post(path("user", "@alice:a.test", "openid", "request_token")))["access_token"]
    anyone = a.client
    assert a.run(anyone.get(uri, {"access_token": token})) == (200, {"sub": "@alice:a.test"})
    refused(a.run(anyone.get(uri, {"access_token": token + "x"})), 401, "M_UNKNOWN_TOKEN")
    refused(a.run(anyone.get(uri)), 400, "M_MISSING_PARAM")


class Liar:
    """Answers everything with something else."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {}

    @endpoint("GET", "/_matrix/federation/v1/query/{kind}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def query(self, request: Request, kind: str) -> Answer:
        return self.answer

    @endpoint("POST", "/_matrix/federation/v1/publicRooms", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def rooms(self, request: Request) -> Answer:
        return self.answer

    @endpoint("GET", "/_matrix/federation/v1/hierarchy/{room_id}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def hierarchy(self, request: Request, room_id: str) -> Answer:
        return self.answer


def test_what_others_make_up_harms_nobody(people: People) -> None:
    town, alice, _ = people
    liar = Liar()
    town.network.join("b.test", dispatch_for(liar))
    lies: tuple[dict[str, Any], ...] = (
        {},
        {"room_id": 1, "servers": "x", "chunk": {}, "room": [], "displayname": 1, "avatar_url": {}},
        {"room_id": "#a:b.test", "servers": [1], "chunk": [1, {}, {"room_id": 2}], "room": {}, "children": [1], "displayname": None},
        {"chunk": [], "next_batch": 1, "total_room_count_estimate": "many", "room": {"room_id": "!other:b.test"}, "children": 5},
    )
    for number, liar.answer in enumerate(lies):
        assert town.run(alice.get(path("directory", "room", f"#x{number}:b.test")))[0] == 502
        status, page = town.run(alice.get(path("publicRooms"), {"server": "b.test"}))
        assert (status, page.get("chunk", [])) in ((200, []), (502, []))
        assert town.run(alice.get(f"/_matrix/client/v1/room_summary/!r{number}:b.test", {"via": "b.test"}))[0] == 404
        assert town.run(alice.get(path("profile", f"@u{number}:b.test")))[1].keys().isdisjoint({"displayname", "avatar_url"})
