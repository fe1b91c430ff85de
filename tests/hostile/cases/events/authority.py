"""What an event says that it is authorised by (rows 2 to 4)."""

from typing import Any

from homeserver.protocol.event import Event
from homeserver.protocol.event_build import Reference
from tests.hostile.support.case import Case, arrived, offered
from tests.hostile.support.scene import FORGED, Scene

CREATE, POWER = ("m.room.create", ""), ("m.room.power_levels", "")


def cited(scene: Scene, *more: Any, without: tuple[str, ...] = ()) -> list[Any]:
    """What a message of bob's is authorised by, and something else."""
    state = scene.state()
    addresses = [POWER, ("m.room.member", scene.bob), *([] if scene.version.room_id_is_create_hash else [CREATE])]
    return [*(state[address] for address in addresses if address[0] not in without), *more]


def elsewhere(scene: Scene) -> tuple[str, Event]:
    """Another room, in which bob has all power, and the event that says so."""
    room = scene.open_room()
    scene.enter(scene.evil, scene.bob, room)
    content = scene.state(room)[POWER].content
    return room, scene.sets("m.room.power_levels", {**content, "users": {**content["users"], scene.bob: 100}}, room=room)


def power_of_another_room(scene: Scene) -> None:
    _, power = elsewhere(scene)
    auth = cited(scene, power, without=("m.room.power_levels",))
    scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", auth=auth), scene.message(auth=auth))


def beginning_of_another_room(scene: Scene) -> None:
    room, _ = elsewhere(scene)
    auth = cited(scene, scene.state(room)[CREATE], without=("m.room.create",))
    scene.tell(scene.message(auth=auth))


def place_in_another_room(scene: Scene) -> None:
    room, power = elsewhere(scene)
    state = scene.state(room)
    scene.tell(
        scene.message(prev=[power]),
        scene.message(prev=[power, *scene.ends()]),
        scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[power]),
        scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[power], state=state),
    )


def old_power(scene: Scene) -> None:
    """It was bob's once."""
    scene.sets("m.room.power_levels", scene.levels(bob=50))
    mighty = scene.state()
    scene.sets("m.room.power_levels", scene.levels(bob=0))
    scene.stand()
    scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", state=mighty))


def two_of_a_kind(scene: Scene) -> None:
    old = scene.state()[POWER]
    scene.sets("m.room.power_levels", scene.levels(carol=1))
    scene.stand()
    scene.tell(scene.message(auth=cited(scene, old)))


def refused_power(scene: Scene) -> None:
    """Cited one step after it was refused."""
    taken = scene.forge("m.room.power_levels", scene.levels(bob=100), "")
    scene.tell(taken)
    state = {**scene.state(), POWER: taken}
    scene.tell(
        scene.forge("m.room.topic", {"topic": FORGED}, "", state=state),
        scene.forge("m.room.topic", {"topic": FORGED}, "", state=state, prev=[taken]),
    )


def comes_back_through_a_child(scene: Scene) -> None:
    """CVE-2022-39374: what was refused comes back by what is built on it."""
    taken = scene.forge("m.room.power_levels", scene.levels(bob=100), "")
    before = scene.ends()
    scene.tell(taken)
    child = scene.message("a child, and honest", prev=[taken])
    fork = scene.message("a fork, and honest", prev=before)
    merge = scene.message("a merge, and honest", prev=[child, fork])
    answer = scene.told(child, fork, merge)
    assert set(map(str, answer["pdus"].values())) == {"{}"}
    scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", prev=[merge], state={**scene.state(), POWER: taken}))


def hidden_authority(scene: Scene) -> None:
    """Nobody has it, and nobody is to believe it."""
    hidden = scene.member("join")
    state = {**scene.state(), ("m.room.member", scene.bob): hidden}
    scene.evil.answers["event_auth"] = lambda _: {"auth_chain": []}
    scene.tell(scene.message(state=state), scene.forge("m.room.topic", {"topic": FORGED}, "", state=state))
    assert scene.evil.questions("event_auth")


def wrong_authority(scene: Scene) -> None:
    """Asked for one event, it gives others: its own power, of which nobody heard, and events of another room."""
    room, theirs = elsewhere(scene)
    hidden, power = scene.member("join"), scene.forge("m.room.power_levels", scene.levels(bob=100), "")
    scene.lies += [hidden.event_id, power.event_id]
    state = {**scene.state(), ("m.room.member", scene.bob): hidden}
    scene.evil.answers["event_auth"] = lambda _: {
        "auth_chain": [theirs.pdu, power.pdu, *(event.pdu for event in scene.state(room).values())]
    }
    scene.evil.answers["event"] = lambda _: {"pdus": [power.pdu]}
    scene.tell(scene.message(state=state))


