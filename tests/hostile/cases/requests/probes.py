"""What a server asks that is not in the room, or was not there at the time (rows 13 and 21)."""

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from federation.client import v1
from federation.telling.turns import AT_ONCE, MOST_WAITING
from homeserver.web.endpoint import Reply
from tests.hostile.support.case import TWELVE, Case
from tests.hostile.support.peer import Peer
from tests.hostile.support.scene import Scene
from tests.support.client import start
from tests.support.rooms import create_room, path

SECRET = "the secret word"
Uri = Callable[[str, str], str]  # of a room and an event
QUESTIONS: dict[str, Uri] = {
    "state": lambda room, event: v1("state", room) + f"?event_id={event}",
    "state_ids": lambda room, event: v1("state_ids", room) + f"?event_id={event}",
    "event": lambda room, event: v1("event", event),
    "event_auth": lambda room, event: v1("event_auth", room, event),
    "backfill": lambda room, event: v1("backfill", room) + f"?v={event}&limit=10",
    "timestamp_to_event": lambda room, event: v1("timestamp_to_event", room) + "?ts=0&dir=f",
    "make_leave": lambda room, event: v1("make_leave", room, "@stranger:nowhere.test"),
    "hierarchy": lambda room, event: v1("hierarchy", room),
}


def ask(scene: Scene, peer: Peer, method: str, uri: str, body: Any = None) -> tuple[int, Any]:
    return scene.world.run(peer.ask(method, uri, body))


def missing(scene: Scene, peer: Peer, room: str, event: str, *earliest: str) -> tuple[int, Any]:
    return ask(
        scene, peer, "POST", v1("get_missing_events", room), {"latest_events": [event], "earliest_events": list(earliest), "limit": 10}
    )


def private_room(scene: Scene, **options: Any) -> tuple[str, str]:
    """Alice's alone, and what she said there."""
    room = create_room(
        scene.world.home, scene.alice, preset="private_chat", room_version=scene.version.identifier, **{"topic": SECRET, **options}
    )
    return room, scene.says(SECRET, room)


def of_a_room_not_entered(name: str) -> Callable[[Scene], None]:
    """A private room: its existence is not told either."""

    def lie(scene: Scene) -> None:
        room, said = private_room(scene)
        state = [event.event_id for event in scene.state(room).values()]
        for event in (said, *state[:3]):
            status, answer = ask(scene, scene.evil, "GET", QUESTIONS[name](room, event))
            assert status in (403, 404), (name, status)
            assert SECRET not in str(answer)
            assert ask(scene, scene.evil, "GET", QUESTIONS[name]("!none:home.test", "$" + "x" * 43))[0] == status

    return lie


def missing_of_a_room_not_entered(scene: Scene) -> None:
    room, said = private_room(scene)
    assert missing(scene, scene.evil, room, said)[0] == 403


def by_way_of_its_own_room(name: str) -> Callable[[Scene], None]:
    """Events of the private room, asked for by the name of the room that the liar is in."""

    def lie(scene: Scene) -> None:
        room, said = private_room(scene)
        power = scene.state(room)["m.room.power_levels", ""].event_id
        for event in (said, power):
            status, answer = ask(scene, scene.evil, "GET", QUESTIONS[name](scene.room, event))
            assert SECRET not in str(answer)
            assert event not in str(answer.get("pdus", "")) + str(answer.get("pdu_ids", "")) + str(answer.get("auth_chain", ""))
            assert status in (403, 404) or not answer.get("pdus")

    return lie


def missing_by_way_of_its_own_room(scene: Scene) -> None:
    room, _ = private_room(scene)
    after = scene.says("after the " + SECRET, room)
    status, answer = missing(scene, scene.evil, scene.room, after)
    assert (status, answer) == (200, {"events": []})


def good_is_told(scene: Scene) -> None:
    """The control: who is in the room is told by each of these ways."""
    said = scene.says("for all here")
    last = scene.says("and after")
    for name in ("state", "state_ids", "event", "event_auth", "backfill", "timestamp_to_event"):
        assert ask(scene, scene.good, "GET", QUESTIONS[name](scene.room, said))[0] == 200, name
    status, answer = missing(scene, scene.good, scene.room, last)
    assert status == 200
    assert "for all here" in str(answer)


