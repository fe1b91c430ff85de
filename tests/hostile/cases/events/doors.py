"""Servers that a room keeps out, and events that its policy server does not want (row 20)."""

from collections.abc import Callable
from typing import Any

from federation.client import v1
from homeserver.protocol.event import Event
from homeserver.protocol.signing import SigningKey, encode_base64, signed_bytes
from tests.hostile.support.case import Case, arrived
from tests.hostile.support.edus import edu, typing_in
from tests.hostile.support.scene import FORGED, Scene
from tests.hostile.support.world import HOME

GETS = ("state", "state_ids", "backfill", "event_auth", "timestamp_to_event", "make_leave", "hierarchy")
POLICY_KEY = SigningKey.generate(b"\5" * 32, "policy_server")


def bars(scene: Scene, **acl: Any) -> None:
    scene.sets("m.room.server_acl", {"allow": ["*"], "deny": [scene.evil.name], **acl})
    scene.stand()


def questions(scene: Scene, event_id: str) -> dict[str, str]:
    room = scene.room
    return {
        "state": v1("state", room) + f"?event_id={event_id}",
        "state_ids": v1("state_ids", room) + f"?event_id={event_id}",
        "backfill": v1("backfill", room) + f"?v={event_id}&limit=10",
        "event_auth": v1("event_auth", room, event_id),
        "timestamp_to_event": v1("timestamp_to_event", room) + "?ts=0&dir=f",
        "make_leave": v1("make_leave", room, scene.bob),
        "hierarchy": v1("hierarchy", room),
        "event": v1("event", event_id),
    }


def asks_all_the_same(scene: Scene) -> None:
    said = scene.says("not for everybody")
    asked = questions(scene, said)
    assert scene.world.run(scene.evil.ask("GET", asked["state_ids"]))[0] == 200
    bars(scene)
    for name, uri in asked.items():
        status, answer = scene.world.run(scene.evil.ask("GET", uri))
        assert status == 403, (name, status)
        assert "not for everybody" not in str(answer)
    body = {"latest_events": [said], "earliest_events": []}
    assert scene.world.run(scene.evil.ask("POST", v1("get_missing_events", scene.room), body))[0] == 403


def good_is_answered(scene: Scene) -> None:
    said = scene.says("for carol's server")
    for name, uri in questions(scene, said).items():
        if name not in ("make_leave", "hierarchy"):
            assert scene.world.run(scene.good.ask("GET", uri))[0] == 200, name


def sends_all_the_same(scene: Scene) -> None:
    """Events, and what passes."""
    bars(scene)
    lie = scene.message()
    scene.lies.append(lie.event_id)
    answer = scene.send([lie], [typing_in(scene, scene.bob), edu("m.receipt", {scene.room: {"m.read": {scene.bob: receipt(scene)}}})])
    assert "error" in answer["pdus"][lie.event_id]
    assert scene.world.home.parts.personal.typing.in_room(scene.room) == ()


def receipt(scene: Scene) -> dict[str, Any]:
    return {"event_ids": [scene.ends()[0].event_id], "data": {"ts": 1}}


def good_types(scene: Scene) -> None:
    scene.send([scene.honest_message()], [typing_in(scene, scene.carol)], peer=scene.good)
    assert scene.world.home.parts.personal.typing.in_room(scene.room) == (scene.carol,)
    arrived(scene)


def comes_back_all_the_same(scene: Scene) -> None:
    join = scene.member_event(scene.evil, scene.evil.user("dave"), scene.room)
    bars(scene)
    assert scene.hand_in(scene.evil, "send_join", scene.room, join)[0] == 403
    assert scene.world.run(scene.evil.ask("GET", v1("make_join", scene.room, scene.evil.user("dave")) + "?ver=11&ver=12"))[0] == 403
    leave = scene.member("leave")
    assert scene.hand_in(scene.evil, "send_leave", scene.room, leave)[0] == 403


def good_comes(scene: Scene) -> None:
    scene.enter(scene.good, scene.good.user("dora"), scene.room)
    scene.stand()


