"""What is to be emptied by those who may not (row 19)."""

from collections.abc import Callable
from functools import partial
from typing import Any

from tests.hostile.support.case import Case, arrived
from tests.hostile.support.scene import FORGED, Scene, signed_anyhow
from tests.support.rooms import path

KINDS = ("create", "power_levels", "join_rules", "history_visibility", "name")


def redaction(scene: Scene, event_id: str, **more: Any) -> Any:
    """Where it came into the room by right, it still has to have no effect: its reason is no lie that is seen."""
    return scene.forge("m.room.redaction", {"reason": "because"}, redacts=event_id, **more)


def told_with(scene: Scene, event_id: str) -> None:
    scene.told(redaction(scene, event_id), scene.honest_message())


def unharmed(scene: Scene, event_id: str, act: Callable[[], Any]) -> None:
    before = scene.stored(event_id)
    assert before is not None
    act()
    after = scene.stored(event_id)
    assert after is not None
    assert after.content == before.content
    shown = scene.world.home.ok(scene.alice.get(path("rooms", scene.room, "event", event_id)))
    assert shown["content"] == before.content
    assert "redacted_because" not in shown.get("unsigned", {})


def of_alices_message(scene: Scene) -> None:
    said = scene.says("stays")
    unharmed(scene, said, lambda: scene.told(redaction(scene, said), scene.honest_message()))


def of_state(kind: str) -> Callable[[Scene], None]:
    def lie(scene: Scene) -> None:
        event_id = scene.state()["m.room." + kind, ""].event_id
        unharmed(scene, event_id, lambda: scene.told(redaction(scene, event_id), scene.honest_message()))

    return lie


def of_memberships(scene: Scene) -> None:
    for user_id in (scene.alice_id, scene.carol):
        event_id = scene.state()["m.room.member", user_id].event_id
        unharmed(scene, event_id, partial(told_with, scene, event_id))


def of_the_beginning_by_right(scene: Scene) -> None:
    """With all the power there is: what makes the room stays."""
    scene.sets("m.room.power_levels", scene.levels(bob=99))
    scene.stand()
    event_id = scene.state()["m.room.create", ""].event_id
    unharmed(scene, event_id, lambda: scene.told(redaction(scene, event_id), scene.honest_message()))


def from_another_room(scene: Scene) -> None:
    """In which the liar may do everything."""
    said = scene.says("stays")
    other = scene.open_room()
    scene.enter(scene.evil, scene.bob, other)
    content = scene.state(other)["m.room.power_levels", ""].content
    scene.sets("m.room.power_levels", {**content, "users": {**content["users"], scene.bob: 99}}, room=other)
    unharmed(scene, said, lambda: scene.told(redaction(scene, said, room=other), scene.honest_message()))


def of_a_redaction(scene: Scene) -> None:
    """Alice empties what she said; bob is to undo that."""
    said = scene.says("gone soon")
    where = path("rooms", scene.room, "redact", said, f"{scene.next()}")
    undone = scene.world.home.ok(scene.alice.put(where, {"reason": "mine"}))["event_id"]
    scene.told(redaction(scene, undone), scene.honest_message())
    stored = scene.stored(said)
    assert stored is not None
    assert stored.content == {}
    assert scene.world.home.ok(scene.alice.get(path("rooms", scene.room, "event", undone)))["content"]["reason"] == "mine"


def of_itself(scene: Scene) -> None:
    """And of what nobody has, of no name, of another type."""
    for target in ("$" + "x" * 43, "$", "x", "$" + "y" * 300):
        scene.told(redaction(scene, target), scene.honest_message())


def before_its_target(scene: Scene) -> None:
    """It comes first, and what it names is carol's."""
    honest = scene.honest_message()
    scene.told(redaction(scene, honest.event_id))
    scene.told(honest)
    stored = scene.stored(honest.event_id)
    assert stored is not None
    assert stored.content == honest.content


def by_content_and_by_key(scene: Scene) -> None:
    """From version 11 on the target stands in the content; what stands elsewhere is nothing."""
    said = scene.says("stays")
    pdu = scene.forge("m.room.redaction", {"reason": "because"}, redacts="$" + "x" * 43).pdu
    _, forged = signed_anyhow({**pdu, "redacts": said}, scene.version, scene.evil)
    unharmed(scene, said, lambda: scene.told(forged, scene.honest_message()))


def own_words_in_both_orders(scene: Scene) -> None:
    """The control: what bob said is emptied by bob, whichever comes first."""
    for is_first in (True, False):
        ends = scene.ends()
        words = scene.message(f"{FORGED} {is_first}", prev=ends)
        empty = redaction(scene, words.event_id, prev=ends)
        for event in (empty, words) if is_first else (words, empty):
            assert scene.told(event) == {"pdus": {event.event_id: {}}}
        stored = scene.stored(words.event_id)
        assert stored is not None
        assert stored.content == {}


def by_a_moderator(scene: Scene) -> None:
    """The control: with the power to do so."""
    arrived(scene)
    said = scene.says("goes")
    scene.sets("m.room.power_levels", scene.levels(bob=50))
    scene.told(redaction(scene, said))
    scene.sets("m.room.power_levels", scene.levels(bob=0))
    scene.stand()
    stored = scene.stored(said)
    assert stored is not None
    assert stored.content == {}


CASES = [
    Case("redacts what alice said", (19,), of_alices_message, by_a_moderator),
    *(Case(f"redacts {kind}", (19,), of_state(kind), arrived, shared=True) for kind in KINDS),
    Case("redacts memberships", (19,), of_memberships, arrived),
    Case("redacts the beginning by right", (19,), of_the_beginning_by_right, by_a_moderator),
    Case("redacts from another room", (19,), from_another_room, arrived),
    Case("redacts a redaction", (19,), of_a_redaction, arrived),
    Case("redacts what is not there", (19,), of_itself, own_words_in_both_orders),
    Case("redacts what is to come", (19,), before_its_target, own_words_in_both_orders),
    Case("redacts by a key of old", (19,), by_content_and_by_key, arrived),
]
