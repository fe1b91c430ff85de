"""Spaces that reach into rooms of other servers."""

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
import pytest

from homeserver.errors import NotFound
from homeserver.rooms.directory.ports import RemoteSpace
from homeserver.rooms.directory.room_summary import RoomSummaries
from homeserver.rooms.directory.summaries import Summaries
from homeserver.rooms.servers.members import ServerMembers
from homeserver.rooms.spaces.hierarchy import MAX_PASSED_OVER, Hierarchy
from homeserver.rooms.spaces.peer_hierarchy import PeerHierarchy
from homeserver.rooms.spaces.remote_spaces import MAX_KEPT_BYTES, RemoteRoom, RemoteSpaces
from homeserver.rooms.spaces.walks import MAX_WEIGHT, Step, Walk, Walks
from homeserver.streams import Streams
from storage.event_rows import RoomNames
from storage.finding.summaries import StoredSummaries
from storage.members import Members
from tests.support.client import Client
from tests.support.clock import FakeClock, SeededChance
from tests.support.rooms import create_room, member
from tests.support.server import TestServer

ALICE = "@alice:test"


def child(room_id: str, **content: Any) -> dict[str, Any]:
    return {
        "type": "m.space.child",
        "state_key": room_id,
        "content": {"via": ["far"], **content},
        "sender": "@x:far",
        "origin_server_ts": 1,
    }


def far(room_id: str, **more: Any) -> dict[str, Any]:
    return {"room_id": room_id, "num_joined_members": 3, "world_readable": False, "guest_can_join": False, "join_rule": "public", **more}


class FarAway:
    """A RemoteDirectory that knows a few rooms and counts questions."""

    def __init__(self, *rooms: dict[str, Any], children: Mapping[str, Sequence[str]], hidden: Sequence[str] = ()) -> None:
        self.rooms = {room["room_id"]: room for room in rooms}
        self.children = children
        self.hidden = frozenset(hidden)
        self.asked: list[str] = []

    async def public_rooms(self, server: str, query: Mapping[str, Any]) -> Mapping[str, Any]:
        raise NotFound

    async def resolve_alias(self, alias: str) -> tuple[str, list[str]]:
        raise NotFound("There is no such alias")

    async def space(self, room_id: str, servers: Sequence[str], suggested_only: bool) -> RemoteSpace | None:
        self.asked.append(room_id)
        if room_id not in self.rooms:
            return None
        told = [{**self.rooms[name], "children_state": []} for name in self.children.get(room_id, ()) if name in self.rooms]
        return RemoteSpace(self.rooms[room_id], told, self.hidden)


class Looking:
    """Hierarchy and summaries over the server's database and the rooms far away."""

    def __init__(self, server: TestServer, remote: FarAway) -> None:
        names = RoomNames()
        members = Members(server.database, names)
        summaries = Summaries(StoredSummaries(server.database, names), Streams())
        self.clock = FakeClock()
        spaces = RemoteSpaces(remote, self.clock)
        self.hierarchy = Hierarchy(summaries=summaries, members=members, spaces=spaces, walks=Walks(self.clock, SeededChance()))
        self.summaries = RoomSummaries(summaries, members, spaces)
        self.peers = PeerHierarchy(summaries, ServerMembers(members, Streams(), "test"))
        self.server = server

    def tree(self, room_id: str, user_id: str = ALICE, *, suggested_only: bool = False) -> list[dict[str, Any]]:
        page = self.server.run(self.hierarchy.first_page(user_id, room_id, limit=50, suggested_only=suggested_only, max_depth=9))
        rooms: list[dict[str, Any]] = orjson.loads(page)["rooms"]
        return rooms


def space_of(server: TestServer, alice: Client, *children: dict[str, Any]) -> str:
    initial = [{key: event[key] for key in ("type", "state_key", "content")} for event in children]
    return create_room(server, alice, preset="public_chat", creation_content={"type": "m.space"}, initial_state=initial)


def test_rooms_far_away_are_walked_through_and_remembered(server: TestServer, alice: Client) -> None:
    local = create_room(server, alice, preset="public_chat", name="mine")
    root = space_of(server, alice, child("!space:far"))
    remote = FarAway(
        far(
            "!space:far",
            room_type="m.space",
            children_state=[child("!room:far", order="a"), child("!secret:far"), child(local), child("!gone:far")],
        ),
        far("!room:far", name="N", unknown="dropped"),
        far("!secret:far", join_rule="invite"),
        far(local, name="a lie", join_rule="public"),
        children={"!space:far": ["!room:far", "!secret:far", local]},
        hidden=["!gone:far"],
    )
    looking = Looking(server, remote)
    for _ in range(2):
        rooms = looking.tree(root)
        assert [room["room_id"] for room in rooms] == [root, "!space:far", "!room:far", local]
        assert (rooms[2]["name"], rooms[3]["name"]) == ("N", "mine")
        assert "unknown" not in rooms[2]
    assert remote.asked == ["!space:far"]
    looking.clock.advance(301)
    looking.tree(root)
    assert remote.asked == ["!space:far", "!space:far"]


def test_that_no_server_tells_of_a_room_is_not_remembered(server: TestServer, alice: Client) -> None:
    root = space_of(server, alice, child("!late:far"))
    remote = FarAway(children={})
    looking = Looking(server, remote)
    assert [room["room_id"] for room in looking.tree(root)] == [root]
    remote.rooms["!late:far"] = far("!late:far")
    assert [room["room_id"] for room in looking.tree(root)] == [root, "!late:far"]


