"""From request to answer without sockets."""

from typing import Any

import orjson
from twisted.internet.defer import Deferred

from homeserver.errors import NotFound
from homeserver.protocol.errors import NotAuthorised
from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, Reply, endpoint
from homeserver.web.request import Request
from tests.support.client import Client, dispatch_for, run, start

ALICE = Caller("@alice:example.org", "PHONE", 1)
TOKENS = {
    "alice": ALICE,
    "guest": Caller("@1:example.org", "G", 2, is_guest=True),
    "locked": Caller("@bob:example.org", "B", 3, locked=True),
    "admin": Caller("@root:example.org", "R", 4, is_admin=True),
    "bridge": Caller("@bridge_bot:example.org", None, 0, appservice="bridge"),
}


class Things:
    def __init__(self) -> None:
        self.waiting: list[Deferred[str]] = []

    @endpoint("GET", "/_matrix/client/v3/whoami", access=Access.GUEST, rate=Rate.NONE, body=Body.NONE)
    async def whoami(self, request: Request) -> Answer:
        return {"user_id": request.user.user_id}

    @endpoint("GET", "/_matrix/client/v3/perhaps", access=Access.OPTIONAL, rate=Rate.NONE, body=Body.NONE)
    async def perhaps(self, request: Request) -> Answer:
        return {"user_id": request.caller.user_id if request.caller else None}

    @endpoint(
        "PUT", "/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}", access=Access.USER, rate=Rate.MESSAGE, body=Body.OBJECT
    )
    async def send(self, request: Request, room_id: str, event_type: str, txn_id: str) -> Answer:
        return orjson.dumps([type(room_id).__name__, room_id, event_type, txn_id, request.body])

    @endpoint("POST", "/_matrix/client/v3/logout", access=Access.LOCKED, rate=Rate.WRITE, body=Body.OPTIONAL_OBJECT)
    async def logout(self, request: Request) -> Answer:
        return {}

    @endpoint("POST", "/_matrix/client/v3/admin", access=Access.ADMIN, rate=Rate.WRITE, body=Body.OPTIONAL_OBJECT)
    async def admin(self, request: Request) -> Answer:
        return {}

    @endpoint("GET", "/_matrix/client/v1/fail/{how}", access=Access.NONE, rate=Rate.NONE, body=Body.NONE)
    async def fail(self, request: Request, how: str) -> Answer:
        errors: dict[str, Exception] = {"domain": NotFound("No such thing"), "rule": NotAuthorised("rule 5.1"), "fault": KeyError("secret")}
        raise errors[how]

    @endpoint("GET", "/_matrix/client/v1/wait", access=Access.NONE, rate=Rate.SYNC, body=Body.NONE)
    async def wait(self, request: Request) -> Answer:
        self.waiting.append(Deferred())
        return Reply({"said": await self.waiting[-1]}, 201, {"X-Thing": "1"})


def client(token: str | None = "alice") -> Client:
    return Client(dispatch_for(Things(), tokens=TOKENS), token)


def get(path: str, token: str | None = "alice") -> tuple[int, Any]:
    return run(client(token).get(path))


def test_callers() -> None:
    assert get("/_matrix/client/v3/whoami") == (200, {"user_id": "@alice:example.org"})
    assert get("/_matrix/client/v3/whoami?access_token=alice", None) == (200, {"user_id": "@alice:example.org"})
    assert get("/_matrix/client/v3/whoami", None)[1]["errcode"] == "M_MISSING_TOKEN"
    status, answer = get("/_matrix/client/v3/whoami", "nobody")
    assert (status, answer["errcode"], answer["soft_logout"]) == (401, "M_UNKNOWN_TOKEN", False)
    status, answer = get("/_matrix/client/v3/whoami", "locked")
    assert (status, answer["errcode"], answer["soft_logout"]) == (401, "M_USER_LOCKED", True)
    assert run(client("locked").post("/_matrix/client/v3/logout")) == (200, {})
    assert run(client("guest").put("/_matrix/client/v3/rooms/!a/send/t/1"))[1]["errcode"] == "M_GUEST_ACCESS_FORBIDDEN"
    assert run(client("alice").post("/_matrix/client/v3/admin"))[0] == 403
    assert run(client("admin").post("/_matrix/client/v3/admin")) == (200, {})
    assert get("/_matrix/client/v3/perhaps", None) == (200, {"user_id": None})
    assert get("/_matrix/client/v3/perhaps", "alice") == (200, {"user_id": "@alice:example.org"})
    assert get("/_matrix/client/v3/perhaps", "nobody")[0] == 401


