"""Every lie beside its honest control, on both drivers, in rooms of both versions where versions matter.

Rows of RELIABILITY's table 1, and the modules of `cases/` that show them:

| 1 | rules, named_rooms, invites | every rule of authorisation, and rights in rooms that name themselves |
| 2 | authority, named_rooms | what is cited as authority: other rooms', twice, none, refused |
| 3 | authority, graph, joins, history | authority and history that nobody has, or that never end |
| 4 | authority | what was refused comes back through a child |
| 5 | authority, graph, named_rooms, history | states that are to be reset |
| 6 | rules, graph, bans, handshakes | what was allowed once |
| 7 | graph | depths and times that are claimed |
| 8 | forms, probes | what is no JSON, and what is no event |
| 9 | forms | sizes and numbers at their limits, and beyond |
| 10 | identity | names of others' events, claims that are not signed |
| 11 | identity, handshakes, history | content that was changed |
| 12 | authority, graph, identity, doors, handshakes, joins, history | words in the names of others, by every way in |
| 13 | authority, identity, named_rooms, probes, joins, history | events of other rooms |
| 14 | keys | documents of keys, by servers and by notaries |
| 15 | signed | requests, changed in each part |
| 16 | handshakes, joins | templates that are not what they should be |
| 17 | handshakes | restricted rooms, knocks, invites to addresses |
| 18 | handshakes, invites, joins | handshakes that end in something else |
| 19 | redactions | who may not redact |
| 20 | doors | servers that a room keeps out |
| 21 | doors, probes, lookups | what a server may not read |
| 22 | probes, joins, history, keys | much at once, and answers without end |
| 23 | edus | messages to devices, by the hundred |
| 24 | doors, edus, lookups | what passes, in the names of others |
| 25 | invites, edus, probes, joins, history, lookups | malformed keys, invites, answers |
| 26 | lookups | files that lead elsewhere; names are in `test_names` |
| 28 | lookups | files without end |
| 29 | lookups | files that would run |
| 36 | graph, history | paging past what is not shown |
"""

from collections.abc import Iterator

import pytest

from tests.crash.drivers import DRIVERS
from tests.hostile.cases.answers import history, joins, keys, lookups
from tests.hostile.cases.events import authority, bans, doors, forms, graph, identity, named_rooms, redactions, rules
from tests.hostile.cases.requests import edus, handshakes, invites, probes, signed
from tests.hostile.support.case import Case
from tests.hostile.support.promises import Promises
from tests.hostile.support.stages import Stages

EVENTS = (rules, authority, graph, bans, forms, identity, redactions, named_rooms, doors)
REQUESTS = (signed, handshakes, invites, edus, probes)
ANSWERS = (joins, history, keys, lookups)
MODULES = (*EVENTS, *REQUESTS, *ANSWERS)
ALL: list[Case] = [case for module in MODULES for case in module.CASES]
MOST_GROWTH_MIB = 200


def tried() -> Iterator[tuple[str, Case, str]]:
    """Driver, case and version. What is asked and answered is tried in one version on PostgreSQL, by turns: of events every version and driver."""
    for driver in DRIVERS:
        for module in MODULES:
            for number, case in enumerate(module.CASES):
                is_both = driver == "sqlite" or module in EVENTS
                versions = case.versions if is_both else [case.versions[number % len(case.versions)]]
                yield from ((driver, case, version) for version in versions)


@pytest.mark.parametrize(
    ("stages", "case", "version"),
    [pytest.param(driver, case, version, id=f"{driver}-{case.name}-{version}") for driver, case, version in tried()],
    indirect=["stages"],
)
def test_no_promise_is_broken(stages: Stages, case: Case, version: str) -> None:
    with stages.of(case, version) as scene:
        promises = Promises(scene, with_room=case.room)
        case.lie(scene)
        case.control(scene)
        promises.hold()


def test_and_memory_has_not_grown(stages: Stages) -> None:
    """Of the server, the peers and all that they said, together."""
    assert stages.grown_mib() < MOST_GROWTH_MIB