def test_a_page_passes_over_so_many_rooms_and_no_more(server: TestServer, alice: Client) -> None:
    remote = FarAway(
        far("!space:far", room_type="m.space", children_state=[child(f"!{number}:far") for number in range(MAX_PASSED_OVER + 50)]),
        children={},
    )
    looking = Looking(server, remote)
    root = space_of(server, alice, child("!space:far"))
    page = orjson.loads(server.run(looking.hierarchy.first_page(ALICE, root, limit=50, suggested_only=False, max_depth=9)))
    assert [room["room_id"] for room in page["rooms"]] == [root, "!space:far"]
    assert len(remote.asked) == 1 + MAX_PASSED_OVER
    rest = orjson.loads(server.run(looking.hierarchy.next_page(ALICE, root, page["next_batch"], limit=50, given={})))
    assert rest == {"rooms": []}
    assert len(remote.asked) == 1 + MAX_PASSED_OVER + 50


def test_what_is_remembered_is_bounded_in_bytes(server: TestServer) -> None:
    topic = "t" * (MAX_KEPT_BYTES // 3)
    remote = FarAway(*[far(f"!{number}:far", topic=topic) for number in range(3)], children={})
    spaces = RemoteSpaces(remote, FakeClock())

    def ask(number: int) -> None:
        assert server.run(spaces.get(f"!{number}:far", ["far"], False)) is not None

    for number in (0, 1, 2, 2, 1, 0):
        ask(number)
    assert remote.asked == ["!0:far", "!1:far", "!2:far", "!0:far"]


def test_what_may_be_seen_of_rooms_far_away(server: TestServer, alice: Client) -> None:
    club = create_room(server, alice)
    rooms = [
        far("!knock:far", join_rule="knock"),
        far("!open:far", join_rule="invite", world_readable=True),
        far("!club:far", join_rule="restricted", allowed_room_ids=[club]),
        far("!other:far", join_rule="restricted", allowed_room_ids=["!else:far"]),
    ]
    root = space_of(server, alice, *(child(room["room_id"], order=str(number)) for number, room in enumerate(rooms)))
    looking = Looking(server, FarAway(*rooms, children={}))
    assert [room["room_id"] for room in looking.tree(root)[1:]] == ["!knock:far", "!open:far", "!club:far"]
    assert [room["room_id"] for room in looking.tree(root, "@bob:test")[1:]] == ["!knock:far", "!open:far"]


def test_summaries_of_rooms_far_away(server: TestServer) -> None:
    remote = FarAway(
        far("!room:far", encryption="m.megolm.v1.aes-sha2", room_version="11"), far("!shut:far", join_rule="invite"), children={}
    )
    looking = Looking(server, remote)
    found = server.run(looking.summaries.get(None, "!room:far", ["far"]))
    assert orjson.loads(found.members + b"}")["room_version"] == "11"
    assert (found.encryption, found.version, found.membership) == ("m.megolm.v1.aes-sha2", "11", "leave")
    for room_id, servers in (("!shut:far", ["far"]), ("!none:far", ["far"]), ("!unasked:far", [])):
        with pytest.raises(NotFound):
            server.run(looking.summaries.get(ALICE, room_id, servers))
    assert "!unasked:far" not in remote.asked


def test_what_other_servers_are_told(server: TestServer, alice: Client) -> None:
    hidden, public = create_room(server, alice), create_room(server, alice, preset="public_chat")
    root = space_of(server, alice, child(public, order="a"), child(hidden, order="b", suggested=True), child("!unknown:far"))
    peers = Looking(server, FarAway(children={})).peers
    answer = orjson.loads(server.run(peers.page("far", root, suggested_only=False)))
    assert answer["room"]["room_id"] == root
    assert len(answer["room"]["children_state"]) == 3
    assert [room["room_id"] for room in answer["children"]] == [public]
    assert answer["inaccessible_children"] == [hidden]
    assert orjson.loads(server.run(peers.page("test", root, suggested_only=True)))["children"][0]["room_id"] == hidden
    with pytest.raises(NotFound):
        server.run(peers.page("far", hidden, suggested_only=False))
    with pytest.raises(NotFound):
        server.run(peers.page("far", "!unknown:far", suggested_only=False))
    assert member(server, alice, root, "ban", "@x:far")[0] == 200


def test_walks_are_bounded() -> None:
    walks = Walks(FakeClock(), SeededChance())

    def walk(weight: int) -> Walk:
        return Walk(ALICE, "!root", False, 3, [Step("!a", 0)] * weight)

    told = RemoteRoom({"room_id": "!a", "topic": "t" * 5_000})
    assert Walk(ALICE, "!root", False, 3, [Step("!a", 0, (), told)]).weight > 50
    first = walks.keep(walk(10))
    assert walks.resume(first, ALICE, "!root", {}).weight == 11
    walks.keep(walk(MAX_WEIGHT // 2))
    walks.keep(walk(MAX_WEIGHT // 2))
    for token in (first, walks.keep(walk(MAX_WEIGHT * 2))):
        with pytest.raises(Exception, match="token"):
            walks.resume(token, ALICE, "!root", {})
