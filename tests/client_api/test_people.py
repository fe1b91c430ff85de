"""Reports, the user directory and mutual rooms over HTTP."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from homeserver.client_api.mutual_rooms import MutualRoomEndpoints
from homeserver.client_api.reporting import ReportingEndpoints
from homeserver.client_api.user_directory import UserDirectoryEndpoints
from homeserver.protocol.room_versions import room_version
from homeserver.reports.reports import Reports
from homeserver.reports.store import Kind
from homeserver.rooms.reading.history import Seen
from homeserver.rooms.store import StoredEvent
from homeserver.user_directory.directory import UserDirectory
from homeserver.user_directory.mutual_rooms import MutualRooms
from homeserver.user_directory.reader import DirectoryReader
from storage.personal.reports import StoredReports
from storage.personal.user_directory import StoredDirectory
from tests.client_api.small_parts import ALICE, BOB, CALLERS, ROOM, SmallParts
from tests.support.client import Client, dispatch_for, run

REPORT = "/_matrix/client/v3/rooms/!room:test/report"
SEARCH = "/_matrix/client/v3/user_directory/search"
MUTUAL = "/_matrix/client/v1/mutual_rooms"


class OneEvent:
    async def events(self, event_ids: Iterable[str]) -> dict[str, StoredEvent]:
        event = StoredEvent(
            1, 1, 1, 1, 0, 0, 0, "m.room.message", BOB, None, "$1", None, None, None, None, b"", b"", ROOM, room_version("12")
        )  # fmt: skip
        return {event_id: event for event_id in event_ids if event_id == "$1"}

    async def visible(self, user_id: str, room_id: str, events: Sequence[StoredEvent]) -> list[Seen]:
        return [Seen(event, "join") for event in events]


class People:
    def __init__(self) -> None:
        parts = SmallParts()
        self.parts = parts
        self.reports = Reports(StoredReports(parts.database), OneEvent(), OneEvent(), parts.members, parts.clock)
        directory = StoredDirectory(parts.database)
        run(DirectoryReader(directory, parts.streams, parts.clock, "test").start())
        chapters = (
            ReportingEndpoints(self.reports),
            UserDirectoryEndpoints(UserDirectory(directory, enabled=True, search_all_users=False)),
            MutualRoomEndpoints(MutualRooms(parts.members)),
        )
        self.alice = Client(dispatch_for(*chapters, tokens=CALLERS, clock=parts.clock), "alice")


@pytest.fixture
def people() -> People:
    return People()


@pytest.fixture
def alice(people: People) -> Client:
    return people.alice


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


def test_reports(people: People, alice: Client) -> None:
    assert run(alice.post(REPORT + "/$1", {"reason": "rude", "score": -100})) == (200, {})
    assert run(alice.post(REPORT + "/$1", {"reason": None})) == (200, {})
    assert run(alice.post(REPORT + "/$1", {})) == (200, {})
    assert run(alice.with_token("eve").post(REPORT, {"reason": ""})) == (200, {})
    assert run(alice.post("/_matrix/client/v3/users/@nobody:elsewhere/report", {"reason": "spam"})) == (200, {})
    listed = run(people.reports.list())
    assert [report.kind for report in listed] == [Kind.USER, Kind.ROOM, Kind.EVENT, Kind.EVENT, Kind.EVENT]
    assert (listed[-1].reason, listed[-1].score, listed[-1].user_id) == ("rude", -100, BOB)


def test_bad_reports(alice: Client) -> None:
    assert errcode(run(alice.with_token("eve").post(REPORT + "/$1", {"reason": ""}))) == (404, "M_NOT_FOUND")
    assert errcode(run(alice.post(REPORT + "/$2", {"reason": ""}))) == (404, "M_NOT_FOUND")
    assert errcode(run(alice.post(REPORT + "/$1", {"reason": 5}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.post(REPORT + "/$1", {"score": "bad"}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.post(REPORT + "/$1", {"score": 1}))) == (400, "M_INVALID_PARAM")
    for path in (REPORT, "/_matrix/client/v3/users/@bob:test/report"):
        assert errcode(run(alice.post(path, {}))) == (400, "M_MISSING_PARAM")
        assert errcode(run(alice.post(path, {"reason": []}))) == (400, "M_BAD_JSON")
        assert errcode(run(alice.post(path, {"reason": "x" * 4_001}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.post("/_matrix/client/v3/users/bob/report", {"reason": ""}))) == (400, "M_INVALID_PARAM")


def test_search(people: People, alice: Client) -> None:
    run(people.parts.rows.sql("INSERT INTO profiles (user_id, field, value) VALUES (?, 'displayname', ?)", BOB, b'"Bobby"'))
    run(people.parts.rows.sql("INSERT INTO profiles (user_id, field, value) VALUES (?, 'avatar_url', ?)", BOB, b'"mxc://test/b"'))
    run(people.parts.rows.announce("profile", user_id=BOB))
    found = {"user_id": BOB, "display_name": "Bobby", "avatar_url": "mxc://test/b"}
    assert run(alice.post(SEARCH, {"search_term": "bobb"})) == (200, {"results": [found], "limited": False})
    assert run(alice.post(SEARCH, {"search_term": "bobb", "limit": 0})) == (200, {"results": [], "limited": True})
    assert run(alice.with_token("bob").post(SEARCH, {"search_term": "alice"})) == (
        200,
        {"results": [{"user_id": ALICE}], "limited": False},
    )
    assert run(alice.with_token("eve").post(SEARCH, {"search_term": "bob", "limit": 1_000})) == (200, {"results": [], "limited": False})
    assert errcode(run(alice.post(SEARCH, {}))) == (400, "M_MISSING_PARAM")
    assert errcode(run(alice.post(SEARCH, {"search_term": 1}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.post(SEARCH, {"search_term": "a", "limit": -1}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.post(SEARCH, {"search_term": "a", "limit": "1"}))) == (400, "M_BAD_JSON")


def test_mutual_rooms(people: People, alice: Client) -> None:
    assert run(alice.get(MUTUAL, {"user_id": BOB})) == (200, {"joined": [ROOM], "count": 1})
    assert run(alice.get(MUTUAL, {"user_id": "@nobody:test"})) == (200, {"joined": [], "count": 0})
    for number in range(100):
        room_id = f"!more{number:03}:test"
        run(people.parts.rows.room(room_id))
        for user_id in (ALICE, BOB):
            run(people.parts.rows.member(room_id, user_id))
    for path, sent, given in (
        (MUTUAL, "from", "next_batch"),
        ("/_matrix/client/unstable/uk.half-shot.msc2666/user/mutual_rooms", "batch_token", "next_batch_token"),
    ):
        status, first = run(alice.get(path, {"user_id": BOB}))
        assert (status, len(first["joined"]), first["count"]) == (200, 100, 101)
        status, second = run(alice.get(path, {"user_id": BOB, sent: first[given]}))
        assert second == {"joined": [ROOM], "count": 101}


@pytest.mark.parametrize(
    "query",
    [{"user_id": ALICE}, {"user_id": "bob"}, {"user_id": "@b b:test"}, {"user_id": BOB, "from": "x"}, {"user_id": BOB, "from": "é"}],
)
def test_bad_questions_for_mutual_rooms(alice: Client, query: dict[str, str]) -> None:
    assert errcode(run(alice.get(MUTUAL, query))) == (400, "M_INVALID_PARAM")


def test_mutual_rooms_need_a_user(alice: Client) -> None:
    assert errcode(run(alice.get(MUTUAL))) == (400, "M_MISSING_PARAM")
