"""What is told of a room's past when this server asks for it (rows 3, 12, 13 and 36)."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred

from homeserver.protocol.event import Event
from homeserver.protocol.event_build import Reference
from tests.hostile.cases.answers.joins import carols_room, joins
from tests.hostile.cases.events.authority import elsewhere
from tests.hostile.support.case import BOTH, TWELVE, Case, arrived
from tests.hostile.support.foreign import ForeignRoom, pdus
from tests.hostile.support.peer import Asked, Told, always
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow
from tests.support.client import start
from tests.support.rooms import path

Answer = Callable[[Scene, Event], Any]


def gap(scene: Scene) -> tuple[Event, Event]:
    """Two honest messages of bob's; the second is told, the first has to be asked for."""
    between = scene.message(f"between {scene.next()}")
    return between, scene.message(f"after {scene.next()}", prev=[between])


def filled(answer: Answer) -> Callable[[Scene], None]:
    """The gap is offered to be filled with something else."""

    def lie(scene: Scene) -> None:
        between, after = gap(scene)
        found = answer(scene, between)
        scene.evil.answers |= {"get_missing_events": always(found), "state_ids": always(Told({"errcode": "M_NOT_FOUND"}, 404))}
        answer_of_home = scene.send([after, scene.honest_message()])
        assert after.event_id in answer_of_home["pdus"]
        assert scene.stored(between.event_id) is None

    return lie


def gap_filled_by_right(scene: Scene) -> None:
    """The control: the first is told when it is asked for."""
    between, after = gap(scene)
    scene.evil.answers["get_missing_events"] = always({"events": [between.pdu]})
    assert scene.send([after])["pdus"] == {after.event_id: {}}
    scene.honest += [between.event_id, after.event_id]
    arrived(scene)


def lies(scene: Scene, *events: Event) -> list[dict[str, Any]]:
    scene.lies += [event.event_id for event in events]
    return pdus(list(events))


async def spaces() -> AsyncIterator[bytes]:
    while True:
        yield b" " * 65_536


MISSING: dict[str, Answer] = {
    "nothing": lambda s, b: {"events": []},
    "strays": lambda s, b: {"events": lies(s, *(s.message() for _ in range(3)))},
    "what is not allowed": lambda s, b: {"events": lies(s, s.forge("m.room.power_levels", s.levels(bob=100), ""), s.member("ban", s.carol))},
    "events of another room": lambda s, b: {"events": pdus(list(s.state(elsewhere(s)[0]).values()))},
    "another under its name": lambda s, b: {"events": [{**b.pdu, "content": {"body": FORGED}, "depth": 1}]},
    "unsigned": lambda s, b: {"events": [{**b.pdu, "signatures": {}}]},
    "signed by another": lambda s, b: {"events": [signed_anyhow({**b.pdu, "sender": s.carol}, s.version, s.evil)[1]]},
    "no events": lambda s, b: {"events": [None, 7, "x", [], {}]},
    "no list": lambda s, b: {"events": {"a": 1}},
    "no object": lambda s, b: [1],
    "no JSON": lambda s, b: Told(b"<html>", kind="text/html"),
    "an error": lambda s, b: Told({"errcode": "M_UNKNOWN"}, 500),
    "thousands of events": lambda s, b: {"events": pdus([s.message()]) * 3_000},
    "an answer without end": lambda s, b: Told(pieces=spaces()),
    "lists by the million": lambda s, b: Told(b'{"events":[' + b"[]," * 1_000_000 + b"[]]}"),
    "an event without end": lambda s, b: Told(b'{"events":[{"x":[' + b'{"y":1},' * 200_000 + b"{}]}]}"),
}  # fmt: skip


def words_changed_on_the_way(scene: Scene) -> None:
    """What fills the gap has other words than were signed: it fills it, and says nothing."""
    between, after = gap(scene)
    scene.evil.answers["get_missing_events"] = always({"events": [{**between.pdu, "content": {"msgtype": "m.text", "body": FORGED}}]})
    scene.send([after, scene.honest_message()])
    stored = scene.stored(between.event_id)
    assert stored is None or stored.content == {}


