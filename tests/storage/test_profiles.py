from collections.abc import Mapping

import pytest

from homeserver.profiles.store import ProfileChange, Untold
from homeserver.reports.store import Kind, Report
from homeserver.streams import Change, Streams
from storage.database import Database
from storage.personal.profiles import StoredProfiles
from storage.personal.reports import StoredReports
from tests.ephemeral.rows import Rows
from tests.support.loop import ThreadLoop

ALICE = "@alice:test"


def accept(fields: Mapping[str, bytes]) -> None:
    """Any profile will do."""


def test_profiles(loop: ThreadLoop, database: Database, streams: Streams) -> None:
    heard: list[Change] = []
    streams.subscribe(heard.extend)
    store = StoredProfiles(database)
    assert loop.run(store.fields(ALICE)) is None
    loop.run(Rows(database).user(ALICE))
    assert loop.run(store.fields(ALICE)) == {}
    name, zone = ProfileChange("displayname", b'"A"'), ProfileChange("m.tz", b'"UTC"')
    told = loop.run(store.put(ALICE, zone, accept, tell=False))
    assert loop.run(store.untold()) == []
    first = loop.run(store.put(ALICE, name, accept, tell=True))
    assert loop.run(store.put(ALICE, name, accept, tell=True)) is None
    assert loop.run(store.fields(ALICE)) == {"displayname": b'"A"', "m.tz": b'"UTC"'}
    assert loop.run(store.some_fields(ALICE, ("displayname", "avatar_url"))) == {"displayname": b'"A"'}
    second = loop.run(store.put(ALICE, ProfileChange("m.tz", None), accept, tell=False))
    assert first is not None
    assert second is not None
    loop.run(store.told(first))
    assert loop.run(store.untold()) == [Untold(ALICE, second.position)]
    loop.run(store.told(second))
    assert loop.run(store.untold()) == []
    assert [change.subject for change in heard] == [zone, name, ProfileChange("m.tz", None)]
    assert told is not None


def test_a_refused_change_is_undone(loop: ThreadLoop, database: Database) -> None:
    def refuse(fields: Mapping[str, bytes]) -> None:
        raise ValueError(fields)

    with pytest.raises(ValueError, match=r"^{}$"):
        loop.run(StoredProfiles(database).put(ALICE, ProfileChange("m.tz", b"1"), refuse, tell=True))


def test_reports(loop: ThreadLoop, database: Database) -> None:
    store = StoredReports(database)
    added = [
        loop.run(store.add(Report(0, kind, ALICE, "!room", "$1", "@bob:test", "why", score, 7)))
        for kind, score in ((Kind.EVENT, -1), (Kind.ROOM, None), (Kind.USER, None))
    ]
    assert loop.run(store.list(open_only=True, before=None, limit=2)) == [added[2], added[1]]
    assert loop.run(store.list(open_only=False, before=added[1].report_id, limit=2)) == [added[0]]
    assert loop.run(store.resolve(added[2].report_id, 9))
    assert not loop.run(store.resolve(added[2].report_id, 10))
    assert loop.run(store.get(added[2].report_id)) == added[2]._replace(resolved_ts=9)
    assert (loop.run(store.count(open_only=True)), loop.run(store.count(open_only=False))) == (2, 3)
    assert loop.run(store.list(open_only=True, before=None, limit=9)) == [added[1], added[0]]
