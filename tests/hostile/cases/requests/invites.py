"""Invites to rooms elsewhere (rows 18 and 25)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from federation.client import v1, v2
from homeserver.protocol.event import Event
from tests.hostile.support.case import BOTH, TWELVE, Case
from tests.hostile.support.foreign import ForeignRoom, pdus
from tests.hostile.support.peer import Peer
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow
from tests.support.rooms import path

Change = Callable[[Scene, ForeignRoom, Event], Mapping[str, Any]]


def bobs_room(scene: Scene) -> tuple[ForeignRoom, Event]:
    """And his invite for alice."""
    scene.register()
    room = ForeignRoom(scene, scene.evil, scene.bob)
    return room, room.make("m.room.member", {"membership": "invite"}, scene.alice_id)


def hand(scene: Scene, room: str, event_id: str, body: Any, peer: Peer | None = None) -> tuple[int, Any]:
    return scene.world.run((peer or scene.evil).ask("PUT", v2("invite", room, event_id), body))


def body_of(room: ForeignRoom, pdu: Any, **more: Any) -> dict[str, Any]:
    return {"room_version": room.version.identifier, "event": pdu, "invite_room_state": pdus(list(room.state.values())), **more}


def refused(answer: tuple[int, Any]) -> None:
    """And nothing signed."""
    assert answer[0] in (400, 403, 404), answer
    assert "signatures" not in str(answer[1])


def invited(scene: Scene, since: str = "") -> dict[str, Any]:
    query = {"since": since} if since else {}
    rooms = scene.world.home.ok(scene.alice.get(path("sync"), query)).get("rooms", {})
    found: dict[str, Any] = rooms.get("invite", {})
    return found


def carols_invite(scene: Scene) -> None:
    """The control: an honest one is signed, shown, and none of the others."""
    room = ForeignRoom(scene, scene.good, scene.carol, **{"m.room.name": {"name": "carol's"}})
    event = room.make("m.room.member", {"membership": "invite"}, scene.alice_id)
    status, answer = hand(scene, room.id, event.event_id, body_of(room, event.pdu), scene.good)
    assert status == 200, answer
    assert "home.test" in answer["event"]["signatures"]
    assert invited(scene).keys() == {room.id}
    assert "carol's" in str(invited(scene))


def changed(change: Change) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        room, event = bobs_room(scene)
        changes = dict(change(scene, room, event))
        pdu, event_id = event.pdu, event.event_id
        if "event" in changes:
            event_id, pdu = signed_anyhow({**pdu, **changes.pop("event")}, scene.version, scene.evil)
        if "path" in changes:
            event_id = changes.pop("path")
        if "pdu" in changes:
            pdu = changes.pop("pdu")
        refused(hand(scene, room.id, event_id, body_of(room, pdu, **changes)))
        assert invited(scene) == {}

    return lie


WRONG: dict[str, Change] = {
    "a message": lambda s, r, e: {"event": {"type": "m.room.message"}},
    "a join": lambda s, r, e: {"event": {"content": {"membership": "join"}}},
    "a ban": lambda s, r, e: {"event": {"content": {"membership": "ban"}}},
    "power levels": lambda s, r, e: {"event": {"type": "m.room.power_levels", "state_key": "", "content": {"users": {s.bob: 100}}}},
    "one for nobody": lambda s, r, e: {"event": {"state_key": "nobody"}},
    "one for a user of another": lambda s, r, e: {"event": {"state_key": s.carol}},
    "one by alice": lambda s, r, e: {"event": {"sender": s.alice_id}},
    "one by carol": lambda s, r, e: {"event": {"sender": s.carol}},
    "one to another room": lambda s, r, e: {"event": {"room_id": "!other:evil.test"}},
    "one under another name": lambda s, r, e: {"path": "$" + "x" * 43},
    "one that is not signed": lambda s, r, e: {"pdu": {**e.pdu, "signatures": {}}},
    "one that was changed": lambda s, r, e: {"pdu": {**e.pdu, "content": {"membership": "invite", "reason": FORGED}}},
    "one of a version unknown": lambda s, r, e: {"room_version": "99"},
    "one of no version": lambda s, r, e: {"room_version": None},
    "one of an older version": lambda s, r, e: {"room_version": "1"},
    "nothing": lambda s, r, e: {"pdu": None},
    "a list": lambda s, r, e: {"pdu": []},
    "state that is no list": lambda s, r, e: {"invite_room_state": {"a": 1}},
}
NAMED: dict[str, Change] = {
    "no beginning": lambda s, r, e: {"invite_room_state": []},
    "the beginning of another room": lambda s, r, e: {
        "invite_room_state": pdus([ForeignRoom(s, s.evil, s.bob).state["m.room.create", ""]])
    },
    "half a beginning": lambda s, r, e: {"invite_room_state": [{"type": "m.room.create", "state_key": "", "sender": s.bob, "content": {}}]},
}
SHOWN: tuple[Any, ...] = (
    None, 7, "x", [], {}, {"type": 7}, {"type": "m.room.name", "state_key": "", "content": "forged"},
    {"type": "m.room.name", "content": {"name": FORGED}, "sender": "@x:evil.test"},
    {"type": "m.room.name", "state_key": "", "content": {"name": FORGED}, "sender": "nobody"},
    {"type": "m.room.name", "state_key": 7, "content": {"name": FORGED}, "sender": "@x:evil.test"},
    {"type": ["m.room.name"], "state_key": "", "content": {"name": FORGED}, "sender": "@x:evil.test"},
)  # fmt: skip


def malformed_state(scene: Scene) -> None:
    """CVE-2024-52815: what is shown of the room is nonsense, in eleven ways. The invite stands, and who is invited can sync."""
    room, event = bobs_room(scene)
    shown = [*pdus(list(room.state.values())), *SHOWN]
    assert hand(scene, room.id, event.event_id, body_of(room, event.pdu, invite_room_state=shown))[0] == 200
    assert invited(scene).keys() == {room.id}
    scene.world.home.ok(scene.alice.post(path("rooms", room.id, "leave")))


def large_state(scene: Scene) -> None:
    """Thousands of pieces, and such as are large: what a client is shown stays small."""
    room, event = bobs_room(scene)
    since = scene.world.home.ok(scene.alice.get(path("sync")))["next_batch"]
    create = pdus([room.state["m.room.create", ""]])
    many = [{"type": "org.example", "state_key": str(n), "content": {"x": "y" * 20_000}, "sender": scene.bob} for n in range(150)]
    assert hand(scene, room.id, event.event_id, body_of(room, event.pdu, invite_room_state=[*create, *many]))[0] == 200
    assert len(str(invited(scene, since))) < 300_000
    scene.world.home.ok(scene.alice.post(path("rooms", room.id, "leave")))


def own_member_shown(scene: Scene) -> None:
    """Among what is shown, another membership of alice's, and a name twice: her invite is the one that was signed."""
    room, event = bobs_room(scene)
    mine = {
        "type": "m.room.member",
        "state_key": scene.alice_id,
        "content": {"membership": "join", "displayname": FORGED},
        "sender": scene.alice_id,
    }
    shown = [*pdus(list(room.state.values())), mine, mine]
    assert hand(scene, room.id, event.event_id, body_of(room, event.pdu, invite_room_state=shown))[0] == 200
    assert FORGED not in str(invited(scene))
    scene.world.home.ok(scene.alice.post(path("rooms", room.id, "leave")))


