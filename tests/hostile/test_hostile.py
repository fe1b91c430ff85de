"""Every lie beside its honest control, in rooms of both versions, on both drivers (RELIABILITY, table 1, rows 1 to 26 and 36)."""

import pytest

from tests.hostile.cases.answers import history, joins, keys, lookups
from tests.hostile.cases.events import authority, bans, doors, forms, graph, identity, named_rooms, redactions, rules
from tests.hostile.cases.requests import edus, handshakes, invites, probes, signed
from tests.hostile.support.case import Case
from tests.hostile.support.promises import Promises
from tests.hostile.support.stages import Stages

EVENTS = (rules, authority, graph, bans, forms, identity, redactions, named_rooms, doors)
REQUESTS = (signed, handshakes, invites, edus, probes)
ANSWERS = (joins, history, keys, lookups)
ALL: list[Case] = [case for module in (*EVENTS, *REQUESTS, *ANSWERS) for case in module.CASES]
TRIED = [(case, version) for case in ALL for version in case.versions]


@pytest.mark.parametrize(("case", "version"), [pytest.param(*each, id=f"{each[0].name}-{each[1]}") for each in TRIED])
def test_no_promise_is_broken(stages: Stages, case: Case, version: str) -> None:
    with stages.of(case, version) as scene:
        promises = Promises(scene, with_room=case.room)
        case.lie(scene)
        case.control(scene)
        promises.hold()
