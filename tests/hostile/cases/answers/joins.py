"""Rooms that are entered through a liar (rows 3, 12, 13, 16 and 18)."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from federation.errors import Unreachable
from homeserver.protocol.event import Event
from tests.hostile.cases.requests.invites import body_of, hand
from tests.hostile.support.case import BOTH, TWELVE, Case
from tests.hostile.support.foreign import ForeignRoom, pdus
from tests.hostile.support.peer import Asked, Peer, Told, always
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow
from tests.support.rooms import path

Answer = dict[str, Any]
Change = Callable[[Scene, ForeignRoom, Answer], Any]


def carols_room(scene: Scene) -> ForeignRoom:
    """On carol's server, with a history of its settings; bob's server says that it is in it, too."""
    scene.register()
    room = ForeignRoom(scene, scene.good, scene.carol, **{"m.room.name": {"name": "carol's"}})
    dora = scene.good.user("dora")
    room.add("m.room.member", {"membership": "join"}, dora, sender=dora)
    levels = {**room.state["m.room.power_levels", ""].content, "invite": 0}
    room.add("m.room.power_levels", levels, "")
    room.add("m.room.topic", {"topic": "carol's"}, "")
    scene.good.answers |= room.answers()
    scene.evil.answers |= room.answers()
    scene.foreign = room.id
    return room


def joins(scene: Scene, room: str, via: Peer) -> tuple[int, Any]:
    status, answer = scene.world.home.run(scene.alice.post(path("join", room) + f"?via={via.name}"), 1_000)
    return status, answer


def joined(scene: Scene) -> dict[str, Any]:
    found: dict[str, Any] = scene.world.home.ok(scene.alice.get(path("sync"))).get("rooms", {}).get("join", {})
    return found


def enters_by_carols_server(scene: Scene) -> None:
    """The control: the room that was lied about, or one like it, through a server that does not lie. Nothing half known of it is in the way."""
    room = scene.foreign or carols_room(scene).id
    assert joins(scene, room, scene.good) == (200, {"room_id": room})
    assert room in joined(scene)
    where = path("rooms", room, "send", "m.room.message", str(scene.next()))
    event_id = scene.world.home.ok(scene.alice.put(where, {"msgtype": "m.text", "body": "here"}))["event_id"]
    scene.world.settle()
    assert event_id in str(scene.world.home.ok(scene.alice.get(path("rooms", room, "messages"), {"dir": "b"})))
    assert any(pdu["content"].get("body") == "here" for asked in scene.good.questions("send") for pdu in asked.json["pdus"])


def only_her_own(scene: Scene, room: str, *memberships: str) -> None:
    """All that this server has signed for the liar is alice's own membership in that room."""
    for asked in scene.evil.asked:
        if asked.method == "PUT" and asked.name in ("send_join", "send_leave", "send_knock"):
            pdu = asked.json
            said = (pdu["type"], pdu["sender"], pdu["state_key"], pdu["room_id"], pdu["content"]["membership"])
            assert said in [("m.room.member", scene.alice_id, scene.alice_id, room, each) for each in memberships]
            assert FORGED not in str(pdu)


# templates

TEMPLATES: dict[str, Change] = {
    "power levels": lambda s, r, t: t["event"].update(type="m.room.power_levels", state_key="", content={"users": {s.bob: 100}, "membership": "join"}),
    "a message": lambda s, r, t: t["event"].update(type="m.room.message", content={"body": FORGED}),
    "another sender": lambda s, r, t: t["event"].update(sender=f"@{FORGED}:home.test", state_key=f"@{FORGED}:home.test"),
    "another user": lambda s, r, t: t["event"].update(state_key=s.bob),
    "another room": lambda s, r, t: t["event"].update(room_id=s.open_room()),
    "a ban": lambda s, r, t: t["event"].update(content={"membership": "ban", "reason": FORGED}),
    "more than was asked": lambda s, r, t: t["event"].update(
        content={"membership": "join", FORGED: 1}, unsigned={FORGED: 1}, origin=FORGED, hashes={}, signatures={"home.test": {}}, redacts="$x"
    ),
    "no event": lambda s, r, t: t.pop("event"),
    "an event that is none": lambda s, r, t: t.update(event=[FORGED]),
    "no content": lambda s, r, t: t["event"].pop("content"),
    "a depth beyond all": lambda s, r, t: t["event"].update(depth=2**60),
    "no depth": lambda s, r, t: t["event"].pop("depth"),
    "too many predecessors": lambda s, r, t: t["event"].update(prev_events=["$" + "x" * 43] * 21),
    "predecessors that are none": lambda s, r, t: t["event"].update(prev_events=[7, None]),
    "too much authority": lambda s, r, t: t["event"].update(auth_events=["$" + "x" * 43] * 11),
    "a version unknown": lambda s, r, t: t.update(room_version="99"),
    "a version of another type": lambda s, r, t: t.update(room_version=11),
    "another version": lambda s, r, t: t.update(room_version="11" if s.version.identifier == "12" else "12"),
    "a third who vouches": lambda s, r, t: t["event"]["content"].update(join_authorised_via_users_server=s.carol),
    "alice who vouches": lambda s, r, t: t["event"]["content"].update(join_authorised_via_users_server=s.alice_id),
}  # fmt: skip


