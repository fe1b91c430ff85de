"""A server that is asked for a template lies: nothing is signed but the user's own membership."""

from collections.abc import Callable
from typing import Any

import pytest

from federation.errors import BadAnswer
from federation.handshakes.template import complete, read_template
from homeserver.errors import IncompatibleRoomVersion
from homeserver.protocol.room_versions import ROOM_VERSIONS
from homeserver.protocol.signing import SigningKey
from homeserver.rooms.append import Identity

ROOM = "!r:evil.test"
USER = "@bob:b.test"
IDENTITY = Identity("b.test", SigningKey.generate(b"\1" * 32, "1"))


def template(version: str, **fields: Any) -> dict[str, Any]:
    cited = [["$a:evil.test", {"sha256": "aGFzaA"}]] if ROOM_VERSIONS[version].references_with_hashes else ["$" + "a" * 43]
    event = {"prev_events": cited, "auth_events": cited, "depth": 5, "type": "m.room.member", "content": {"membership": "join"}, **fields}
    return {"room_version": version, "event": event}


@pytest.mark.parametrize("version", ["1", "6", "11", "12"])
@pytest.mark.parametrize(
    "lie",
    [
        {"type": "m.room.power_levels", "state_key": "", "content": {"users": {USER: 100}}},
        {"sender": "@alice:b.test", "state_key": "@alice:b.test"},
        {"room_id": "!other:b.test"},
        {"content": {"membership": "ban"}},
        {"origin": "other.test", "signatures": {"b.test": {}}, "hashes": {}, "unsigned": {"x": 1}, "event_id": "$x:evil.test"},
    ],
)
def test_nothing_but_the_place_in_the_graph_is_taken(version: str, lie: dict[str, Any]) -> None:
    read = read_template(template(version, **lie), "evil.test")
    event = complete(read, ROOM, USER, {"membership": "join", "displayname": "Bob"}, identity=IDENTITY, now_ms=7, token="t")
    told = {key: value for key, value in event.pdu.items() if key not in ("prev_events", "auth_events", "depth", "hashes", "signatures")}
    expected = {
        "content": {"membership": "join", "displayname": "Bob"},
        "origin_server_ts": 7,
        "room_id": ROOM,
        "sender": USER,
        "state_key": USER,
        "type": "m.room.member",
    }
    assert told == expected | ({"event_id": "$t:b.test"} if version == "1" else {})


@pytest.mark.parametrize(
    "spoil",
    [
        lambda answer: answer.pop("event"),
        lambda answer: answer["event"].pop("content"),
        lambda answer: answer["event"].update(depth=-1),
        lambda answer: answer["event"].update(depth=2**60),
        lambda answer: answer["event"].update(depth="5"),
        lambda answer: answer["event"].update(prev_events=None),
        lambda answer: answer["event"].update(prev_events=["$" + "a" * 43] * 21),
        lambda answer: answer["event"].update(auth_events=["$" + "a" * 43] * 11),
        lambda answer: answer["event"].update(auth_events=[7]),
        lambda answer: answer["event"]["content"].update(join_authorised_via_users_server="@mallory:third.test"),
        lambda answer: answer["event"]["content"].update(join_authorised_via_users_server=7),
    ],
)
def test_what_is_no_template_is_refused(spoil: Callable[[dict[str, Any]], Any]) -> None:
    answer = template("11")
    spoil(answer)
    with pytest.raises(BadAnswer):
        read_template(answer, "evil.test")


def test_a_room_of_an_unknown_version_is_refused_by_name() -> None:
    with pytest.raises(IncompatibleRoomVersion) as refused:
        read_template({**template("11"), "room_version": "13.x"}, "evil.test")
    assert refused.value.fields == {"room_version": "13.x"}


@pytest.mark.parametrize("hashes", [{}, {"sha256": "aGFzaA"}])
def test_in_old_rooms_events_are_cited_with_the_hashes_that_were_told(hashes: dict[str, str]) -> None:
    answer = template("1", auth_events=[["$b:evil.test", hashes]])
    event = complete(read_template(answer, "evil.test"), ROOM, USER, {"membership": "join"}, identity=IDENTITY, now_ms=7, token="t")
    assert event.pdu["auth_events"] == [["$b:evil.test", hashes]]