def always_older(scene: Scene) -> None:
    """Every answer names something older that is not here: the questions come to an end."""

    def older(_: Asked) -> Any:
        return {"events": [scene.message(prev=[Reference(f"$o{scene.next()}".ljust(44, "x"))]).pdu]}

    scene.evil.answers["get_missing_events"] = older
    before = len(scene.evil.asked)
    scene.tell(*(scene.message(prev=[Reference(f"$p{scene.next()}".ljust(44, "x"))]) for _ in range(10)))
    assert len(scene.evil.asked) - before < 300


# states at predecessors that are not here

States = Callable[[Scene, list[Event]], Any]
NAMES: dict[str, States] = {
    "no names": lambda s, state: {},
    "names that are none": lambda s, state: {"pdu_ids": [7, None, "x", "$"], "auth_chain_ids": "x"},
    "names that nobody has": lambda s, state: {"pdu_ids": [f"${n}".ljust(44, "x") for n in range(300)], "auth_chain_ids": []},
    "names of another room": lambda s, state: {"pdu_ids": [e.event_id for e in s.state(elsewhere(s)[0]).values()], "auth_chain_ids": []},
    "half of them": lambda s, state: {"pdu_ids": [*(e.event_id for e in state[::2]), "$" + "n" * 43], "auth_chain_ids": []},
    "names by the thousand": lambda s, state: {"pdu_ids": [f"${n}".ljust(44, "x") for n in range(2_000)], "auth_chain_ids": []},
    "an error": lambda s, state: Told({"errcode": "M_UNKNOWN"}, 500),
    "no object": lambda s, state: Told([1, 2]),
}


def state_told(names: States) -> Callable[[Scene], None]:
    """Behind a gap, a topic that the liar may not set, and a message: neither comes to stand on the liar's word."""

    def lie(scene: Scene) -> None:
        told = names(scene, list(scene.state().values()))
        gone = Reference(f"$g{scene.next()}".ljust(44, "x"))
        between = scene.message("after what is gone", prev=[gone])
        scene.evil.answers |= {
            "get_missing_events": always({"events": [between.pdu]}),
            "state_ids": always(told),
            "state": always({"pdus": [], "auth_chain": []}),
        }
        before = len(scene.evil.asked)
        scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[between]))
        assert scene.evil.questions("state_ids")
        assert len(scene.evil.asked) - before < 500

    return lie


def state_told_by_right(scene: Scene) -> None:
    """The control: with the state at what is missing, what came after it is taken."""
    unknown = scene.message("behind the gap")
    between = scene.message("in the gap", prev=[unknown])
    after = scene.message(f"beyond the gap {scene.next()}", prev=[between])
    state = [event.event_id for event in scene.state().values()]
    scene.evil.answers |= {
        "get_missing_events": always({"events": [between.pdu]}),
        "state_ids": always({"pdu_ids": state, "auth_chain_ids": state}),
        "event": lambda asked: {"pdus": [unknown.pdu] if asked.segments[0] == unknown.event_id else []},
    }
    assert scene.send([after])["pdus"] == {after.event_id: {}}
    scene.honest += [between.event_id, after.event_id]
    arrived(scene)


# backfill


def old_room(scene: Scene) -> tuple[ForeignRoom, list[str]]:
    """Carol's, in which much was said before alice came in through bob's server."""
    room = carols_room(scene)
    bob = room.make("m.room.member", {"membership": "join"}, scene.bob, sender=scene.bob, peer=scene.evil)
    room.take(bob)
    said = [room.says(f"of old {number}").event_id for number in range(5)]
    return room, said


