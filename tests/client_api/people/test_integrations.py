"""Networks and services beside Matrix, as clients meet them."""

from collections.abc import Mapping
from typing import Any

from config.outgoing import Turn
from config.secret import Secret
from homeserver.client_api.integrations.networks import AppservicePing, ThirdPartyLookup
from homeserver.client_api.integrations.voip import Voip
from homeserver.integrations.networks import Found, NoNetworks
from homeserver.integrations.turn import TurnCredentials
from homeserver.web.endpoint import Caller
from tests.support.client import Client, dispatch_for, run
from tests.support.clock import FakeClock

V3 = "/_matrix/client/v3"
CALLERS = {
    "alice": Caller("@alice:test", "A", 1),
    "guest": Caller("@guest:test", "G", 2, is_guest=True),
    "bridge": Caller("@bridge:test", None, 0, appservice="bridge"),
}


class Irc:
    """One network with one channel and one person."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []

    async def protocols(self) -> Mapping[str, Mapping[str, Any]]:
        return {"irc": {"instances": []}}

    async def protocol(self, name: str) -> Mapping[str, Any] | None:
        return {"instances": []} if name == "irc" else None

    async def locations(self, protocol: str, fields: Mapping[str, str]) -> Found:
        self.asked.append(fields)
        return [{"alias": "#irc_x:test", "protocol": protocol, "fields": fields}]

    async def users(self, protocol: str, fields: Mapping[str, str]) -> Found:
        self.asked.append(fields)
        return [{"userid": "@irc_x:test", "protocol": protocol, "fields": fields}]

    async def locations_of(self, room_alias: str) -> Found:
        return [{"alias": room_alias, "protocol": "irc", "fields": {}}]

    async def users_of(self, user_id: str) -> Found:
        return [{"userid": user_id, "protocol": "irc", "fields": {}}]


class Pinged:
    async def ping(self, appservice: str, transaction_id: str | None) -> int:
        return 7 if transaction_id == "t" else 8


def client(*chapters: object, token: str = "alice") -> Client:
    return Client(dispatch_for(*chapters, tokens=CALLERS), token)


def test_without_networks() -> None:
    asking = client(ThirdPartyLookup(NoNetworks()))
    assert run(asking.get(f"{V3}/thirdparty/protocols")) == (200, {})
    for path in (
        "protocol/irc", "location/irc?channel=x", "user/irc?nick=x", "location?alias=%23room:test", "user?userid=@x:test", "user/irc"
    ):  # fmt: skip
        status, answer = run(asking.get(f"{V3}/thirdparty/{path}"))
        assert (status, answer["errcode"]) == (404, "M_NOT_FOUND"), path
    assert run(asking.get(f"{V3}/thirdparty/location"))[1]["errcode"] == "M_MISSING_PARAM"
    assert run(asking.get(f"{V3}/thirdparty/user?userid=x"))[1]["errcode"] == "M_INVALID_PARAM"


def test_what_networks_know_is_handed_on() -> None:
    irc = Irc()
    asking = client(ThirdPartyLookup(irc))
    assert run(asking.get(f"{V3}/thirdparty/protocols")) == (200, {"irc": {"instances": []}})
    assert run(asking.get(f"{V3}/thirdparty/protocol/irc")) == (200, {"instances": []})
    assert run(asking.get(f"{V3}/thirdparty/location/irc?channel=%23x&network=y"))[1][0]["alias"] == "#irc_x:test"
    assert run(asking.get(f"{V3}/thirdparty/user/irc?nick=x&access_token=alice"))[1][0]["userid"] == "@irc_x:test"
    assert irc.asked == [{"channel": "#x", "network": "y"}, {"nick": "x"}]
    assert run(asking.get(f"{V3}/thirdparty/location?alias=%23a:test"))[1][0]["alias"] == "#a:test"
    assert run(asking.get(f"{V3}/thirdparty/user?userid=@a:test"))[1][0]["userid"] == "@a:test"


def test_pinging_a_bridge() -> None:
    path = "/_matrix/client/v1/appservice/{}/ping"
    bridge = client(AppservicePing(Pinged()), token="bridge")
    assert run(bridge.post(path.format("bridge"), {"transaction_id": "t"})) == (200, {"duration_ms": 7})
    assert run(bridge.post(path.format("bridge"), {})) == (200, {"duration_ms": 8})
    for refused in (
        bridge.post(path.format("other"), {}),
        client(AppservicePing(Pinged())).post(path.format("bridge"), {}),
        client(AppservicePing(None), token="bridge").post(path.format("bridge"), {}),
    ):
        status, answer = run(refused)
        assert (status, answer["errcode"]) == (403, "M_FORBIDDEN")


def test_turn_servers() -> None:
    path = f"{V3}/voip/turnServer"
    assert run(client(Voip(TurnCredentials(Turn(), FakeClock()))).get(path)) == (200, {})
    settings = Turn(uris=("turn:turn.test",), shared_secret=Secret("secret"), guests=False, ttl_seconds=60)
    calls = Voip(TurnCredentials(settings, FakeClock()))
    status, answer = run(client(calls).get(path))
    assert (status, answer["username"], answer["ttl"], answer["uris"]) == (200, "1700000060:@alice:test", 60, ["turn:turn.test"])
    assert run(client(calls, token="guest").get(path)) == (200, {})
