from typing import Any

import pytest

from homeserver.client_api.personal.profile import ProfileEndpoints
from homeserver.profiles.profiles import Profiles
from homeserver.profiles.remote import NoRemoteProfiles
from homeserver.profiles.spread import ProfileSpread
from homeserver.web.endpoint import Caller
from storage.personal.profiles import StoredProfiles
from tests.client_api.small_parts import CALLERS, SmallParts
from tests.support.client import Client, dispatch_for, run

BASES = ["/_matrix/client/v3/profile", "/_matrix/client/unstable/uk.tcpip.msc4133/profile"]
BASE = BASES[0] + "/@alice:test"


class NoMembers:
    async def update_profile(self, room_id: str, user_id: str) -> None:
        """Rooms are not part of these tests."""


@pytest.fixture
def alice() -> Client:
    parts = SmallParts()
    store = StoredProfiles(parts.database)
    spread = ProfileSpread(store, parts.members, NoMembers(), parts.clock)
    endpoints = ProfileEndpoints(Profiles(store, spread, NoRemoteProfiles(), "test"))
    tokens = {**CALLERS, "suspended": Caller("@alice:test", "A", 9, suspended=True)}
    return Client(dispatch_for(endpoints, tokens=tokens, clock=parts.clock), "alice")


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


@pytest.mark.parametrize("base", BASES)
def test_fields(alice: Client, base: str) -> None:
    anyone = alice.with_token(None)
    mine = base + "/@alice:test"
    assert run(anyone.get(mine)) == (200, {})
    assert run(alice.put(mine + "/displayname", {"displayname": "Alice"})) == (200, {})
    assert run(alice.put(mine + "/org.example.x", {"org.example.x": [1]})) == (200, {})
    assert run(anyone.get(mine)) == (200, {"displayname": "Alice", "org.example.x": [1]})
    assert run(anyone.get(mine + "/displayname")) == (200, {"displayname": "Alice"})
    assert run(alice.delete(mine + "/displayname")) == (200, {})
    assert errcode(run(anyone.get(mine + "/displayname"))) == (404, "M_NOT_FOUND")


def test_errors(alice: Client) -> None:
    assert errcode(run(alice.get(BASES[0] + "/@nobody:test"))) == (404, "M_NOT_FOUND")
    assert errcode(run(alice.get(BASES[0] + "/@bob:elsewhere/displayname"))) == (404, "M_NOT_FOUND")
    assert errcode(run(alice.get(BASES[0] + "/nonsense"))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.put(BASE + "/displayname", {}))) == (400, "M_MISSING_PARAM")
    assert errcode(run(alice.put(BASE + "/displayname", {"displayname": 1}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(alice.put(BASE + "/displayname", b"x"))) == (400, "M_NOT_JSON")
    assert errcode(run(alice.put(BASE + "/nonsense", {"nonsense": 1}))) == (400, "M_INVALID_PARAM")
    long = "a." + "b" * 300
    assert errcode(run(alice.put(f"{BASE}/{long}", {long: 1}))) == (400, "M_KEY_TOO_LARGE")
    assert errcode(run(alice.delete(f"{BASE}/{long}"))) == (400, "M_KEY_TOO_LARGE")
    assert errcode(run(alice.delete(BASE + "/nonsense"))) == (400, "M_INVALID_PARAM")
    huge = {"org.example.x": "x" * 65_536}
    assert errcode(run(alice.put(BASE + "/org.example.x", huge))) in ((400, "M_PROFILE_TOO_LARGE"), (413, "M_TOO_LARGE"))


def test_who_may_change_a_profile(alice: Client) -> None:
    name = {"displayname": "x"}
    assert errcode(run(alice.with_token("bob").put(BASE + "/displayname", name))) == (403, "M_FORBIDDEN")
    assert errcode(run(alice.with_token("bob").delete(BASE + "/displayname"))) == (403, "M_FORBIDDEN")
    assert errcode(run(alice.with_token(None).put(BASE + "/displayname", name))) == (401, "M_MISSING_TOKEN")
    assert errcode(run(alice.with_token("suspended").put(BASE + "/displayname", name))) == (403, "M_USER_SUSPENDED")
    guest = alice.with_token("guest")
    own = BASES[0] + "/@guest:test"
    assert run(guest.put(own + "/displayname", name)) == (200, {})
    assert run(guest.delete(own + "/displayname")) == (200, {})
    assert errcode(run(guest.put(own + "/avatar_url", {"avatar_url": "mxc://a/b"}))) == (403, "M_GUEST_ACCESS_FORBIDDEN")
