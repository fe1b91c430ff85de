"""The hierarchy of spaces, and summaries of single rooms."""

from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from homeserver.rooms.directory.ports import RemoteSpace
from homeserver.rooms.spaces.remote_spaces import read_answer
from tests.support.client import Client
from tests.support.rooms import create_room, join, member, path, refused
from tests.support.server import TestServer

SPACE = {"type": "m.space"}


def child(room_id: str, **content: Any) -> dict[str, Any]:
    return {"type": "m.space.child", "state_key": room_id, "content": {"via": ["test"], **content}}


def space(server: TestServer, client: Client, *children: Mapping[str, Any], **body: Any) -> str:
    return create_room(server, client, **{"preset": "public_chat", "creation_content": SPACE, "initial_state": list(children), **body})


def hierarchy(server: TestServer, client: Client, room_id: str, **query: Any) -> dict[str, Any]:
    answer: dict[str, Any] = server.ok(client.get(tree(room_id), query))
    return answer


def tree(room_id: str) -> str:
    return path("rooms", room_id, "hierarchy").replace("/v3/", "/v1/")


def ids(answer: Mapping[str, Any]) -> list[str]:
    return [room["room_id"] for room in answer["rooms"]]


def links(answer: Mapping[str, Any]) -> dict[str, list[str]]:
    return {room["room_id"]: [event["state_key"] for event in room["children_state"]] for room in answer["rooms"]}


class Tree:
    """root → r1 (suggested), ss1 → ss2 → r3, r4 and r2 (suggested); r2 names r5, but is no space."""

    def __init__(self, server: TestServer, alice: Client) -> None:
        self.r1 = create_room(server, alice, preset="public_chat", name="R1")
        self.r5 = create_room(server, alice, preset="public_chat")
        self.r2 = create_room(server, alice, preset="public_chat", initial_state=[child(self.r5)])
        self.r3 = create_room(server, alice, preset="public_chat")
        self.r4 = create_room(server, server.user("other"), preset="public_chat")
        self.ss2 = space(server, alice, child(self.r4, order="b"), child(self.r3, order="a"))
        self.ss1 = space(server, alice, child(self.ss2), name="SS1")
        parts = [child(self.r1, suggested=True, order="1"), child(self.ss1, order="2"), child(self.r2, suggested=True)]
        self.root = space(server, alice, *parts, name="Root")


def test_the_whole_tree(server: TestServer, alice: Client) -> None:
    t = Tree(server, alice)
    answer = hierarchy(server, alice, t.root)
    assert ids(answer) == [t.root, t.r1, t.ss1, t.ss2, t.r3, t.r4, t.r2]
    expected = {t.root: [t.r1, t.ss1, t.r2], t.ss1: [t.ss2], t.ss2: [t.r3, t.r4], t.r1: [], t.r2: [], t.r3: [], t.r4: []}
    assert links(answer) == expected
    root = answer["rooms"][0]
    assert (root["name"], root["room_type"], root["room_version"], root["join_rule"]) == ("Root", "m.space", "12", "public")
    event = root["children_state"][0]
    assert sorted(event) == ["content", "origin_server_ts", "sender", "state_key", "type"]
    assert "next_batch" not in answer


def test_depth_and_suggestions(server: TestServer, alice: Client) -> None:
    t = Tree(server, alice)
    shallow = hierarchy(server, alice, t.root, max_depth=1)
    assert ids(shallow) == [t.root, t.r1, t.ss1, t.r2]
    assert links(shallow)[t.ss1] == [t.ss2]
    assert ids(hierarchy(server, alice, t.root, max_depth=0)) == [t.root]
    suggested = hierarchy(server, alice, t.root, suggested_only=True)
    assert (ids(suggested), links(suggested)[t.root]) == ([t.root, t.r1, t.r2], [t.r1, t.r2])


def test_pages(server: TestServer, alice: Client) -> None:
    t = Tree(server, alice)
    first = hierarchy(server, alice, t.root, limit=4)
    assert ids(first) == [t.root, t.r1, t.ss1, t.ss2]
    for _ in range(2):  # a page may be asked for again
        second = hierarchy(server, alice, t.root, **{"from": first["next_batch"]})
        assert ids(second) == [t.r3, t.r4, t.r2]
        assert "next_batch" not in second
    token = {"from": first["next_batch"]}
    refused(server.run(alice.get(tree(t.root), {**token, "max_depth": 2})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.get(tree(t.root), {**token, "suggested_only": True})), 400, "M_INVALID_PARAM")
    refused(server.run(alice.get(tree(t.ss1), token)), 400, "M_INVALID_PARAM")
    refused(server.run(server.user("eve").get(tree(t.root), token)), 400, "M_INVALID_PARAM")
    server.clock.advance(3600)
    refused(server.run(alice.get(tree(t.root), token)), 400, "M_INVALID_PARAM")


def test_bad_parameters(server: TestServer, alice: Client) -> None:
    room_id = space(server, alice)
    for query in (
        {"limit": "0"},
        {"limit": "x"},
        {"limit": "--5"},
        {"limit": "²"},
        {"max_depth": "-1"},
        {"suggested_only": "perhaps"},
        {"from": "what"},
    ):
        refused(server.run(alice.get(tree(room_id), query)), 400, "M_INVALID_PARAM")


