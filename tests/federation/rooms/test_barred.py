"""A server that a room bars is refused at every door of that room: a law over all that is declared."""

from federation.client import Query
from homeserver.web.dispatch import served_paths
from tests.federation.support.asking import ask, put_member, say
from tests.federation.support.town import Town
from tests.support.rooms import create_room, path

NAMED = {"event_id": "$" + "x" * 43, "user_id": "@bob:b.test"}
REASON = "Your server is not allowed in this room"


def test_there_is_no_way_in(town: Town) -> None:
    a, alice = town["a.test"], town.user("a.test", "alice")
    room = create_room(a, alice, preset="public_chat")
    put_member(town, room, "@bob:b.test")
    said = say(town, room, "@alice:a.test", "hello")
    doors = [
        (method, declared.format(**{**NAMED, "room_id": room}))
        for method, declared in served_paths(a.server.doors[0].dispatch)
        if declared.startswith("/_matrix/federation/") and "{room_id}" in declared
    ]
    doors.append(("GET", f"/_matrix/federation/v1/event/{said}"))
    assert len(doors) >= 19
    query: Query = {"event_id": said, "v": said, "limit": 5, "ts": 0, "dir": "f"}

    def refused() -> list[str]:
        answers = {
            where: ask(town, where, query if method == "GET" else {}, method=method, body=None if method == "GET" else {})
            for method, where in doors
        }
        return [where for where, (status, answer) in answers.items() if status == 403 and answer["error"] == REASON]

    assert refused() == []
    a.ok(alice.put(path("rooms", room, "state", "m.room.server_acl"), {"allow": ["*"], "deny": ["b.test"]}))
    assert refused() == list(dict.fromkeys(where for _, where in doors))
