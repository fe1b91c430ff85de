"""Rooms that are named by their beginning: what version 12 adds for liars to try (rows 1, 2, 5)."""

from typing import Any

from homeserver.protocol.event import Draft, Event
from homeserver.protocol.event_build import build
from tests.hostile.support.case import TWELVE, Case, arrived
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow

POWER, CREATE = ("m.room.power_levels", ""), ("m.room.create", "")


def beginning(scene: Scene, **content: Any) -> Event:
    """Of a room of bob's."""
    return build(
        Draft("m.room.create", scene.bob, {"room_version": "12", **content}, ""), version=scene.version, room_id=None, prev_events=[],
        auth_events=[], depth=1, now_ms=scene.world.clock.now_ms() + scene.next(), server_name=scene.evil.name, key=scene.evil.key,
    )  # fmt: skip


def beginning_with_a_room(scene: Scene) -> None:
    """A create event that says in which room it is, and one that names no version it could be of."""
    create = scene.state()[CREATE].pdu
    lies = []
    for changes in ({"room_id": scene.room}, {"room_id": scene.room, "sender": scene.bob}, {"content": {"room_version": "13.x"}}):
        event_id, pdu = signed_anyhow({**create, **changes}, scene.version, scene.evil)
        scene.lies.append(event_id)
        lies.append(pdu)
    scene.tell(*lies, beginning(scene).pdu)


def a_room_under_its_name(scene: Scene) -> None:
    """Events for a room whose name is the hash of a beginning that this server never saw."""
    other = beginning(scene)
    scene.tell(scene.message(room=scene.room, auth=[other]), scene.message(prev=[other]))
    assert scene.world.run(scene.world.home.parts.rooms.store.room(other.room_id)) is None
    lost = {**scene.message().pdu, "room_id": other.room_id}
    scene.send([signed_anyhow(lost, scene.version, scene.evil)[1]])
    assert scene.world.run(scene.world.home.parts.rooms.store.room(other.room_id)) is None


def names_of_the_old_form(scene: Scene) -> None:
    """The room's name with a server behind it is another room's."""
    lies = []
    for room in (f"{scene.room}:{scene.evil.name}", f"{scene.room}:home.test", scene.room.upper(), "!", scene.room[:-1]):
        lies.append(signed_anyhow({**scene.message().pdu, "room_id": room}, scene.version, scene.evil)[1])
    scene.tell(*lies)


def another_creator(scene: Scene) -> None:
    """Creators stand outside the power levels: nobody is put beside them, or below."""
    scene.sets("m.room.power_levels", scene.levels(bob=100))
    scene.stand()
    power = scene.state()[POWER].content
    scene.tell(
        scene.forge("m.room.power_levels", {**power, "users": {**power["users"], scene.alice_id: 0}}, ""),
        scene.forge("m.room.power_levels", {**power, "users": {**power["users"], scene.alice_id: 100}}, ""),
        scene.member("ban", scene.alice_id),
        scene.member("leave", scene.alice_id),
        scene.forge("m.room.tombstone", {"body": FORGED, "replacement_room": "!x"}, ""),
    )


def creator_by_another_beginning(scene: Scene) -> None:
    """A beginning that makes bob a creator, cited as the authority."""
    mine = beginning(scene, additional_creators=[scene.alice_id])
    state = scene.state()
    auth = [mine, state[POWER], state["m.room.member", scene.bob]]
    scene.tell(scene.forge("m.room.topic", {"topic": FORGED}, "", auth=auth), scene.message(auth=auth))


def beginning_among_predecessors(scene: Scene) -> None:
    """Right after the beginning, before there were rules, nobody but the creator was there."""
    create = scene.state()[CREATE]
    member = scene.state()["m.room.member", scene.bob]
    scene.tell(
        scene.message(prev=[create]),
        scene.message(prev=[create], auth=[member]),
        scene.forge("m.room.power_levels", {"users": {scene.bob: 100}}, "", prev=[create], auth=[member]),
        scene.member("join", prev=[create], auth=[]),
    )


def old_beginning(scene: Scene) -> None:
    """In rooms of old: a second beginning, as bob's, for the same name."""
    event = scene.forge("m.room.create", {"room_version": "11", FORGED: 1}, "", auth=[], prev=[])
    again = scene.forge("m.room.create", {"room_version": "11", FORGED: 2}, "")
    scene.tell(event, again)
    state = scene.state()
    auth = [event, state[POWER], state["m.room.member", scene.bob]]
    scene.tell(
        scene.message(auth=auth), scene.forge("m.room.topic", {"topic": FORGED}, "", auth=[event, state["m.room.member", scene.bob]])
    )


CASES = [
    Case("a beginning that says its room", (1, 2), beginning_with_a_room, arrived, versions=TWELVE),
    Case("a room of which this server does not know", (2, 13), a_room_under_its_name, arrived, versions=TWELVE),
    Case("names of the old form", (2,), names_of_the_old_form, arrived, versions=TWELVE),
    Case("another creator", (1, 5), another_creator, arrived, versions=TWELVE),
    Case("a creator by another beginning", (2, 5), creator_by_another_beginning, arrived, versions=TWELVE),
    Case("right after the beginning", (1, 5), beginning_among_predecessors, arrived),
    Case("a second beginning", (1, 2), old_beginning, arrived, versions=("11",)),
]