def test_application_services_act_for_their_users() -> None:
    path = "/_matrix/client/v3/whoami"
    assert get(path, "bridge") == (200, {"user_id": "@bridge_bot:example.org"})
    assert get(path + "?user_id=@bridge_ann:example.org", "bridge") == (200, {"user_id": "@bridge_ann:example.org"})
    assert get(path + "?user_id=@alice:example.org", "bridge")[1]["errcode"] == "M_FORBIDDEN"


def test_paths() -> None:
    put = client().put
    expected = ["RoomId", "!a/b:example.org", "m.x/y", "1", {"a": 1.5}]
    for version in ("v3", "r0", "unstable"):
        assert run(put(f"/_matrix/client/{version}/rooms/%21a%2fb%3Aexample.org/send/m.x%2Fy/1", {"a": 1.5})) == (200, expected)
    assert run(put("/_matrix/client/v3/rooms/a/send/m/1"))[1]["errcode"] == "M_INVALID_PARAM"
    for broken in ("%ff", "%4", "%zz", "%00"):
        assert run(put(f"/_matrix/client/v3/rooms/!a/send/m{broken}/1"))[1]["errcode"] == "M_INVALID_PARAM"
    assert run(put("/_matrix/client/v3/rooms/!a/send/m/"))[1]["errcode"] == "M_UNRECOGNIZED"
    assert get("/_matrix/client/r0/wait")[0] == 404


def test_methods() -> None:
    assert get("/_matrix/client/v3/nothing") == (404, {"errcode": "M_UNRECOGNIZED", "error": "Unrecognised request"})
    reply = run(client().call("DELETE", "/_matrix/client/v3/whoami"))
    assert (reply.status, reply.headers["Allow"]) == (405, "GET, HEAD, OPTIONS")
    assert run(client().call("HEAD", "/_matrix/client/v3/whoami")).status == 200
    assert run(client(None).call("OPTIONS", "/_matrix/client/v3/whoami")).status == 200


def test_bodies() -> None:
    def errcode(body: bytes) -> Any:
        return run(client().put("/_matrix/client/v3/rooms/!a/send/t/1", body))[1]["errcode"]

    for body in (b"", b"{", b"\xff", b"\xef\xbb\xbf{}", b'{"a":NaN}', b'{"a":"\\ud800"}', b'{"a":1e400}', b"nul"):
        assert errcode(body) == "M_NOT_JSON", body
    for body in (b"[]", b"1", b'{"a":9007199254740992}', b'{"a":1' + b"0" * 40 + b"}", b"[" * 150 + b"]" * 150, b'{"a":1,"a":2}'):
        assert errcode(body) == "M_BAD_JSON", body
    assert run(client().put("/_matrix/client/v3/rooms/!a/send/t/1", b'{"a":' + b" " * 9_000_000 + b"1}"))[0] == 413


def test_errors_and_faults(faults: list[Any]) -> None:
    assert get("/_matrix/client/v1/fail/domain") == (404, {"errcode": "M_NOT_FOUND", "error": "No such thing"})
    assert get("/_matrix/client/v1/fail/rule") == (403, {"errcode": "M_FORBIDDEN", "error": "rule 5.1"})
    status, answer = get("/_matrix/client/v1/fail/fault")
    assert (status, answer["errcode"]) == (500, "M_UNKNOWN")
    assert "secret" not in answer["error"]


def test_waiting() -> None:
    things = Things()
    results: list[Any] = []
    start(Client(dispatch_for(things, tokens=TOKENS)).call("GET", "/_matrix/client/v1/wait")).addCallback(results.append)
    assert results == []
    things.waiting[0].callback("hello")
    assert (results[0].status, results[0].body, results[0].headers) == (201, b'{"said":"hello"}', {"X-Thing": "1"})
