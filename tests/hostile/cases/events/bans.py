"""What was allowed where it claims to stand, and is not by now (row 6)."""

from collections.abc import Callable
from typing import Any

from tests.hostile.support.case import Case, arrived
from tests.hostile.support.scene import FORGED, Scene
from tests.support.rooms import path

Late = Callable[[Scene, dict[str, Any]], Any]


def relating(kind: str) -> dict[str, Any]:
    return {"m.relates_to": {"rel_type": kind, "event_id": "$target", "key": FORGED}, "m.new_content": {"body": FORGED}, "body": FORGED}


LATE: dict[str, Late] = {
    "speaks": lambda s, before: s.message(**before),
    "edits": lambda s, before: s.forge("m.room.message", relating("m.replace"), **before),
    "reacts": lambda s, before: s.forge("m.reaction", relating("m.annotation"), **before),
    "comes back": lambda s, before: s.member("join", **before),
    "leaves": lambda s, before: s.member("leave", **before),
    "names itself anew": lambda s, before: s.forge("m.room.member", {"membership": "join", "displayname": FORGED}, s.bob, **before),
    "invites": lambda s, before: s.member("invite", s.evil.user("dave"), **before),
    "invites alice's friend": lambda s, before: s.member("invite", "@friend:home.test", **before),
    "sets its own state": lambda s, before: s.forge("org.example", {FORGED: 1}, s.bob, **before),
    "redacts": lambda s, before: s.forge("m.room.redaction", {"reason": FORGED}, redacts=s.honest[0], **before),
}


def after(how: str, late: Late) -> Callable[[Scene], None]:
    """From before the liar was shown the door; and what is built on that."""

    def lie(scene: Scene) -> None:
        scene.honest.append(scene.says("stays"))
        if how == "demoted":
            scene.sets("m.room.power_levels", scene.levels(bob=50))
        before = {"prev": scene.ends(), "state": scene.state()}
        if how == "demoted":
            scene.sets("m.room.power_levels", {**scene.levels(bob=-1), "users_default": 0})
        else:
            scene.bans(scene.bob, how)
        scene.stand()
        forged = late(scene, before)
        scene.tell(forged)
        scene.tell(
            scene.message(prev=[forged], state=before["state"]), scene.message(prev=[forged, *scene.ends()][:2], state=before["state"])
        )

    return lie


def stays(scene: Scene) -> None:
    """Nothing that alice said was emptied, what came with the lie is there, and no moment of the room is that of a lie."""
    arrived(scene)
    home, token = scene.world.home, ""
    for _ in range(6):
        query = {"dir": "b", "limit": "1", **({"from": token} if token else {})}
        token = home.ok(scene.alice.get(path("rooms", scene.room, "messages"), query))["end"]
        assert FORGED not in str(home.ok(scene.alice.get(path("rooms", scene.room, "members"), {"at": token})))
    said = scene.stored(scene.honest[0])
    assert said is not None
    assert said.content["body"] == "stays"


def may_not_speak_any_more(scene: Scene) -> None:
    """Before the room was closed to bob's kind of people."""
    scene.honest.append(scene.says("stays"))
    before: dict[str, Any] = {"prev": scene.ends(), "state": scene.state()}
    scene.sets("m.room.power_levels", {**scene.levels(carol=50), "events_default": 50})
    scene.stand()
    scene.tell(scene.message(**before))


CASES = [
    *(Case(f"the banned {name}", (6,), after("ban", late), stays) for name, late in LATE.items()),
    *(Case(f"the kicked {name}", (6,), after("kick", LATE[name]), stays) for name in ("speaks", "sets its own state", "redacts")),
    Case("the demoted speaks", (6,), after("demoted", LATE["speaks"]), stays),
    Case("the silenced speaks", (6,), may_not_speak_any_more, stays),
]
