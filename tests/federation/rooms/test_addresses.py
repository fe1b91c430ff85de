"""Invites to addresses across servers: whoever has the proof of an identity server is invited by the server that issued the invite."""

from typing import Any

import pytest

from federation.client import v1
from homeserver.protocol.signing import SigningKey, sign_json
from tests.federation.support.asking import ask
from tests.federation.support.shared import membership, synced
from tests.federation.support.town import Town
from tests.support.client import Client
from tests.support.rooms import create_room, path, refused

ALICE, BOB, CAROL = "@alice:a.test", "@bob:b.test", "@carol:a.test"
KEY = SigningKey("ed25519:0", bytes(range(32)))
ON_BIND = "/_matrix/federation/v1/3pid/onbind"
Setting = tuple[Town, Client, Client, str]


@pytest.fixture
def setting(town: Town) -> Setting:
    """A private room of alice's, to which she invited an address."""
    alice, bob = town.user("a.test", "alice"), town.user("b.test", "bob")
    content = {"display_name": "b…", "key_validity_url": "", "public_key": KEY.public_base64, "public_keys": []}
    pending = {"type": "m.room.third_party_invite", "state_key": "t", "content": content}
    return town, alice, bob, create_room(town["a.test"], alice, preset="private_chat", initial_state=[pending])


def signed(user_id: str, **more: str) -> dict[str, Any]:
    return sign_json({"mxid": user_id, "token": "t", **more}, "id.example", KEY)


def exchange(setting: Setting, proof: Any, **changes: Any) -> tuple[int, Any]:
    town, _, _, room_id = setting
    content = {"membership": "invite", "third_party_invite": {"display_name": "b…", "signed": proof}}
    event = {"type": "m.room.member", "room_id": room_id, "sender": ALICE, "state_key": BOB, "content": content, **changes}
    return ask(town, v1("exchange_third_party_invite", room_id), method="PUT", body=event)


def bound(setting: Setting, server: str, user_id: str, proof: Any, sender: str = ALICE) -> tuple[int, Any]:
    town, _, _, room_id = setting
    invite = {"medium": "email", "address": "b@example.org", "mxid": user_id, "room_id": room_id, "sender": sender, "signed": proof}
    body = {"medium": "email", "address": "b@example.org", "mxid": user_id, "invites": [7, {}, invite]}
    return town[server].run(town[server].client.put(ON_BIND, body))


def test_the_server_that_issued_an_invite_exchanges_it(setting: Setting) -> None:
    town, alice, bob, room_id = setting
    assert exchange(setting, signed(BOB)) == (200, {})
    assert room_id in synced(town, "b.test", bob)["invite"]
    assert membership(town, "a.test", alice, room_id, BOB) == "invite"
    assert exchange(setting, signed(BOB)) == (200, {})  # once is enough
    town["b.test"].ok(bob.post(path("join", room_id)))


def test_what_proves_nothing_invites_nobody(setting: Setting) -> None:
    town, alice, _, room_id = setting
    forged = {**signed(BOB), "signatures": signed(CAROL)["signatures"]}
    assert exchange(setting, forged)[0] == 403
    assert exchange(setting, {**signed(BOB), "token": "other"})[0] == 403
    for proof in (signed(CAROL), None, {}, {"mxid": BOB}, {"mxid": BOB, "token": "t"}):
        assert exchange(setting, proof)[0] == 400
    others: tuple[dict[str, Any], ...] = ({"state_key": "bob"}, {"content": {}}, {"type": "m.room.name"}, {"room_id": "!other:a.test"})
    for changes in others:
        assert exchange(setting, signed(BOB), **changes)[0] == 400
    assert membership(town, "a.test", alice, room_id, BOB) is None


def test_an_identity_server_tells_what_invites_an_address_has(setting: Setting) -> None:
    town, alice, bob, room_id = setting
    carol = town.user("a.test", "carol")
    assert bound(setting, "b.test", BOB, signed(BOB, sender=ALICE)) == (200, {})
    assert room_id in synced(town, "b.test", bob)["invite"]
    assert bound(setting, "a.test", CAROL, signed(CAROL)) == (200, {})
    assert room_id in synced(town, "a.test", carol)["invite"]
    assert membership(town, "a.test", alice, room_id, CAROL) == "invite"
    refused(bound(setting, "a.test", BOB, signed(BOB)), 400, "M_INVALID_PARAM")
    refused(bound(setting, "b.test", "@nobody:b.test", signed("@nobody:b.test")), 404, "M_NOT_FOUND")
    refused(town["b.test"].run(town["b.test"].client.put(ON_BIND, {"mxid": BOB, "invites": []})), 400, "M_MISSING_PARAM")
    assert bound(setting, "b.test", BOB, signed(BOB), sender="@x:gone.test") == (200, {})


def test_who_has_the_proof_joins_with_it(setting: Setting) -> None:
    town, alice, bob, room_id = setting
    joined = town.run(bob.post(path("join", room_id), {"third_party_signed": signed(BOB, sender=ALICE)}))
    assert joined == (200, {"room_id": room_id})
    assert membership(town, "a.test", alice, room_id, BOB) == "join"
