"""Every lie beside its honest control, in rooms of both versions, on both drivers (RELIABILITY, table 1, rows 1 to 26 and 36)."""

import pytest

from tests.hostile.cases.events import authority, bans, doors, forms, graph, identity, named_rooms, redactions, rules
from tests.hostile.cases.requests import signed
from tests.hostile.support.case import Case
from tests.hostile.support.promises import Promises
from tests.hostile.support.scene import Scene
from tests.hostile.support.world import World

MODULES = (rules, authority, graph, bans, forms, identity, redactions, named_rooms, doors, signed)
ALL: list[Case] = [case for module in MODULES for case in module.CASES]
TRIED = [(case, version) for case in ALL for version in case.versions]


@pytest.mark.parametrize(("case", "version"), [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in TRIED])
def test_no_promise_is_broken(world: World, case: Case, version: str) -> None:
    scene = Scene(world, version)
    promises = Promises(scene, with_room=case.room)
    case.lie(scene)
    case.control(scene)
    promises.hold()
