from typing import Any

import orjson
import pytest

from tests.client_api.small_parts import ALICE, BOB, ROOM, SmallParts
from tests.support.client import Client, run

RECEIPT = "/_matrix/client/v3/rooms/!room:test/receipt"
MARKERS = "/_matrix/client/v3/rooms/!room:test/read_markers"
TYPING = "/_matrix/client/v3/rooms/!room:test/typing/@alice:test"


@pytest.fixture
def parts() -> SmallParts:
    return SmallParts()


@pytest.fixture
def alice(parts: SmallParts) -> Client:
    return parts.client()


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


def shown(parts: SmallParts, user_id: str) -> list[dict[str, Any]]:
    return [orjson.loads(event)["content"] for event in run(parts.receipts.room(ROOM)).events(user_id)]


def test_receipts_are_sent(parts: SmallParts, alice: Client) -> None:
    data = {"ts": parts.clock.now_ms()}
    assert run(alice.post(RECEIPT + "/m.read/$1", b"")) == (200, {})
    assert run(alice.post(RECEIPT + "/m.read/$2", {"thread_id": "$1"})) == (200, {})
    assert run(alice.post(RECEIPT + "/m.read.private/%242")) == (200, {})
    own: list[dict[str, Any]] = [
        {"$1": {"m.read": {ALICE: data}}, "$2": {"m.read": {ALICE: {**data, "thread_id": "$1"}}, "m.read.private": {ALICE: data}}}
    ]
    assert shown(parts, ALICE) == own
    del own[0]["$2"]["m.read.private"]
    assert shown(parts, BOB) == own


def test_a_receipt_may_be_a_fully_read_marker(parts: SmallParts, alice: Client) -> None:
    assert run(alice.post(RECEIPT + "/m.fully_read/$1", {})) == (200, {})
    path = f"/_matrix/client/v3/user/{ALICE}/rooms/{ROOM}/account_data/m.fully_read"
    assert run(alice.get(path)) == (200, {"event_id": "$1"})
    assert shown(parts, ALICE) == []


@pytest.mark.parametrize("thread_id", ["", 1, ["main"], "main", "$none"])
def test_bad_threads(alice: Client, thread_id: object) -> None:
    assert errcode(run(alice.post(RECEIPT + "/m.read/$2", {"thread_id": thread_id}))) == (400, "M_INVALID_PARAM")


def test_bad_receipts(parts: SmallParts, alice: Client) -> None:
    assert errcode(run(alice.post(RECEIPT + "/m.fully_read/$1", {"thread_id": "main"}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.post(RECEIPT + "/m.seen/$1"))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.post(RECEIPT + "/m.read/nonsense"))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.post(RECEIPT + "/m.read/$none"))) == (404, "M_NOT_FOUND")
    assert errcode(run(parts.client("eve").post(RECEIPT + "/m.read/$1"))) == (403, "M_FORBIDDEN")
    assert errcode(run(alice.post(RECEIPT.replace("room:", "none:") + "/m.read/$1"))) == (403, "M_FORBIDDEN")


def test_read_markers_set_all_three(parts: SmallParts, alice: Client) -> None:
    assert run(alice.post(MARKERS, {"m.fully_read": "$1", "m.read": "$2", "m.read.private": "$2", "org.example": 1})) == (200, {})
    assert set(shown(parts, ALICE)[0]["$2"]) == {"m.read", "m.read.private"}
    data = run(parts.account_data.of(ALICE)).room_events(ROOM)
    assert [orjson.loads(event) for event in data] == [{"type": "m.fully_read", "content": {"event_id": "$1"}}]
    assert run(alice.post(MARKERS, {})) == (200, {})


def test_bad_read_markers(parts: SmallParts, alice: Client) -> None:
    assert errcode(run(alice.post(MARKERS, {"m.fully_read": 1}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.post(MARKERS, {"m.read": "x"}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.post(MARKERS, {"m.read": "$1", "m.fully_read": "$none"}))) == (404, "M_NOT_FOUND")
    assert errcode(run(parts.client("eve").post(MARKERS, {}))) == (403, "M_FORBIDDEN")
    assert shown(parts, ALICE) == []


def test_typing(parts: SmallParts, alice: Client) -> None:
    assert run(alice.put(TYPING, {"typing": True, "timeout": 5_000})) == (200, {})
    assert parts.typing.in_room(ROOM) == (ALICE,)
    assert run(alice.put(TYPING, {"typing": False})) == (200, {})
    assert parts.typing.in_room(ROOM) == ()
    assert run(alice.put(TYPING, {"typing": True})) == (200, {})
    run(parts.rows.member(ROOM, ALICE, "leave"))
    assert parts.typing.in_room(ROOM) == ()
    assert errcode(run(alice.put(TYPING, {"typing": True}))) == (403, "M_FORBIDDEN")


def test_bad_typing(parts: SmallParts, alice: Client) -> None:
    assert errcode(run(alice.put(TYPING, {}))) == (400, "M_MISSING_PARAM")
    assert errcode(run(alice.put(TYPING, {"typing": "yes"}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.put(TYPING, {"typing": True, "timeout": "1"}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.put(TYPING, {"typing": True, "timeout": -1}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(parts.client("bob").put(TYPING, {"typing": True}))) == (403, "M_FORBIDDEN")
    eve = TYPING.replace("alice", "eve")
    assert errcode(run(parts.client("eve").put(eve, {"typing": True}))) == (403, "M_FORBIDDEN")


def test_presence(parts: SmallParts, alice: Client) -> None:
    path = "/_matrix/client/v3/presence/@alice:test/status"
    assert run(alice.get(path)) == (200, {"presence": "offline"})
    assert run(alice.put(path, {"presence": "online", "status_msg": "hello"})) == (200, {})
    answer = {"presence": "online", "status_msg": "hello", "last_active_ago": 0, "currently_active": True}
    for name in ("alice", "bob"):
        assert run(parts.client(name).get(path)) == (200, answer)
    assert run(alice.put(path, {"presence": "unavailable", "status_msg": None})) == (200, {})
    assert run(alice.get(path)) == (200, {"presence": "unavailable", "last_active_ago": 0})
    assert errcode(run(parts.client("eve").get(path))) == (403, "M_FORBIDDEN")
    assert errcode(run(parts.client("bob").put(path, {"presence": "online"}))) == (403, "M_FORBIDDEN")
    assert errcode(run(alice.put(path, {"presence": "busy"}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.put(path, {}))) == (400, "M_MISSING_PARAM")
    assert errcode(run(alice.put(path, {"presence": "online", "status_msg": 5}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.put(path, {"presence": "online", "status_msg": "x" * 2_000}))) == (400, "M_INVALID_PARAM")