def templates(change: Change) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        room = carols_room(scene)

        def template(asked: Asked) -> Answer:
            found = room.template(asked.segments[1])
            change(scene, room, found)
            return found

        scene.evil.answers["make_join"] = template
        scene.evil.answers["send_join"] = lambda asked: Told({"errcode": "M_FORBIDDEN"}, 403)
        status, _ = joins(scene, room.id, scene.evil)
        assert status in (400, 403, 404, 502), status
        assert room.id not in joined(scene)
        only_her_own(scene, room.id, "join")

    return lie


def leaving(scene: Scene) -> None:
    """Alice turns an invite down, and what she is given to sign is something else."""
    for content in ({"membership": "join"}, {"membership": "ban"}, {"membership": "leave", FORGED: 1}):
        room = ForeignRoom(scene, scene.evil, scene.bob)
        invite(scene, room)

        def template(asked: Asked, content: Any = content, room: ForeignRoom = room) -> Answer:
            found = room.template(asked.segments[1], "leave")
            found["event"].update(content=content, state_key=scene.bob, sender=scene.bob, type="m.room.topic", room_id=room.id + "x")
            return found

        scene.evil.answers |= {"make_leave": template, "send_leave": lambda _: {}}
        scene.world.home.ok(scene.alice.post(path("rooms", room.id, "leave")))
        only_her_own(scene, room.id, "leave")
        scene.evil.asked.clear()
    assert "invite" not in scene.world.home.ok(scene.alice.get(path("sync"))).get("rooms", {})


def invite(scene: Scene, room: ForeignRoom) -> None:
    scene.register()
    event = room.make("m.room.member", {"membership": "invite"}, scene.alice_id)
    assert hand(scene, room.id, event.event_id, body_of(room, event.pdu))[0] == 200
    room.take(event)


def leaving_in_vain(scene: Scene) -> None:
    """Whoever invited does not let go: alice is out all the same."""
    for answer in (Told({"errcode": "M_FORBIDDEN"}, 403), Told(b"<html>", 200), Told({}, 500), Told([], 200)):
        room = ForeignRoom(scene, scene.evil, scene.bob)
        invite(scene, room)
        scene.evil.answers["make_leave"] = always(answer)
        scene.world.home.ok(scene.alice.post(path("rooms", room.id, "leave")))
    assert "invite" not in scene.world.home.ok(scene.alice.get(path("sync"))).get("rooms", {})


def knocking(scene: Scene) -> None:
    room = ForeignRoom(scene, scene.evil, scene.bob, **{"m.room.join_rules": {"join_rule": "knock"}})
    scene.register()

    def template(asked: Asked) -> Answer:
        found = room.template(asked.segments[1], "knock")
        found["event"].update(content={"membership": "join", FORGED: 1}, state_key=scene.bob, room_id="!other:evil.test")
        return found

    shown: list[Any] = [{"type": "m.room.name", "state_key": "", "sender": 7, "content": {"name": FORGED}}, None, 7, []]
    scene.evil.answers |= {"make_knock": template, "send_knock": lambda _: {"knock_room_state": shown}}
    scene.world.home.ok(scene.alice.post(path("knock", room.id) + f"?via={scene.evil.name}"))
    only_her_own(scene, room.id, "knock")


# states


def other_room(scene: Scene) -> ForeignRoom:
    return ForeignRoom(scene, scene.evil, scene.bob, **{"m.room.name": {"name": FORGED}})


def ban_of_old(scene: Scene, room: ForeignRoom) -> Event:
    """From before alice joined."""
    joined = room.state.pop(("m.room.member", scene.alice_id))
    ban = room.make("m.room.member", {"membership": "ban"}, scene.alice_id)
    room.state[joined.address] = joined
    return ban


def without(answer: Answer, name: str, *types: str) -> list[Any]:
    return [pdu for pdu in answer[name] if pdu["type"] not in types]