def other_spellings(scene: Scene) -> None:
    """Of the list and of the name: letters of both cases, stars, question marks."""
    for pattern in (scene.evil.name.upper(), "evil*", "*." + scene.evil.name.partition(".")[2], "e?il*.test", "**" + scene.evil.name):
        deny = {"allow": [HOME, scene.good.name], "deny": [pattern]} if pattern.startswith("*.") else {"deny": [pattern]}
        bars(scene, **deny)
        lie = scene.message()
        scene.lies.append(lie.event_id)
        assert "error" in scene.send([lie])["pdus"][lie.event_id], pattern


def lists_that_are_none(scene: Scene) -> None:
    """Nobody is let in by what cannot be read."""
    unread: tuple[Any, ...] = ("*", None, [7, None, {}], {})
    for allow in unread:
        bars(scene, allow=allow)
        lie = scene.message()
        scene.lies.append(lie.event_id)
        assert "error" in scene.send([lie])["pdus"][lie.event_id]
    bars(scene)


def long_lists(scene: Scene) -> None:
    """Nine hundred patterns, and such as make a slow matcher slow; asked at each request, and of each event."""
    deny = [f"{'*a' * 12}{number}*.test" for number in range(600)] + ["*" * 60 + "b" + "?" * 60, scene.evil.name]
    bars(scene, deny=deny)
    lie = scene.message()
    scene.lies.append(lie.event_id)
    assert "error" in scene.send([lie])["pdus"][lie.event_id]
    for _ in range(20):
        assert scene.world.run(scene.evil.ask("GET", v1("make_leave", scene.room, scene.bob)))[0] == 403


# policy servers


def policed(scene: Scene) -> None:
    """Carol's server judges what is said."""
    content = {"via": scene.good.name, "public_keys": {"ed25519": encode_base64(POLICY_KEY.public_key)}}

    def sign(asked: Any) -> Any:
        event = asked.json
        if event["content"].get("body") == FORGED or event["sender"] == scene.bob:
            return {}
        built = Event.from_pdu(event, event_id="$x", room_id=scene.room, version=scene.version)
        signature = encode_base64(POLICY_KEY.sign(signed_bytes(built.pdu, scene.version)))
        return {scene.good.name: {"ed25519:policy_server": signature}}

    scene.good.answers["sign"] = sign
    scene.sets("m.room.policy", content)
    scene.stand()


def unwanted(change: Callable[[Scene, dict[str, Any]], dict[str, Any]]) -> Callable[[Scene], None]:
    """Bob says that the policy server liked it."""

    def lie(scene: Scene) -> None:
        policed(scene)
        event = scene.message()
        scene.lies.append(event.event_id)
        signatures = change(scene, dict(event.pdu["signatures"]))
        scene.tell({**event.pdu, "signatures": signatures})

    return lie


SIGNED: dict[str, Callable[[Scene, dict[str, Any]], dict[str, Any]]] = {
    "no signature": lambda s, signatures: signatures,
    "a signature of its own key": lambda s, signatures: {**signatures, s.good.name: {s.good.key.key_id: "a" * 86}},
    "a signature that is none": lambda s, signatures: {**signatures, s.good.name: {"ed25519:policy_server": "a" * 86}},
    "a signature of the liar": lambda s, signatures: {**signatures, s.evil.name: {**signatures[s.evil.name], "ed25519:policy_server": "a" * 86}},
}  # fmt: skip


def policy_changed_by_the_liar(scene: Scene) -> None:
    """Who is not asked is named, and the policy is taken away, without power."""
    policed(scene)
    mine = {"via": scene.evil.name, "public_keys": {"ed25519": encode_base64(scene.evil.key.public_key)}}
    scene.tell(scene.forge("m.room.policy", mine, ""), scene.forge("m.room.policy", {FORGED: 1}, ""), scene.message())


CASES = [
    Case("asks though it is barred", (20, 21), asks_all_the_same, good_is_answered),
    Case("sends though it is barred", (20, 24), sends_all_the_same, good_types),
    Case("comes back though it is barred", (20,), comes_back_all_the_same, good_comes),
    Case("other spellings of who is barred", (20,), other_spellings, good_types),
    Case("lists that are none", (20,), lists_that_are_none, lambda scene: scene.stand()),
    Case("long lists", (20,), long_lists, good_types),
    *(Case(f"past the policy server with {name}", (12,), unwanted(change), arrived) for name, change in SIGNED.items()),
    Case("a policy changed by the liar", (12,), policy_changed_by_the_liar, arrived),
]