def to_a_room_that_is_here(scene: Scene) -> None:
    """An invite to a room that this server is in, by a member who may not invite, and by a stranger, for a user who is not in it."""
    scene.sets("m.room.power_levels", {**scene.levels(), "invite": 50})
    scene.stand()
    dan = scene.world.home.user(f"dan{scene.alice_id[1:].partition(':')[0]}")
    dan_id = scene.world.home.ok(dan.get("/_matrix/client/v3/account/whoami"))["user_id"]
    for sender in (scene.bob, scene.evil.user("dave")):
        event = scene.member("invite", dan_id, sender=sender)
        create = [scene.state()["m.room.create", ""].pdu]
        body = {"room_version": scene.version.identifier, "event": event.pdu, "invite_room_state": create}
        hand(scene, scene.room, event.event_id, body)
        scene.lies.append(event.event_id)
        assert scene.world.home.ok(dan.get(path("sync"))).get("rooms", {}).get("invite", {}) == {}


def the_old_way(scene: Scene) -> None:
    """PUT /v1/invite is for rooms of old versions: an event of these is none of those."""
    room, event = bobs_room(scene)
    pdu = {**event.pdu, "unsigned": {"invite_room_state": pdus(list(room.state.values()))}}
    refused(scene.world.run(scene.evil.ask("PUT", v1("invite", room.id, event.event_id), pdu)))
    assert invited(scene) == {}


def taken_back_by_nobody(scene: Scene) -> None:
    """Carol's invite stands, though bob says that it was taken back."""
    room = ForeignRoom(scene, scene.good, scene.carol)
    invite = room.make("m.room.member", {"membership": "invite"}, scene.alice_id)
    scene.register()
    assert hand(scene, room.id, invite.event_id, body_of(room, invite.pdu), scene.good)[0] == 200
    room.take(invite)
    kick = room.make("m.room.member", {"membership": "leave"}, scene.alice_id)
    unsigned = {**kick.pdu, "signatures": {scene.evil.name: {scene.evil.key.key_id: "a" * 86}}}
    without = signed_anyhow({**kick.pdu, "sender": scene.bob, "auth_events": []}, scene.version, scene.evil)[1]
    own = signed_anyhow({**kick.pdu, "sender": scene.alice_id}, scene.version, scene.evil)[1]
    ban = signed_anyhow({**kick.pdu, "sender": scene.bob, "content": {"membership": "join"}}, scene.version, scene.evil)[1]
    scene.send([unsigned, without, own, ban])
    assert invited(scene).keys() == {room.id}
    assert scene.send([kick.pdu], peer=scene.good)["pdus"] == {kick.event_id: {}}
    assert invited(scene) == {}


NONSENSE = ("a message", "one for nobody", "one for a user of another", "nothing", "a list", "state that is no list", "one of no version")


def versions(name: str) -> Sequence[str]:
    return TWELVE if name in NONSENSE else BOTH


CASES = [
    *(
        Case(f"an invite that is {name}", (18,), changed(change), carols_invite, room=False, versions=versions(name))
        for name, change in WRONG.items()
    ),
    *(Case(f"an invite with {name}", (18,), changed(change), carols_invite, room=False, versions=TWELVE) for name, change in NAMED.items()),
    Case("an invite with malformed state", (25,), malformed_state, carols_invite, room=False),
    Case("an invite with large state", (25,), large_state, carols_invite, room=False),
    Case("an invite with another membership in its state", (25,), own_member_shown, carols_invite, room=False),
    Case("an invite to a room that is here", (1, 18), to_a_room_that_is_here, lambda scene: scene.tell()),
    Case("an invite in the old way", (18,), the_old_way, carols_invite, room=False),
    Case("an invite taken back by who has no say", (1, 18), taken_back_by_nobody, carols_invite, room=False),
]