def before_it_came(visibility: str) -> Callable[[Scene], None]:
    """What was said before the liar's server was there, where the room does not show that."""

    def lie(scene: Scene) -> None:
        setting = {"type": "m.room.history_visibility", "state_key": "", "content": {"history_visibility": visibility}}
        room = scene.open_room(initial_state=[setting])
        said = scene.says(SECRET, room)
        scene.enter(scene.evil, scene.bob, room)
        last = scene.says("since then", room)
        for name in ("event", "backfill"):
            _, answer = ask(scene, scene.evil, "GET", QUESTIONS[name](room, said))
            assert SECRET not in str(answer), name
        assert SECRET not in str(ask(scene, scene.evil, "GET", QUESTIONS["backfill"](room, last))[1])
        answer = missing(scene, scene.evil, room, last)[1]
        assert SECRET not in str(answer)
        assert "since then" in str(ask(scene, scene.evil, "GET", QUESTIONS["event"](room, last))[1])

    return lie


def after_it_left(scene: Scene) -> None:
    """What is said once the liar's users are gone."""
    before = scene.says("while bob was here")
    leave = scene.member_event(scene.evil, scene.bob, scene.room, "leave")
    assert scene.hand_in(scene.evil, "send_leave", scene.room, leave)[0] == 200
    scene.stand()
    said = scene.says(SECRET)
    for name, uri in QUESTIONS.items():
        if name in ("make_leave", "hierarchy"):  # a public room
            continue
        for event in (said, before):
            status, answer = ask(scene, scene.evil, "GET", uri(scene.room, event))
            assert SECRET not in str(answer), name
            assert status in (403, 404), name
    assert missing(scene, scene.evil, scene.room, said, before)[0] == 403


def only_invited(scene: Scene) -> None:
    """An invite shows what it shows."""
    room, said = private_room(scene)
    scene.evil.answers["invite"] = lambda asked: {"event": asked.json["event"]}
    scene.world.home.run(scene.alice.post(path("rooms", room, "invite"), {"user_id": scene.bob}))
    for name, uri in QUESTIONS.items():
        status, answer = ask(scene, scene.evil, "GET", uri(room, said))
        assert SECRET not in str(answer), name
        assert status in (403, 404), name


def questions_that_are_none(scene: Scene) -> None:
    room, run, evil = scene.room, scene.world.run, scene.evil
    end = scene.ends()[0].event_id
    for uri in (
        v1("state", room),
        v1("state", room) + "?event_id=",
        v1("state_ids", room) + "?event_id=x",
        v1("backfill", room),
        v1("backfill", room) + f"?v={end}",
        v1("backfill", room) + f"?v={end}&limit=-1",
        v1("backfill", room) + f"?v={end}&limit=ten",
        v1("backfill", room) + "?limit=10&" + "&".join(f"v=${n}" for n in range(200)),
        v1("timestamp_to_event", room) + "?ts=x&dir=f",
        v1("timestamp_to_event", room) + "?ts=1&dir=x",
        v1("timestamp_to_event", room) + "?ts=99999999999999999999&dir=b",
        v1("event", "x"),
        v1("event_auth", room, "$" + "x" * 400),
        v1("query", "directory"),
        v1("query", "directory") + "?room_alias=x",
        v1("query", "profile") + "?user_id=x",
        v1("query", "profile") + f"?user_id={scene.carol}",
        v1("user", "devices", scene.carol),
        v1("user", "devices", "x"),
        v1("make_join", room, "x") + "?ver=11",
        v1("hierarchy", "x"),
        v1("openid", "userinfo") + "?access_token=forged",
        v1("media", "download", "../../../etc/passwd"),
        v1("media", "download", "x/y"),
        v1("media", "thumbnail", "x") + "?width=10",
        v1("nothing"),
        "/_matrix/federation/v1/state/%ff%fe?event_id=x",
    ):
        status, answer = run(evil.ask("GET", uri))
        assert 400 <= status < 500, (uri, status)
        assert answer["errcode"].startswith("M_")