def test_links_change_and_loops_end(server: TestServer, alice: Client) -> None:
    a = space(server, alice)
    b = space(server, alice, child(a))
    put = path("rooms", a, "state", "m.space.child", b)
    server.ok(alice.put(put, {"via": ["test"]}))
    assert ids(hierarchy(server, alice, a)) == [a, b]
    assert ids(hierarchy(server, alice, b)) == [b, a]
    server.ok(alice.put(put, {}))
    assert ids(hierarchy(server, alice, a)) == [a]


def test_only_rooms_one_could_enter(server: TestServer, alice: Client) -> None:
    bob = server.user("bob")
    hidden, visible = create_room(server, alice), create_room(server, alice, preset="public_chat")
    knockable = create_room(server, alice, initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    below = space(server, alice, child(visible), preset="private_chat")
    root = space(server, alice, child(hidden, order="a"), child(below, order="b"), child(knockable, order="c"))
    rules = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": root}]}
    restricted = create_room(server, alice, initial_state=[{"type": "m.room.join_rules", "content": rules}])
    server.ok(alice.put(path("rooms", root, "state", "m.space.child", restricted), {"via": ["test"], "order": "d"}))
    assert ids(hierarchy(server, bob, root)) == [root, knockable]
    join(server, bob, root)
    assert ids(hierarchy(server, bob, root)) == [root, knockable, restricted]
    assert member(server, alice, hidden, "invite", "@bob:test")[0] == 200
    assert member(server, alice, below, "invite", "@bob:test")[0] == 200
    assert ids(hierarchy(server, bob, root)) == [root, hidden, below, visible, knockable, restricted]
    assert hierarchy(server, bob, root)["rooms"][-1]["allowed_room_ids"] == [root]
    assert member(server, alice, root, "ban", "@bob:test")[0] == 200
    refused(server.run(bob.get(tree(root))), 403, "M_FORBIDDEN")
    refused(server.run(bob.get(tree("!none:test"))), 403, "M_FORBIDDEN")


def test_the_order_of_children(server: TestServer, alice: Client) -> None:
    rooms = [create_room(server, alice, preset="public_chat") for _ in range(5)]
    root = space(server, alice)
    for room, content in zip(rooms, ({}, {"order": "b"}, {"order": "\t"}, {"order": "a"}, {"order": "x" * 51}), strict=True):
        server.clock.advance(1)
        server.ok(alice.put(path("rooms", root, "state", "m.space.child", room), {"via": ["test"], **content}))
    assert ids(hierarchy(server, alice, root))[1:] == [rooms[3], rooms[1], rooms[0], rooms[2], rooms[4]]


def summary(server: TestServer, client: Client, room: str) -> Any:
    return server.run(client.get(path("room_summary", room).replace("/v3/", "/v1/")))


def test_summaries(server: TestServer, alice: Client) -> None:
    bob = server.user("bob")
    encrypted = [{"type": "m.room.encryption", "content": {"algorithm": "m.megolm.v1.aes-sha2"}}]
    room_id = create_room(server, alice, preset="public_chat", name="N", room_alias_name="a", initial_state=encrypted)
    status, answer = summary(server, alice, "#a:test")
    assert (status, answer["membership"], answer["encryption"], answer["room_version"]) == (200, "join", "m.megolm.v1.aes-sha2", "12")
    assert "allowed_room_ids" not in answer
    assert summary(server, bob, room_id)[1]["membership"] == "leave"
    assert "membership" not in summary(server, server.client, room_id)[1]
    private = create_room(server, alice)
    refused(summary(server, bob, private), 404, "M_NOT_FOUND")
    refused(summary(server, server.client, private), 404, "M_NOT_FOUND")
    refused(summary(server, bob, "!none:test"), 404, "M_NOT_FOUND")
    refused(summary(server, bob, "what"), 400, "M_INVALID_PARAM")
    assert member(server, alice, private, "invite", "@bob:test")[0] == 200
    assert summary(server, bob, private)[1]["membership"] == "invite"


def test_the_names_summaries_had_at_first(server: TestServer, alice: Client) -> None:
    room_id = create_room(server, alice)
    base = "/_matrix/client/unstable/im.nheko.summary/"
    one = server.ok(alice.get(base + f"summary/{room_id}"))
    assert one == server.ok(alice.get(base + f"rooms/{room_id}/summary"))
    assert one["im.nheko.summary.room_version"] == "12"
    assert "im.nheko.summary.encryption" not in one


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"room_id": 5},
        {"room_id": "!other:far"},
        {"room_id": "!room:far", "children_state": {"a": 1}, "name": 5, "allowed_room_ids": "x"},
        {"room_id": "!room:far", "children_state": [5, {}, {"type": "m.space.child", "state_key": "!x", "content": {"via": 5}}]},
    ],
)
def test_what_another_server_tells_is_not_trusted(told: Mapping[str, Any]) -> None:
    children: Sequence[Mapping[str, Any]] = [{"room_id": "!child:far", "topic": "t", "num_joined_members": True}, {"room_id": "x"}]
    answer = read_answer("!room:far", RemoteSpace(told, children, frozenset()))
    if answer is not None:
        assert answer.room.chunk == {
            "room_id": "!room:far",
            "num_joined_members": 0,
            "world_readable": False,
            "guest_can_join": False,
        }
        assert answer.room.children == ()
        assert list(answer.described) == ["!child:far"]
