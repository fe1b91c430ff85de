"""Callers that are not known without waiting, and what accounts may say of them."""

from typing import Any

from twisted.internet.defer import Deferred

from homeserver.errors import Forbidden, MatrixError, UnknownToken
from homeserver.web.access import token_of
from homeserver.web.endpoint import Access, Answer, Body, Caller, Rate, endpoint
from homeserver.web.request import Request
from tests.support.client import Client, dispatch_for, run, start


class SlowTokens:
    """Knows nothing without waiting."""

    def __init__(self) -> None:
        self.asked: list[Deferred[Caller | None]] = []
        self.asserted: list[tuple[str | None, str | None]] = []

    def cached(self, token: str) -> Caller | None:
        return None

    async def find(self, token: str) -> Caller | None:
        if token == "old":
            raise UnknownToken(soft_logout=True)
        self.asked.append(Deferred())
        return await self.asked[-1]

    async def refreshed(self, user_id: str, device_id: str) -> Caller | None:
        return None

    async def find_asserted(self, service: Caller, user_id: str | None, device_id: str | None) -> Caller:
        self.asserted.append((user_id, device_id))
        return Caller(user_id or service.user_id, device_id, 0, appservice=service.appservice)


class Chapter:
    @endpoint("GET", "/me", access=Access.USER, rate=Rate.NONE, body=Body.NONE)
    async def me(self, request: Request) -> Answer:
        return {"user_id": request.user.user_id, "device_id": request.user.device_id}


def ask(tokens: SlowTokens, path: str, caller: Caller | None) -> tuple[int, Any]:
    results: list[Any] = []
    start(Client(dispatch_for(Chapter(), tokens=tokens), "token").get(path)).addCallback(results.append)
    assert not results
    tokens.asked[-1].callback(caller)
    answer: tuple[int, Any] = results[0]
    return answer


def test_the_edge_waits_for_the_accounts() -> None:
    tokens = SlowTokens()
    assert ask(tokens, "/me", Caller("@alice:a", "D", 1)) == (200, {"user_id": "@alice:a", "device_id": "D"})
    status, answer = ask(tokens, "/me", None)
    assert (status, answer["errcode"]) == (401, "M_UNKNOWN_TOKEN")
    assert ask(tokens, "/me", Caller("@alice:a", "D", 1, locked=True))[1]["errcode"] == "M_USER_LOCKED"
    status, answer = run(Client(dispatch_for(Chapter(), tokens=tokens), "old").get("/me"))
    assert (status, answer["soft_logout"]) == (401, True)


def test_identity_assertion() -> None:
    tokens = SlowTokens()
    service = Caller("@bot:a", None, 0, appservice="bot")
    assert ask(tokens, "/me", service)[1]["user_id"] == "@bot:a"
    assert ask(tokens, "/me?user_id=@x:a&device_id=D", service)[1] == {"user_id": "@x:a", "device_id": "D"}
    assert ask(tokens, "/me?org.matrix.msc3202.device_id=E", service)[1] == {"user_id": "@bot:a", "device_id": "E"}
    assert ask(tokens, "/me?user_id=", service)[1]["errcode"] == "M_INVALID_PARAM"
    assert tokens.asserted == [("@x:a", "D"), (None, "E")]
    assert ask(tokens, "/me?user_id=@x:a", Caller("@alice:a", "D", 1))[1]["user_id"] == "@alice:a"  # nothing to a plain user


class OnePeer:
    """Believes whoever has the right body."""

    async def authenticate(self, request: Request) -> str:
        if request.raw_body != b'{"signed":true}':
            raise Unauthorised("Bad signature")
        return "peer.example.org"

    async def admit(self, peer: str, room_id: str) -> None:
        if room_id == "!barred:a":
            raise Forbidden("Barred")


class Unauthorised(MatrixError):
    status, errcode = 401, "M_UNAUTHORIZED"


class Inbound:
    @endpoint("PUT", "/_matrix/federation/v1/send/{txn_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def send(self, request: Request, txn_id: str) -> Answer:
        return {"from": request.peer, "body": request.body, "caller": request.caller}

    @endpoint("GET", "/_matrix/federation/v1/state/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def state(self, request: Request, room_id: str) -> Answer:
        return {}


def test_other_servers_sign_their_requests() -> None:
    client = Client(dispatch_for(Inbound(), peers=OnePeer()))
    assert run(client.put("/_matrix/federation/v1/send/1", b'{"signed":true}')) == (
        200,
        {"from": "peer.example.org", "body": {"signed": True}, "caller": None},
    )
    assert run(client.put("/_matrix/federation/v1/send/1", b"nonsense"))[1]["errcode"] == "M_UNAUTHORIZED"


def test_rooms_keep_servers_out() -> None:
    client = Client(dispatch_for(Inbound(), peers=OnePeer()))
    assert run(client.json("GET", "/_matrix/federation/v1/state/!open:a", b'{"signed":true}'))[0] == 200
    assert run(client.json("GET", "/_matrix/federation/v1/state/!barred:a", b'{"signed":true}'))[0] == 403
    assert run(client.json("GET", "/_matrix/federation/v1/state/!barred:a", b"nonsense"))[0] == 401


def test_an_event_of_a_peer_may_hold_what_no_client_may_send() -> None:
    class Lenient(OnePeer):
        async def authenticate(self, request: Request) -> str:
            return "peer.example.org"

    client = Client(dispatch_for(Inbound(), peers=Lenient()))
    deep = b'{"a":' + b"[" * 200 + b"]" * 200 + b',"b":1234567890123456789}'
    assert run(client.put("/_matrix/federation/v1/send/1", deep))[0] == 200
    assert run(client.put("/_matrix/federation/v1/send/1", b"[]"))[1]["errcode"] == "M_BAD_JSON"


def test_where_tokens_stand() -> None:
    def token(query: str = "", **headers: str) -> str | None:
        return token_of(Request("GET", "/", query, headers, b"", ""))

    assert token(authorization="Bearer abc") == "abc"
    assert token(authorization="bearer abc") == "abc"
    assert token("access_token=abc") == "abc"
    assert token("a=1&access_token=a%2Bc") == "a+c"
    assert token("access_token=x", authorization="Bearer abc") == "abc"
    for nothing in ("Bearer", "Bearer ", "Basic abc", "abc", ""):
        assert token(authorization=nothing) is None
    assert token("access_token=") is None