def pages_back(scene: Scene, room: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    token = ""
    for _ in range(30):
        query = {"dir": "b", "limit": "10", **({"from": token} if token else {})}
        page = scene.world.home.ok(scene.alice.get(path("rooms", room, "messages"), query))
        found += page["chunk"]
        token = page.get("end", "")
        if not token:
            break
    else:
        raise AssertionError("paging does not end")
    return found


Past = Callable[[Scene, ForeignRoom], Any]


def foreign(scene: Scene) -> list[dict[str, Any]]:
    other = ForeignRoom(scene, scene.evil, scene.bob)
    other.says(FORGED)
    return pdus(list(other.events.values()))


def of_room(scene: Scene, room: ForeignRoom, **changes: Any) -> dict[str, Any]:
    """The last message, with something else in it, signed by the liar."""
    last = list(room.events.values())[-2]
    event_id, pdu = signed_anyhow({**last.pdu, "content": {"msgtype": "m.text", "body": FORGED}, **changes}, scene.version, scene.evil)
    scene.lies.append(event_id)
    return pdu


BACK: dict[str, Past] = {
    "nothing": lambda s, r: {"pdus": []},
    "words in carol's name": lambda s, r: {"pdus": [of_room(s, r)]},
    "words that were changed": lambda s, r: {
        "pdus": [{**e.pdu, "content": {"body": FORGED}} if e.type == "m.room.message" else e.pdu for e in list(r.events.values())[::-1]]
    },
    "events of another room": lambda s, r: {"pdus": foreign(s)},
    "power of the liar": lambda s, r: {"pdus": [of_room(s, r, type="m.room.power_levels", sender=s.bob, state_key="", content={"users": {s.bob: 100}})]},
    "a message from outside": lambda s, r: {"pdus": [of_room(s, r, sender=s.evil.user("nobody"), auth_events=[])]},
    "words of alice": lambda s, r: {"pdus": [of_room(s, r, sender=s.alice_id)]},
    "no events": lambda s, r: {"pdus": [None, 7, [], {}, "x"] * 50},
    "no list": lambda s, r: {"pdus": "x"},
    "an error": lambda s, r: Told({"errcode": "M_UNKNOWN"}, 500),
    "half an answer": lambda s, r: Told(b'{"pdus":[{"type":"m.room'),
    "the same for ever": lambda s, r: {"pdus": pdus([r.ends[0]]) * 200},
}  # fmt: skip


def past(answer: Past) -> Callable[[Scene], None]:
    """It is asked of the liar first; what is left out is asked of carol's server."""

    def lie(scene: Scene) -> None:
        room, _ = old_room(scene)
        assert joins(scene, room.id, scene.evil)[0] == 200
        scene.evil.answers["backfill"] = always(answer(scene, room))
        scene.good.answers.pop("backfill")
        events = pages_back(scene, room.id)
        assert FORGED not in str(events)
        ids = [event["event_id"] for event in events]
        assert len(ids) == len(set(ids))
        assert not set(ids) & set(scene.lies)

    return lie


def past_told_by_right(scene: Scene) -> None:
    """The control: all that was said of old is there, in its order, and once."""
    room, said = old_room(scene)
    assert joins(scene, room.id, scene.good)[0] == 200
    found = [event["event_id"] for event in pages_back(scene, room.id)]
    assert [event_id for event_id in found if event_id in said] == said[::-1]
    assert len(found) == len(set(found)) == len(room.events)


def moments(scene: Scene) -> None:
    """The event nearest to a moment, as the liar has it."""
    room, _ = old_room(scene)
    assert joins(scene, room.id, scene.evil)[0] == 200
    answers: tuple[Any, ...] = (
        {"event_id": "$" + FORGED, "origin_server_ts": 5}, {"event_id": 7, "origin_server_ts": "x"}, {}, [], {"event_id": room.ends[0].event_id},
        Told(b'{"event_id":"$x","origin_server_ts":1%b}' % (b"0" * 40)), Told(b"<html>"), Told({"errcode": "M_UNKNOWN"}, 500),
    )  # fmt: skip
    scene.good.answers.pop("backfill")
    scene.evil.answers["backfill"] = always({"pdus": []})
    for answer in answers:
        scene.evil.answers["timestamp_to_event"] = always(answer)
        for direction in ("f", "b"):
            where = f"/_matrix/client/v1/rooms/{room.id}/timestamp_to_event"
            status, found = scene.world.home.run(scene.alice.get(where, {"ts": "1", "dir": direction}))
            assert status in (200, 404), (status, found)
            assert FORGED not in str(found)


def by_two_ways_at_once(scene: Scene) -> None:
    """While alice pages back, what the old events cite comes with a new one: each is stored once, and nobody is told to try again."""
    room, dora, clock = carols_room(scene), scene.good.user("dora"), scene.world.clock
    renamed = room.make("m.room.member", {"membership": "join", "displayname": "Dora"}, dora, sender=dora)
    fork = room.make("m.room.message", {"msgtype": "m.text", "body": "on a fork"})
    room.events[fork.event_id], room.before[fork.event_id] = fork, dict(room.state)

    def says(text: str, prev: list[Event]) -> Event:
        """By an authority that is nowhere else."""
        auth = [
            room.state["m.room.power_levels", ""],
            renamed,
            *([] if room.version.room_id_is_create_hash else [room.state["m.room.create", ""]]),
        ]
        return scene.forge("m.room.message", {"msgtype": "m.text", "body": text}, sender=dora, prev=prev, auth=auth, room=room.id)

    old = room.take(says("of old", [*room.ends, fork]))
    room.events[renamed.event_id], state_ids = renamed, scene.good.answers["state_ids"]

    async def later(asked: Asked) -> Any:
        await clock.sleep(5)
        return state_ids(asked)

    scene.good.answers |= {"backfill": always({"pdus": [old.pdu]}), "state_ids": later}
    scene.good.answers["event_auth"] = always({"auth_chain": pdus([*room.chain([renamed]), renamed])})
    assert joins(scene, room.id, scene.good)[0] == 200
    paging = start(scene.alice.get(path("rooms", room.id, "messages"), {"dir": "b", "limit": "50"}))
    scene.world.settle()
    new = says("anew", room.ends)
    assert not paging.called
    assert scene.send([new], peer=scene.good)["pdus"] == {new.event_id: {}}
    scene.world.settle(20)
    status, page = scene.world.run(ended(paging))
    assert status == 200
    assert old.event_id in str(page)


async def ended(work: "Deferred[tuple[int, Any]]") -> tuple[int, Any]:
    return await work


NONSENSE = ("no events", "no list", "no object", "no JSON", "an error", "half an answer", "lists by the million", "an event without end")


def versions(name: str) -> Sequence[str]:
    return TWELVE if name in NONSENSE else BOTH


CASES = [
    *(
        Case(
            f"a gap is filled with {name}",
            (3, 13),
            filled(answer),
            gap_filled_by_right,
            shared=True,
            versions=TWELVE if name in NONSENSE else BOTH,
        )
        for name, answer in MISSING.items()
    ),
    Case("a gap is filled with other words", (11, 13), words_changed_on_the_way, gap_filled_by_right),
    Case("answers that name what is older, for ever", (3, 22), always_older, gap_filled_by_right),
    *(
        Case(f"a state is told by {name}", (3, 5), state_told(names), state_told_by_right, versions=versions(name))
        for name, names in NAMES.items()
    ),
    *(
        Case(
            f"the past is {name}", (12, 13, 36), past(answer), past_told_by_right, room=False, versions=TWELVE if name in NONSENSE else BOTH
        )
        for name, answer in BACK.items()
    ),
    Case("the same by two ways at once", (3,), by_two_ways_at_once, past_told_by_right, room=False),
    Case("moments that are none", (13, 25), moments, past_told_by_right, room=False, versions=TWELVE),
]
