"""The graph: forks, depths and times that are claimed, states that are to be reset (rows 5 and 7, 36)."""

from typing import Any

from homeserver.protocol.event import Event
from homeserver.protocol.event_build import Reference
from homeserver.rooms.receiving.merge import MAX_ENDS
from tests.hostile.support.case import Case, arrived, offered
from tests.hostile.support.peer import always
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow
from tests.support.rooms import path

POWER = ("m.room.power_levels", "")
SKEWS = (-(10**9), 5 * 10**8)  # no further ahead than keys can be valid
NO_DEPTHS: tuple[Any, ...] = (2**53, 2**63 - 1, 2**63, 10**40, -1, 1.5, "12", None, True, [1], {})
NO_TIMES: tuple[Any, ...] = (2**53, -(2**53), 10**40, 1.5, "12", None, False)


def with_field(name: str, values: tuple[Any, ...]) -> Any:
    def make(scene: Scene) -> list[dict[str, Any]]:
        made = []
        for value in values:
            event_id, pdu = signed_anyhow({**scene.message().pdu, name: value}, scene.version, scene.evil)
            scene.lies.append(event_id)
            made.append(pdu)
        return made

    return make


def deepest_claim(scene: Scene) -> None:
    """As deep as may be: what alice says afterwards goes on, and is told."""
    deep = scene.message("deep, and honest", depth=2**53 - 1)
    assert scene.told(deep) == {"pdus": {deep.event_id: {}}}
    said = scene.stored(scene.says("after the deep"))
    assert said is not None
    assert said.depth == 2**53 - 1
    scene.honest += [deep.event_id, said.event_id]


def depth_is_not_believed(scene: Scene) -> None:
    """A message that claims to be the oldest, or the newest, of all stands where it came."""
    scene.says("first")
    low, high = scene.message("claims to be old", depth=0), scene.message("claims to be new", depth=10**9)
    assert scene.told(low, high) == {"pdus": {low.event_id: {}, high.event_id: {}}}
    last = scene.says("last")
    chunk = scene.world.home.ok(scene.alice.get(path("rooms", scene.room, "messages"), {"dir": "b", "limit": 4}))["chunk"]
    assert chunk[0]["event_id"] == last
    assert {event["event_id"] for event in chunk[1:3]} == {low.event_id, high.event_id}
    scene.honest.append(last)


def far_times(scene: Scene) -> None:
    """Times are claims: an event of the year 1970 is where it is; one of 2100 is signed by a key that cannot be valid then."""
    old = scene.message("of old", ts=1)
    assert scene.told(old) == {"pdus": {old.event_id: {}}}
    scene.tell(scene.message(ts=4_102_444_800_000))
    last = scene.says("now")
    scene.honest += [old.event_id, last]
    chunk = scene.world.home.ok(scene.alice.get(path("rooms", scene.room, "messages"), {"dir": "b", "limit": 1}))["chunk"]
    assert chunk[0]["event_id"] == last


def demotion(skew: int) -> Any:
    """Bob was mighty; what he did in a fork before he was demoted, with a clock of his own, does not undo it."""

    def lie(scene: Scene) -> None:
        scene.sets("m.room.power_levels", scene.levels(bob=99))
        mighty, ends = scene.state(), scene.ends()
        scene.sets("m.room.power_levels", scene.levels(bob=0))
        scene.stand()
        ts = scene.world.clock.now_ms() + skew
        back = scene.forge("m.room.power_levels", {**mighty[POWER].content, "events_default": 1}, "", prev=ends, state=mighty, ts=ts)
        kick = scene.member("ban", scene.carol, prev=ends, state=mighty, ts=ts)
        scene.lies += [back.event_id, kick.event_id]
        scene.send([back, kick])
        state = {**mighty, POWER: back}
        scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[back, kick, *scene.ends()], state=state))

    return lie


def fork_of_joins(scene: Scene) -> None:
    """After the room was closed, a join from before it was."""
    ends, before = scene.ends(), scene.state()
    scene.sets("m.room.join_rules", {"join_rule": "invite"})
    scene.stand()
    dave = scene.evil.user("dave")
    join = scene.member("join", dave, sender=dave, prev=ends, state=before)
    scene.lies.append(join.event_id)
    scene.send([join])
    scene.tell(scene.message(sender=dave, prev=[join], state={**before, ("m.room.member", dave): join}))


def old_state_as_the_newest(scene: Scene) -> None:
    """State is asked for at a predecessor that nobody has, and the liar tells of one in which there was less."""
    unknown = scene.message("unknown before")
    between = scene.message("after it", prev=[unknown])
    said = scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[between], depth=10**6)
    kept = [event for address, event in scene.state().items() if address[0] in ("m.room.create", "m.room.member")]
    ids = [event.event_id for event in kept]
    scene.evil.answers |= {
        "get_missing_events": always({"events": [between.pdu]}),
        "state_ids": always({"pdu_ids": ids, "auth_chain_ids": ids}),
        "event": lambda asked: {"pdus": [unknown.pdu]} if asked.segments[0] == unknown.event_id else {"pdus": []},
    }
    scene.tell(said)
    assert scene.evil.questions("state_ids")