def unsound(scene: Scene, room: ForeignRoom, kind: str, content: Any, key: str, sender: str) -> Any:
    """Signed by the liar alone."""
    pdu = {**room.make("m.room.topic", {}, "").pdu, "type": kind, "content": content, "state_key": key, "sender": sender}
    return signed_anyhow(pdu, scene.version, scene.evil)[1]


REFUSED: dict[str, Change] = {
    "no state": lambda s, r, a: a.pop("state"),
    "no chain": lambda s, r, a: a.pop("auth_chain"),
    "neither": lambda s, r, a: a.clear(),
    "empty lists": lambda s, r, a: a.update(state=[], auth_chain=[]),
    "state that is none": lambda s, r, a: a.update(state={"a": 1}),
    "no beginning": lambda s, r, a: a.update(state=without(a, "state", "m.room.create"), auth_chain=without(a, "auth_chain", "m.room.create")),
    "no beginning in its state": lambda s, r, a: a.update(state=without(a, "state", "m.room.create")),
    "another beginning": lambda s, r, a: a.update(
        state=[*without(a, "state", "m.room.create"), other_room(s).state["m.room.create", ""].pdu], auth_chain=without(a, "auth_chain", "m.room.create")
    ),
    "the state of another room": lambda s, r, a: a.update(state=pdus(list(other_room(s).state.values()))),
    "an empty chain": lambda s, r, a: a.update(auth_chain=[], state=without(a, "state", "m.room.create")),
    "no membership of who made it": lambda s, r, a: a.update(
        state=[pdu for pdu in a["state"] if pdu.get("state_key") != s.carol], auth_chain=[pdu for pdu in a["auth_chain"] if pdu.get("state_key") != s.carol]
    ),
    "a room that one has to be invited to": lambda s, r, a: a.update(
        state=[*without(a, "state", "m.room.join_rules"), r.make("m.room.join_rules", {"join_rule": "invite"}, "").pdu]
    ),
    "two rules for one thing": lambda s, r, a: a["state"].append(r.make("m.room.join_rules", {"join_rule": "knock"}, "").pdu),
    "a ban of alice": lambda s, r, a: a["state"].append(ban_of_old(s, r).pdu),
    "nothing but text": lambda s, r, a: Told(b"<html>forged</html>", kind="text/html"),
    "a list": lambda s, r, a: Told([a]),
    "the form of old": lambda s, r, a: Told([200, a]),
    "half an answer": lambda s, r, a: Told(Told(a)._rest[:-50]),
    "an answer cut off": lambda s, r, a: Told(pieces=cut_off(Told(a)._rest)),
    "a refusal": lambda s, r, a: Told({"errcode": "M_FORBIDDEN", "error": FORGED}, 403),
    "an error": lambda s, r, a: Told({"errcode": "M_UNKNOWN"}, 500),
    "come back later": lambda s, r, a: Told({"errcode": "M_LIMIT_EXCEEDED", "retry_after_ms": 10**9}, 429),
    "another place": lambda s, r, a: Told(b"", 302, location="https://127.0.0.1/"),
    "nesting without end": lambda s, r, a: Told(b'{"state":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "no UTF-8": lambda s, r, a: Told(b'{"state":["\xff\xfe"]}'),
    "lists of nonsense": lambda s, r, a: a.update(state=[None, 7, [], "x", {}] * 2_000, auth_chain=[{"type": 7}] * 2_000),
}  # fmt: skip
ENTERED: dict[str, Change] = {
    "a member whom nobody signed": lambda s, r, a: a["state"].append(
        unsound(s, r, "m.room.member", {"membership": "join", "displayname": FORGED}, s.good.user("mallory"), s.good.user("mallory"))
    ),
    "a member of this server": lambda s, r, a: a["state"].append(
        unsound(s, r, "m.room.member", {"membership": "join", "displayname": FORGED}, "@mallory:home.test", "@mallory:home.test")
    ),
    "a topic of the liar": lambda s, r, a: a["state"].append(unsound(s, r, "m.room.avatar", {"url": FORGED}, "", s.bob)),
    "power for the liar": lambda s, r, a: a.update(
        state=[*a["state"], unsound(s, r, "m.room.server_acl", {"allow": [FORGED]}, "", s.bob), unsound(s, r, "org.example", {FORGED: 1}, "x", s.carol)]
    ),
    "state of another room beside": lambda s, r, a: a["state"].extend(pdus(list(other_room(s).state.values()))),
    "messages as state": lambda s, r, a: a["state"].append(r.make("m.room.message", {"body": FORGED}).pdu),
    "names that were changed": lambda s, r, a: [
        pdu.update(content={**pdu["content"], "topic": FORGED}) for pdu in a["state"] if pdu["type"] == "m.room.topic"
    ],
    "everything a hundred times": lambda s, r, a: a.update(state=a["state"] * 100, auth_chain=a["auth_chain"] * 100),
    "another order": lambda s, r, a: a.update(state=a["state"][::-1], auth_chain=a["auth_chain"][::-1]),
    "another join": lambda s, r, a: a.update(event=unsound(s, r, "m.room.member", {"membership": "join", "displayname": FORGED}, s.alice_id, s.alice_id)),
    "unsigned claims": lambda s, r, a: [pdu.update(unsigned={"replaces_state": FORGED, "prev_content": {FORGED: 1}}) for pdu in a["state"]],
    "members that are left out": lambda s, r, a: a.update(members_omitted=True, servers_in_room=[FORGED, 7, None]),
}  # fmt: skip


async def cut_off(data: bytes) -> AsyncIterator[bytes]:
    yield data[: len(data) // 2]
    raise Unreachable("cut off")


def states(change: Change, *, enters: bool) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        room = carols_room(scene)

        def entered(asked: Asked) -> Any:
            found = room.entered(asked)
            changed = change(scene, room, found)
            return changed if isinstance(changed, Told) else found

        scene.evil.answers["send_join"] = entered
        status, answer = joins(scene, room.id, scene.evil)
        only_her_own(scene, room.id, "join")
        if enters:
            assert status == 200, answer
            shown = scene.world.home.ok(scene.alice.get(path("rooms", room.id, "state")))
            assert FORGED not in str(shown)
            members = {event["state_key"] for event in shown if event["type"] == "m.room.member"}
            assert members == {scene.alice_id, scene.carol, scene.good.user("dora")}
        else:
            assert status in (403, 404, 429, 502), (status, answer)
            assert room.id not in joined(scene)
            assert scene.world.home.run(scene.alice.get(path("rooms", room.id, "state")))[0] == 403

    return lie


async def drops() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


def an_answer_without_end(scene: Scene) -> None:
    """Spaces, for ever: it is cut where a template would long have ended."""
    room = carols_room(scene)
    told = Told(pieces=drops())
    scene.evil.answers["make_join"] = lambda _: told
    assert joins(scene, room.id, scene.evil)[0] == 502
    assert told.given < 1_000
    assert told.aborted


def an_answer_that_does_not_come(scene: Scene) -> None:
    """Nothing, and a byte a second: after a while it is given up, and other people are served meanwhile."""
    room = carols_room(scene)
    clock = scene.world.clock

    async def nothing(asked: Asked) -> Any:
        await clock.sleep(10**6)

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(10**6):
            await clock.sleep(1)
            yield b" "

    for answer in (nothing, lambda _: Told(pieces=slowly())):
        scene.evil.answers["make_join"] = answer
        scene.world.home.parts.federation.reach.outages.alive(scene.evil.name)
        began = clock.monotonic()
        assert joins(scene, room.id, scene.evil)[0] == 502
        assert clock.monotonic() - began < 120


NONSENSE = (
    "no event", "an event that is none", "no content", "no depth", "a depth beyond all", "a version of another type", "state that is none",
    "nothing but text", "a list", "half an answer", "an answer cut off", "a refusal", "an error", "come back later", "another place",
    "nesting without end", "no UTF-8", "lists of nonsense",
)  # fmt: skip


def versions(name: str) -> Sequence[str]:
    return TWELVE if name in NONSENSE else BOTH


CASES = [
    *(
        Case(
            f"a template of {name}",
            (16,),
            templates(change),
            enters_by_carols_server,
            room=False,
            versions=TWELVE if name in NONSENSE else BOTH,
        )
        for name, change in TEMPLATES.items()
    ),
    Case("a template for leaving", (16,), leaving, enters_by_carols_server, room=False),
    Case("who invited does not let go", (16, 18), leaving_in_vain, enters_by_carols_server, room=False),
    Case("a template for knocking", (16, 25), knocking, enters_by_carols_server, room=False),
    *(
        Case(
            f"entered with {name}",
            (3, 18),
            states(change, enters=False),
            enters_by_carols_server,
            room=False,
            versions=TWELVE if name in NONSENSE else BOTH,
        )
        for name, change in REFUSED.items()
    ),
    *(
        Case(f"entered beside {name}", (12, 13), states(change, enters=True), enters_by_carols_server, room=False)
        for name, change in ENTERED.items()
    ),
    Case("an answer without end", (3, 22), an_answer_without_end, enters_by_carols_server, room=False, versions=TWELVE),
    Case("an answer that does not come", (3, 22), an_answer_that_does_not_come, enters_by_carols_server, room=False, versions=TWELVE),
]