def missing_that_is_none(scene: Scene) -> None:
    values: tuple[Any, ...] = (None, "x", 7, [7], [None], {}, [[]])
    bodies: list[Any] = [{}, [], "x", None, *({"latest_events": value, "earliest_events": []} for value in values)]
    limits: tuple[Any, ...] = (None, "x", 1.5, [])
    bodies += [{"latest_events": [], "earliest_events": [], "limit": value} for value in limits]
    for body in bodies:
        status, answer = ask(scene, scene.evil, "POST", v1("get_missing_events", scene.room), body)
        assert status == 400, (body, status)
        assert answer["errcode"].startswith("M_")
    huge = {"latest_events": [f"${n}" for n in range(100_000)], "earliest_events": [], "limit": 2**53 - 1, "min_depth": 2**53 - 1}
    assert ask(scene, scene.evil, "POST", v1("get_missing_events", scene.room), huge) == (200, {"events": []})


def keys_of_others(scene: Scene) -> None:
    """Asked through this server: those of its own users alone."""
    scene.register()
    body: dict[str, Any] = {"device_keys": {scene.carol: [], "@x:nowhere.test": [], "x": []}}
    assert scene.carol not in str(ask(scene, scene.evil, "POST", v1("user", "keys", "query"), body)[1].get("device_keys", ""))
    claim = {"one_time_keys": {scene.carol: {"D": "signed_curve25519"}}}
    assert scene.carol not in str(ask(scene, scene.evil, "POST", v1("user", "keys", "claim"), claim)[1].get("one_time_keys", ""))
    bodies: tuple[Any, ...] = (None, [], {"x": 7}, {scene.alice_id: "x"}, {scene.alice_id: [7]})
    for bad in bodies:
        assert ask(scene, scene.evil, "POST", v1("user", "keys", "query"), {"device_keys": bad})[0] == 400, bad


def alices_devices(scene: Scene) -> None:
    """The control."""
    status, answer = ask(scene, scene.good, "GET", v1("user", "devices", scene.alice_id))
    assert status == 200
    assert answer["user_id"] == scene.alice_id
    assert ask(scene, scene.good, "GET", v1("query", "profile") + f"?user_id={scene.alice_id}")[0] == 200


def many_at_once(scene: Scene) -> None:
    """Two hundred questions for whole states, none of which is taken to its end: some wait, the others are told to come back, and carol is heard."""
    uri = QUESTIONS["state"](scene.room, scene.ends()[0].event_id)
    asked = [start(scene.world.edge.serve(scene.evil.request("GET", uri))) for _ in range(200)]
    statuses: list[int] = []
    while asked:
        answered = [each for each in asked if each.called]
        assert answered
        asked = [each for each in asked if not each.called]
        scene.send([scene.honest_message()], peer=scene.good)
        statuses += [scene.world.run(turned_away(each)) for each in answered]
        scene.world.settle()
    assert (statuses.count(200), statuses.count(429)) == (AT_ONCE + MOST_WAITING, 200 - AT_ONCE - MOST_WAITING)


async def turned_away(asked: "Deferred[Reply]") -> int:
    """The answer is not wanted to its end."""
    reply = await asked
    if not isinstance(reply.body, bytes):
        await reply.body.aclose()
    return reply.status


CASES = [
    *(
        Case(f"{name} of a room that is private", (21,), of_a_room_not_entered(name), good_is_told, versions=TWELVE, shared=True)
        for name in QUESTIONS
    ),
    Case("missing events of a room that is private", (21,), missing_of_a_room_not_entered, good_is_told, versions=TWELVE, shared=True),
    *(
        Case(
            f"{name} of another room by way of its own", (13, 21), by_way_of_its_own_room(name), good_is_told, versions=TWELVE, shared=True
        )
        for name in ("state", "state_ids", "event_auth", "backfill")
    ),
    Case("missing events of another room", (13, 21), missing_by_way_of_its_own_room, good_is_told, versions=TWELVE, shared=True),
    *(
        Case(f"what was {visibility} before it came", (21,), before_it_came(visibility), good_is_told)
        for visibility in ("joined", "invited")
    ),
    Case("what is said after it left", (21,), after_it_left, good_is_told),
    Case("a room to which it was invited", (21,), only_invited, good_is_told),
    Case("questions that are none", (8, 21), questions_that_are_none, good_is_told, versions=TWELVE, shared=True),
    Case("questions for missing events that are none", (8,), missing_that_is_none, good_is_told, versions=TWELVE, shared=True),
    Case("keys of users of others", (21, 25), keys_of_others, alices_devices, versions=TWELVE, shared=True),
    Case("two hundred questions at once", (22,), many_at_once, good_is_told, versions=TWELVE),
]
