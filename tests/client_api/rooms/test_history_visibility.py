"""Who may see what: every visibility, every way of having been in the room, every way to read, with a secret word that must not come out."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client_api.rooms.talk import V1
from tests.support.client import Client
from tests.support.rooms import create_room, join, member, path
from tests.support.server import TestServer, make_server

SECRET = "xyzzy"
VISIBILITIES = ("world_readable", "shared", "invited", "joined")
VIEWERS = {
    "member": {"world_readable", "shared", "invited", "joined"},
    "leaver": {"world_readable", "shared", "invited", "joined"},  # was there, has left since
    "invitee": {"world_readable", "shared", "invited"},  # invited at the time, joined later
    "latecomer": {"world_readable", "shared"},
    "former": {"world_readable"},  # left before
    "banned": {"world_readable"},  # banned before
    "stranger": {"world_readable"},
    "declined": {"world_readable"},  # invited and declined before
    "forgetful": {"world_readable"},  # left before and forgot the room
}


class Story:
    """A room in which Olga tells a secret."""

    def __init__(self, server: TestServer, visibility: str) -> None:
        self.server = server
        self.olga = server.user("olga")
        self.clients = {name: server.user(name) for name in VIEWERS}
        self.count = 0
        state = [{"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}]
        self.room = create_room(server, self.olga, preset="public_chat", initial_state=state)
        for name in ("member", "leaver", "former", "banned", "forgetful"):
            join(server, self.clients[name], self.room)
        self.root = self.say("root")
        self._go("former", "forgetful")
        server.ok(self.clients["forgetful"].post(path("rooms", self.room, "forget")))
        for action, name in (("ban", "banned"), ("invite", "declined"), ("invite", "invitee")):
            assert member(server, self.olga, self.room, action, f"@{name}:test")[0] == 200
        self._go("declined")
        self.secret = self.say(SECRET)
        self.say(SECRET, rel_type="m.thread")
        edited = {"m.new_content": {"body": SECRET}, "m.relates_to": {"rel_type": "m.replace", "event_id": self.root}}
        self.send("m.room.message", {"body": "edit", **edited})
        self.say(SECRET, rel_type="org.example")
        self._go("leaver")
        join(server, self.clients["latecomer"], self.room)
        join(server, self.clients["invitee"], self.room)
        self.last = self.say("last")

    def _go(self, *names: str) -> None:
        for name in names:
            self.server.ok(self.clients[name].post(path("rooms", self.room, "leave")))

    def say(self, text: str, *, rel_type: str | None = None) -> str:
        relation = {} if rel_type is None else {"m.relates_to": {"rel_type": rel_type, "event_id": self.root}}
        return self.send("m.room.message", {"body": text, **relation})

    def send(self, type: str, content: dict[str, object]) -> str:
        self.count += 1
        self.server.clock.advance(1)
        answer = self.server.ok(self.olga.put(path("rooms", self.room, "send", type, str(self.count)), content))
        assert isinstance(answer["event_id"], str)
        return answer["event_id"]

    def ways(self) -> Iterator[str]:
        room = path("rooms", self.room)
        v1 = room.replace("/_matrix/client/v3", V1)
        for name in ("messages?dir=b&limit=50", "messages?dir=f&limit=50", "messages?dir=b&from=s9999&limit=3", "initialSync?limit=50"):
            yield f"{room}/{name}"
        for event_id in (self.root, self.secret, self.last):
            yield f"{room}/event/{event_id}"
            yield f"{room}/context/{event_id}?limit=50"
            yield f"{path('events')}/{event_id}"
            for more in ("", "?recurse=true", "?dir=f", "/m.thread", "/m.replace/m.room.message"):
                yield f"{v1}/relations/{event_id}{more}"
        yield from (f"{v1}/threads", f"{v1}/threads?include=participated")
        yield from (f"{room}/state", f"{room}/members", f"{room}/joined_members")
        yield from (path("initialSync") + "?archived=true&limit=50", path("events") + "?from=s1")
        yield path("events") + f"?from=s1&room_id={self.room}"

    def hits(self, client: Client) -> list[str]:
        """The ways on which the secret comes out."""
        found = []
        for way in self.ways():
            reply = self.server.run(client.call("GET", way))
            assert reply.status in (200, 403, 404), way
            if SECRET.encode() in reply.body:
                found.append(way)
        return found


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_the_secret_comes_out_to_whom_it_may_alone(tmp_path: Path, visibility: str) -> None:
    story = Story(make_server(tmp_path), visibility)
    for name, allowed in VIEWERS.items():
        hits = story.hits(story.clients[name])
        if visibility in allowed:
            assert any("messages" in way for way in hits), (name, visibility)
            sees_root = name != "invitee" or visibility != "invited"
            assert any("relations" in way for way in hits) == sees_root, (name, visibility)
        else:
            assert hits == [], (name, visibility)


def test_moments_do_not_tell_either(tmp_path: Path) -> None:
    story = Story(make_server(tmp_path), "joined")
    when = story.server.ok(story.olga.get(path("rooms", story.room, "event", story.secret)))["origin_server_ts"]
    way = f"{V1}/rooms/{story.room}/timestamp_to_event"
    for name, allowed in VIEWERS.items():
        status, answer = story.server.run(story.clients[name].get(way, {"ts": when, "dir": "f"}))
        assert (status == 200 and answer["event_id"] == story.secret) == ("joined" in allowed), name


def test_rooms_do_not_lend_their_events(tmp_path: Path) -> None:
    """IDs of one room in paths of another show nothing."""
    story = Story(make_server(tmp_path), "shared")
    other = create_room(story.server, story.clients["stranger"])
    theirs, own = (path("rooms", room).rsplit("/", 1)[1] for room in (story.room, other))
    for way in story.ways():
        reply = story.server.run(story.clients["stranger"].call("GET", way.replace(theirs, own).replace(story.room, other)))
        assert SECRET.encode() not in reply.body


@pytest.mark.parametrize("visibility", VISIBILITIES)
def test_a_search_neither_finds_nor_counts_what_may_not_be_seen(tmp_path: Path, visibility: str) -> None:
    story = Story(make_server(tmp_path), visibility)
    for name, allowed in VIEWERS.items():
        for order in ("rank", "recent"):
            wish: dict[str, object] = {"search_term": SECRET, "order_by": order, "event_context": {}, "include_state": True}
            client = story.clients[name]
            answer = story.server.ok(client.post(path("search"), {"search_categories": {"room_events": wish}}))
            found = answer["search_categories"]["room_events"]
            if visibility in allowed and name not in ("stranger", "declined", "forgetful"):
                assert found["count"] == len(found["results"]) == (3 if name == "invitee" and visibility == "invited" else 4), name
            else:
                assert (found["count"], found["results"]) == (0, []), name