def power_that_is_shown_when_asked(scene: Scene) -> None:
    """Its authority is told when asked for, and is none."""
    power = scene.forge("m.room.power_levels", scene.levels(bob=100), "")
    scene.lies.append(power.event_id)
    scene.evil.answers["event_auth"] = lambda _: {"auth_chain": [power.pdu]}
    scene.evil.answers["event"] = lambda _: {"pdus": [power.pdu]}
    scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", state={**scene.state(), POWER: power}))


def endless_authority(scene: Scene) -> None:
    """Every event that is asked for is authorised by others that nobody has seen."""
    made: dict[str, Event] = {}

    def unknown() -> Reference:
        name = f"$unknown{scene.next()}".ljust(44, "x")
        return Reference(name)

    def more(_: Any) -> Any:
        found = [scene.message(auth=cited(scene, unknown(), unknown())) for _ in range(3)]
        made.update({event.event_id: event for event in found})
        return {"auth_chain": [event.pdu for event in found], "pdus": [event.pdu for event in found]}

    scene.evil.answers |= {"event_auth": more, "event": more}
    before = len(scene.evil.asked)
    scene.tell(*(scene.message(auth=cited(scene, unknown())) for _ in range(5)))
    assert len(scene.evil.asked) - before < 500
    scene.lies += made


def authority_in_a_ring(scene: Scene) -> None:
    """Events that would have to cite each other: their names cannot be those of their hashes."""
    one, other = Reference("$" + "r" * 43), Reference("$" + "s" * 43)
    first, second = scene.message(auth=cited(scene, other)), scene.message(auth=cited(scene, one))
    answers = {"auth_chain": [first.pdu, second.pdu], "pdus": [first.pdu, second.pdu]}
    scene.evil.answers |= {"event_auth": lambda _: answers, "event": lambda _: answers}
    scene.tell(first, second)


def an_honest_chain_is_followed(scene: Scene) -> None:
    """What cites an event that only the liar has, and that is sound, is taken when the liar shows it."""
    renamed = scene.forge("m.room.member", {"membership": "join", "displayname": "Bob"}, scene.bob)
    said = scene.message("honest authority", prev=[renamed], state={**scene.state(), ("m.room.member", scene.bob): renamed})
    scene.evil.answers["get_missing_events"] = lambda _: {"events": [renamed.pdu]}
    assert scene.told(said) == {"pdus": {said.event_id: {}}}
    scene.honest.append(said.event_id)
    arrived(scene)
    scene.stand()
    assert scene.state()["m.room.member", scene.bob].event_id == renamed.event_id


LISTS: dict[str, Any] = {
    "nothing cited": lambda s: [s.message(auth=[]), s.forge("m.room.topic", {"topic": FORGED}, "", auth=[])],
    "no membership cited": lambda s: s.message(auth=cited(s, without=("m.room.member",))),
    "another's membership cited": lambda s: s.message(auth=cited(s, s.state()["m.room.member", s.alice_id], without=("m.room.member",))),
    "no authority cited": lambda s: s.message(auth=cited(s, s.state()["m.room.name", ""])),
    "join rules cited by a message": lambda s: s.message(auth=cited(s, s.state()["m.room.join_rules", ""])),
    "the same cited twice": lambda s: s.message(auth=cited(s, s.state()[POWER])),
    "a message cited": lambda s: s.message(auth=cited(s, s.stored(s.says("cited")))),
    "the beginning cited once more, or at all": lambda s: s.message(auth=cited(s, s.state()[CREATE])),
    "eleven cited": lambda s: {
        **s.message().pdu,
        "auth_events": [f"${number}".ljust(44, "x") for number in range(11)],
    },
}
CASES = [
    *offered(2, LISTS),
    Case("power of another room", (2,), power_of_another_room, arrived),
    Case("beginning of another room", (2,), beginning_of_another_room, arrived),
    Case("a place in another room", (2, 13), place_in_another_room, arrived),
    Case("power that was", (2, 5), old_power, arrived),
    Case("two of a kind", (2,), two_of_a_kind, arrived),
    Case("power that was refused", (2, 4), refused_power, arrived),
    Case("refused, and back through a child", (4,), comes_back_through_a_child, arrived),
    Case("authority that nobody has", (3,), hidden_authority, an_honest_chain_is_followed),
    Case("authority of another kind than was asked for", (3, 12), wrong_authority, an_honest_chain_is_followed),
    Case("power that is shown when asked for", (3, 12), power_that_is_shown_when_asked, an_honest_chain_is_followed),
    Case("authority without end", (3,), endless_authority, an_honest_chain_is_followed),
    Case("authority in a ring", (3,), authority_in_a_ring, an_honest_chain_is_followed),
]
