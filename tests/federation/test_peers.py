"""Requests between whole servers: signed by one, checked by the other, and good for nothing else; servers that are barred."""

from typing import Any

import pytest

from config.federation import Federation
from federation.client import v1
from federation.errors import NotFederated, RemoteRefused
from federation.peers import SignedPeers
from federation.server_policy import ServerPolicy
from federation.x_matrix import authorization
from homeserver.web.endpoint import Access, Answer, Body, Rate, endpoint
from homeserver.web.request import Request
from tests.federation.support.town import Town
from tests.support.client import Client, dispatch_for, run
from tests.support.rooms import create_room, path

STATE = "/_matrix/federation/v1/probe/"


class Probe:
    """Says who asked."""

    @endpoint("PUT", "/_matrix/federation/v1/probe/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.OBJECT)
    async def put(self, request: Request, room_id: str) -> Answer:
        return {"peer": request.peer, "body": request.body}

    @endpoint("GET", "/_matrix/federation/v1/probe/{room_id}", access=Access.PEER, rate=Rate.NONE, body=Body.NONE)
    async def get(self, request: Request, room_id: str) -> Answer:
        return {"peer": request.peer, "query": request.query}


@pytest.fixture
def probed(town: Town) -> Town:
    """b.test answers the questions of `Probe` alone."""
    town.network.join("b.test", dispatch_for(Probe(), peers=town["b.test"].federation.peers))
    return town


def test_who_asks_is_known(probed: Town) -> None:
    client = probed["a.test"].federation.reach.client
    assert probed.run(client.put("b.test", v1("probe", "!r:b.test"), {"ä": [1, "🙂"]})) == {"peer": "a.test", "body": {"ä": [1, "🙂"]}}
    asked = client.get("b.test", v1("probe", "!r/ü:b.test"), {"a b": ["ä", "&"], "limit": 5, "yes": True})
    assert probed.run(asked) == {"peer": "a.test", "query": {"a b": ["ä", "&"], "limit": ["5"], "yes": ["true"]}}


def signed(town: Town, **changes: Any) -> tuple[int, Any]:
    """A request of a.test, of which some part was signed as something else."""
    told = {"origin": "a.test", "destination": "b.test", "method": "PUT", "uri": STATE + "!r:b.test", "content": b'{"a":1}', **changes}
    key = town["a.test"].parts.ground.identity.key
    header = authorization(key, told["origin"], told["destination"], told["method"], told["uri"], told["content"])
    client = Client(dispatch_for(Probe(), peers=town["b.test"].federation.peers))
    return town.run(client.json("PUT", STATE + "!r:b.test", b'{"a":1}', authorization=header))


def test_the_request_is_the_one_that_was_signed(town: Town) -> None:
    assert signed(town) == (200, {"peer": "a.test", "body": {"a": 1}})
    altered: tuple[dict[str, Any], ...] = (
        {"destination": "c.test"},
        {"method": "POST"},
        {"uri": STATE + "!s:b.test"},
        {"uri": STATE + "!r:b.test?a=1"},
        {"content": b'{"a":2}'},
        {"content": None},
        {"origin": "c.test"},
        {"origin": "b.test"},
    )
    for part in altered:
        status, answer = signed(town, **part)
        assert (status, answer["errcode"]) == (401, "M_UNAUTHORIZED"), part


def test_unsigned_requests_are_refused_whatever_they_bring(town: Town) -> None:
    client = Client(dispatch_for(Probe(), peers=town["b.test"].federation.peers))
    for header in ("", "Bearer token", "X-Matrix", 'X-Matrix origin="a.test",key="ed25519:a",sig="b"'):
        status, answer = town.run(client.json("PUT", STATE + "!r:b.test", b"no json", authorization=header))
        assert (status, answer["errcode"]) == (401, "M_UNAUTHORIZED")


def test_a_room_keeps_servers_out_from_one_event_to_the_next(probed: Town) -> None:
    b, client = probed["b.test"], probed["a.test"].federation.reach.client
    bob = b.user("bob")
    room = create_room(b, bob)
    probed.run(client.get("b.test", v1("probe", room)))
    b.ok(bob.put(path("rooms", room, "state", "m.room.server_acl"), {"allow": ["*"], "deny": ["A.*"]}))
    with pytest.raises(RemoteRefused) as refused:
        probed.run(client.get("b.test", v1("probe", room)))
    assert (refused.value.remote_status, refused.value.remote_errcode) == (403, "M_FORBIDDEN")
    assert refused.value.as_local().errcode == "M_FORBIDDEN"
    b.ok(bob.put(path("rooms", room, "state", "m.room.server_acl"), {"allow": ["*"]}))
    probed.run(client.get("b.test", v1("probe", room)))


def test_the_settings_bar_servers_both_ways(town: Town) -> None:
    policy = ServerPolicy(Federation(denied_servers=("*.test",)))
    with pytest.raises(NotFederated):
        policy.check("a.test")
    reach, acls = town["b.test"].federation.reach, town["b.test"].federation.acls
    peers = SignedPeers("b.test", reach.keyring, reach.outages, policy, acls)
    key = town["a.test"].parts.ground.identity.key
    header = authorization(key, "a.test", "b.test", "GET", STATE + "!r:b.test", None)
    client = Client(dispatch_for(Probe(), peers=peers))
    status, answer = run(client.json("GET", STATE + "!r:b.test", authorization=header))
    assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")
    assert ServerPolicy(Federation(allowed_servers=("a.test",))).allows("a.test:8448")
    assert not ServerPolicy(Federation(allowed_servers=("a.test",))).allows("b.test")