def mighty_state_elsewhere(scene: Scene) -> None:
    """As before, with power levels in it that were never allowed."""
    power = scene.forge("m.room.power_levels", scene.levels(bob=100), "")
    unknown = scene.message("unknown before", prev=[power])
    state = {**scene.state(), POWER: power}
    between = scene.message("after it", prev=[unknown])
    said = scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[between], state=state)
    ids = [event.event_id for event in state.values()]
    told = {event.event_id: event.pdu for event in (*state.values(), unknown)}
    scene.lies += [power.event_id, unknown.event_id]
    scene.evil.answers |= {
        "get_missing_events": always({"events": [between.pdu]}),
        "state_ids": always({"pdu_ids": ids, "auth_chain_ids": ids}),
        "state": lambda _: {"pdus": list(told.values()), "auth_chain": []},
        "event": lambda asked: {"pdus": [told[asked.segments[0]]] if asked.segments[0] in told else []},
        "event_auth": lambda _: {"auth_chain": list(told.values())},
    }
    scene.tell(said)
    assert scene.evil.questions("state_ids")


def many_forks(scene: Scene) -> None:
    """Fifty at once: the ends of the room stay few."""
    ends = scene.ends()
    state = scene.state()
    made = [scene.message(f"fork {number}", prev=ends, state=state) for number in range(50)]
    scene.told(*made)
    assert len(scene.ends()) <= MAX_ENDS
    scene.says("together again")
    assert len(scene.ends()) == 1
    scene.honest.append(scene.says("one end"))


def many_predecessors(scene: Scene) -> None:
    """Twenty predecessors that nobody has, in many events: the questions come to an end."""
    scene.evil.answers |= {"get_missing_events": lambda _: {"events": []}}
    before = len(scene.evil.asked)
    lies = [scene.message(prev=[Reference(f"$x{scene.next()}".ljust(44, "x")) for _ in range(20)]) for _ in range(20)]
    scene.tell(*lies)
    assert len(scene.evil.asked) - before < 500


def paging_past_the_refused(scene: Scene) -> None:
    """A hundred and twenty refused events lie between two messages: whoever pages by ten finds the older one (row 36)."""
    first = scene.says("the older one")
    for _ in range(3):
        state, ends = scene.state(), scene.ends()
        scene.tell(*(scene.forge("m.room.topic", {"topic": FORGED}, "", state=state, prev=ends) for _ in range(40)))
    scene.says("the newer one")
    found: list[str] = []
    token = ""
    for _ in range(12):
        query = {"dir": "b", "limit": "10", **({"from": token} if token else {})}
        page = scene.world.home.ok(scene.alice.get(path("rooms", scene.room, "messages"), query))
        found += [event["event_id"] for event in page["chunk"]]
        if first in found:
            break
        assert page["chunk"]
        token = page["end"]
    assert first in found
    assert len(found) == len(set(found))
    assert not set(found) & set(scene.lies)


def no_predecessors(scene: Scene) -> list[Event]:
    return [scene.message(prev=[]), scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[])]


def own_name(scene: Scene) -> list[dict[str, Any]]:
    """An event that names itself: its ID is that of the event without."""
    event = scene.message()
    _, pdu = signed_anyhow({**event.pdu, "prev_events": [event.event_id]}, scene.version, scene.evil)
    return [pdu]


def demotions() -> list[Case]:
    return [Case(f"demotion undone by a clock {skew:+} ms", (5,), demotion(skew), arrived) for skew in SKEWS]


CASES = [
    *offered(7, {"depths that are none": with_field("depth", NO_DEPTHS), "times that are none": with_field("origin_server_ts", NO_TIMES)}),
    *offered(7, {"nothing came before": no_predecessors, "an event before itself": own_name}),
    Case("the deepest claim", (7,), deepest_claim, arrived),
    Case("depth is not believed", (7,), depth_is_not_believed, arrived),
    Case("times far away", (5, 7), far_times, arrived),
    *demotions(),
    Case("a join from before the room was closed", (5, 6), fork_of_joins, arrived),
    Case("a state in which there was less", (5,), old_state_as_the_newest, arrived),
    Case("a state in which the liar is mighty", (5, 12), mighty_state_elsewhere, arrived),
    Case("many forks", (5,), many_forks, arrived),
    Case("many predecessors that nobody has", (3, 5), many_predecessors, arrived),
    Case("paging past what was refused", (36,), paging_past_the_refused, arrived),
]
