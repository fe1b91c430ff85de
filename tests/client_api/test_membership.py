"""Joining, knocking, inviting, leaving, kicking, banning."""

from pathlib import Path
from typing import Any

import pytest

from config.rate_limits import RateLimit, RateLimits
from homeserver.errors import Forbidden
from homeserver.protocol.signing import SigningKey, sign_json
from homeserver.rooms.membership import Membership
from storage.people.accounts import StoredAccounts
from tests.support.client import Client
from tests.support.rooms import create_room, join, member, path, refused, state_of
from tests.support.server import TestServer, make_server

ALICE, BOB, CHARLIE = "@alice:test", "@bob:test", "@charlie:test"


def membership_of(server: TestServer, client: Client, room_id: str, user_id: str) -> dict[str, Any]:
    return state_of(server, client, room_id)["m.room.member", user_id]


def test_join_by_id_and_by_alias(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat", room_alias_name="here")
    assert server.ok(bob.post(path("rooms", room_id, "join"), {"reason": "why not"})) == {"room_id": room_id}
    assert membership_of(server, alice, room_id, BOB)["reason"] == "why not"
    server.ok(bob.post(path("rooms", room_id, "leave"), b""))
    own = {"org.example.mood": "good", "join_authorised_via_users_server": ALICE, "membership": "ban", "displayname": "Eve"}
    server.ok(bob.post(path("join", room_id), own))
    assert membership_of(server, alice, room_id, BOB) == {"org.example.mood": "good", "membership": "join", "displayname": "bob"}
    server.ok(bob.post(path("rooms", room_id, "leave"), b""))
    assert server.ok(bob.post(path("join", "#here:test") + "?via=elsewhere&server_name=other", b"")) == {"room_id": room_id}
    assert server.ok(bob.get(path("joined_rooms"))) == {"joined_rooms": [room_id]}


def test_joins_that_are_refused(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice)
    refused(server.run(bob.post(path("join", room_id))), 403, "M_FORBIDDEN")
    refused(server.run(bob.post(path("join", "#no:test"))), 404, "M_NOT_FOUND")
    refused(server.run(bob.post(path("join", "!unknown:elsewhere"))), 404, "M_NOT_FOUND")
    refused(server.run(bob.post(path("join", "nonsense"))), 400, "M_INVALID_PARAM")
    refused(server.run(bob.post(path("join", room_id) + "?via=not%20a%20server")), 400, "M_INVALID_PARAM")


def test_guests_need_an_open_door(server: TestServer, alice: Client) -> None:
    token = server.ok(server.client.post(path("register") + "?kind=guest", {}))["access_token"]
    guest = server.client.with_token(token)
    closed = create_room(server, alice, preset="public_chat")
    refused(server.run(guest.post(path("rooms", closed, "join"))), 403, "M_GUEST_ACCESS_FORBIDDEN")
    opened = create_room(
        server, alice, preset="public_chat", initial_state=[{"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}]
    )
    server.ok(guest.post(path("rooms", opened, "join")))
    refused(server.run(guest.post(path("rooms", opened, "invite"), {"user_id": BOB})), 403, "M_GUEST_ACCESS_FORBIDDEN")
    server.ok(guest.post(path("rooms", opened, "leave")))


def test_knock_invite_join(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, initial_state=[{"type": "m.room.join_rules", "content": {"join_rule": "knock"}}])
    refused(server.run(bob.post(path("join", room_id))), 403, "M_FORBIDDEN")
    assert server.ok(bob.post(path("knock", room_id), {"reason": "please"})) == {"room_id": room_id}
    assert membership_of(server, alice, room_id, BOB)["membership"] == "knock"
    assert member(server, alice, room_id, "invite", BOB, reason="welcome") == (200, {})
    assert membership_of(server, alice, room_id, BOB)["reason"] == "welcome"
    join(server, bob, room_id)
    refused(server.run(bob.post(path("knock", room_id))), 403, "M_FORBIDDEN")


def test_a_room_that_takes_no_knocks(server: TestServer, alice: Client, bob: Client) -> None:
    refused(server.run(bob.post(path("knock", create_room(server, alice)))), 403, "M_FORBIDDEN")


def test_restricted_rooms_let_members_of_the_others_in(server: TestServer, alice: Client, bob: Client) -> None:
    space = create_room(server, alice, preset="public_chat", creation_content={"type": "m.space"})
    rules = {"join_rule": "restricted", "allow": [{"type": "m.room_membership", "room_id": space}]}
    room_id = create_room(server, alice, initial_state=[{"type": "m.room.join_rules", "content": rules}])
    refused(server.run(bob.post(path("join", room_id))), 403, "M_FORBIDDEN")
    join(server, bob, space)
    join(server, bob, room_id)
    assert membership_of(server, alice, room_id, BOB)["join_authorised_via_users_server"] == ALICE


def test_invites(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice)
    assert member(server, alice, room_id, "invite", BOB, is_direct=True) == (200, {})
    assert member(server, alice, room_id, "invite", BOB) == (200, {})
    refused(member(server, bob, room_id, "invite", CHARLIE), 403, "M_FORBIDDEN")
    refused(member(server, alice, room_id, "invite", ALICE), 403, "M_FORBIDDEN")
    refused(member(server, alice, room_id, "invite", "bob"), 400, "M_INVALID_PARAM")
    assert member(server, alice, room_id, "ban", BOB) == (200, {})
    refused(member(server, alice, room_id, "invite", BOB), 403, "M_FORBIDDEN")


def test_invites_by_third_party_identifier_take_an_identity_server(server: TestServer, alice: Client) -> None:
    room_id = create_room(server, alice)
    target = path("rooms", room_id, "invite")
    whole = {"medium": "email", "address": "a@b.c", "id_server": "id", "id_access_token": "t"}
    refused(server.run(alice.post(target, whole)), 400, "M_SERVER_NOT_TRUSTED")
    refused(server.run(alice.post(target, {"medium": "email"})), 400, "M_MISSING_PARAM")
    refused(server.run(alice.post(target, {})), 400, "M_MISSING_PARAM")


IDENTITY_KEY = SigningKey.generate(b"k" * 32, "1")


def third_party_signed(user_id: str, token: str = "t") -> dict[str, Any]:
    return sign_json({"mxid": user_id, "sender": ALICE, "token": token}, "id.example", IDENTITY_KEY)


def pending_invite(server: TestServer, alice: Client, **more: Any) -> str:
    content = {"display_name": "b...@e...", "public_key": IDENTITY_KEY.public_base64, **more}
    return create_room(server, alice, initial_state=[{"type": "m.room.third_party_invite", "state_key": "t", "content": content}])


def test_joining_on_the_strength_of_a_third_party_invite(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = pending_invite(server, alice)
    target = path("rooms", room_id, "join")
    refused(server.run(bob.post(target, {"third_party_signed": third_party_signed(CHARLIE)})), 403, "M_FORBIDDEN")
    refused(server.run(bob.post(target, {"third_party_signed": third_party_signed(BOB, "other")})), 403, "M_FORBIDDEN")
    refused(server.run(bob.post(target, {"third_party_signed": {"mxid": BOB}})), 400, "M_MISSING_PARAM")
    assert server.ok(bob.post(target, {"third_party_signed": third_party_signed(BOB)})) == {"room_id": room_id}
    assert server.ok(bob.post(target, {"third_party_signed": third_party_signed(BOB)})) == {"room_id": room_id}


def test_a_third_party_invite_whose_key_would_have_to_be_asked_for(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = pending_invite(server, alice, key_validity_url="https://id.example/valid")
    body = {"third_party_signed": third_party_signed(BOB)}
    refused(server.run(bob.post(path("rooms", room_id, "join"), body)), 400, "M_SERVER_NOT_TRUSTED")


def test_leaving(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, invite=[BOB])
    leave = path("rooms", room_id, "leave")
    assert server.run(bob.post(leave, {"reason": "no"})) == (200, {})
    assert membership_of(server, alice, room_id, BOB) == {"membership": "leave", "reason": "no"}
    assert server.run(bob.post(leave)) == (200, {})
    refused(server.run(server.user("charlie").post(leave)), 403, "M_FORBIDDEN")
    refused(server.run(bob.post(path("rooms", "!none:elsewhere", "leave"))), 404, "M_NOT_FOUND")


def test_an_invite_to_a_room_everyone_left_can_be_rejected(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, invite=[BOB])
    server.ok(alice.post(path("rooms", room_id, "leave")))
    server.ok(bob.post(path("rooms", room_id, "leave")))
    assert room_id not in server.ok(bob.get(path("sync"))).get("rooms", {}).get("invite", {})


def test_an_empty_public_room_can_be_entered_again(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    server.ok(alice.post(path("rooms", room_id, "leave")))
    join(server, bob, room_id)
    join(server, alice, room_id)


def test_forgetting(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat", invite=[BOB])
    forget = path("rooms", room_id, "forget")
    refused(server.run(alice.post(forget)), 400, "M_UNKNOWN")
    refused(server.run(bob.post(forget)), 400, "M_UNKNOWN")
    server.ok(alice.post(path("rooms", room_id, "leave")))
    server.ok(alice.post(forget, b""))
    query = {"filter": '{"room":{"include_leave":true}}'}
    assert room_id not in server.ok(alice.get(path("sync"), query)).get("rooms", {}).get("leave", {})
    join(server, alice, room_id)
    assert server.ok(alice.get(path("joined_rooms"))) == {"joined_rooms": [room_id]}


def test_kick(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    refused(member(server, alice, room_id, "kick", BOB), 403, "M_FORBIDDEN")
    join(server, bob, room_id)
    refused(member(server, bob, room_id, "kick", ALICE), 403, "M_FORBIDDEN")
    assert member(server, alice, room_id, "kick", BOB, reason="jokes") == (200, {})
    assert membership_of(server, alice, room_id, BOB) == {"membership": "leave", "reason": "jokes"}
    refused(member(server, alice, room_id, "kick", BOB), 403, "M_FORBIDDEN")
    refused(server.run(alice.post(path("rooms", room_id, "kick"), {"reason": "x"})), 400, "M_MISSING_PARAM")


def test_ban_and_unban(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat")
    refused(member(server, alice, room_id, "unban", BOB), 403, "M_BAD_STATE")
    assert member(server, alice, room_id, "ban", BOB, reason="spam") == (200, {})
    refused(server.run(bob.post(path("join", room_id))), 403, "M_FORBIDDEN")
    refused(server.run(bob.post(path("rooms", room_id, "leave"))), 403, "M_FORBIDDEN")
    assert member(server, alice, room_id, "unban", BOB) == (200, {})
    join(server, bob, room_id)
    refused(member(server, bob, room_id, "ban", ALICE), 403, "M_FORBIDDEN")


def test_a_user_who_takes_no_invites(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice)
    config = path("user", BOB, "account_data", "m.invite_permission_config")
    server.ok(bob.put(config, {"default_action": "block"}))
    refused(member(server, alice, room_id, "invite", BOB), 403, "M_INVITE_BLOCKED")
    refused(server.run(alice.post(path("createRoom"), {"invite": [BOB]})), 403, "M_INVITE_BLOCKED")
    state = path("rooms", room_id, "state", "m.room.member", BOB)
    refused(server.run(alice.put(state, {"membership": "invite"})), 403, "M_INVITE_BLOCKED")
    server.ok(bob.put(config, {}))
    assert member(server, alice, room_id, "invite", BOB) == (200, {})


def test_guests_leave_a_room_that_closes_to_them(server: TestServer, alice: Client, bob: Client) -> None:
    opened = [{"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}]
    room_id = create_room(server, alice, preset="public_chat", initial_state=opened)
    guest = server.client.with_token(server.ok(server.client.post(path("register") + "?kind=guest", {}))["access_token"])
    join(server, guest, room_id)
    join(server, bob, room_id)
    server.ok(alice.put(path("rooms", room_id, "state", "m.room.guest_access"), {"guest_access": "forbidden"}))
    assert set(server.ok(alice.get(path("rooms", room_id, "joined_members")))["joined"]) == {ALICE, BOB}


def test_one_guest_who_cannot_leave_keeps_no_other_in(server: TestServer, alice: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Banned, say, between the look and the leaving."""
    opened = [{"type": "m.room.guest_access", "content": {"guest_access": "can_join"}}]
    room_id = create_room(server, alice, preset="public_chat", initial_state=opened)
    guests = []
    for _ in range(3):
        account = server.ok(server.client.post(path("register") + "?kind=guest", {}))
        join(server, server.client.with_token(account["access_token"]), room_id)
        guests.append(account["user_id"])
    leave, first = Membership.leave, min(guests)

    async def refuse_one(self: Membership, room: str, user_id: str, reason: str | None = None) -> None:
        if user_id == first:
            raise Forbidden("The user is banned")
        await leave(self, room, user_id, reason)

    monkeypatch.setattr(Membership, "leave", refuse_one)
    server.ok(alice.put(path("rooms", room_id, "state", "m.room.guest_access"), {"guest_access": "forbidden"}))
    assert set(server.ok(alice.get(path("rooms", room_id, "joined_members")))["joined"]) == {ALICE, first}


def test_invites_and_joins_by_way_of_the_state_are_as_few_as_others(tmp_path: Path) -> None:
    server = make_server(tmp_path, rate_limits=RateLimits(invite=RateLimit(0.1, 2), join=RateLimit(0.1, 2)))
    alice, bob = server.user("alice"), server.user("bob")
    room_id, other = create_room(server, alice), create_room(server, alice, preset="public_chat")

    def put(client: Client, room: str, user_id: str, **content: Any) -> tuple[int, Any]:
        return server.run(client.put(path("rooms", room, "state", "m.room.member", user_id), content))

    assert put(alice, room_id, "@a:test", membership="invite")[0] == 200
    assert member(server, alice, room_id, "invite", "@b:test")[0] == 200
    refused(put(alice, room_id, "@c:test", membership="invite"), 429, "M_LIMIT_EXCEEDED")
    for name in ("Bob", "Robert", "Bobby"):
        assert put(bob, other, BOB, membership="join", displayname=name)[0] == 200
    server.ok(bob.post(path("rooms", other, "leave")))
    assert put(bob, other, BOB, membership="join")[0] == 200
    server.ok(bob.post(path("rooms", other, "leave")))
    refused(put(bob, other, BOB, membership="join"), 429, "M_LIMIT_EXCEEDED")
    refused(put(bob, room_id, BOB, membership="knock"), 429, "M_LIMIT_EXCEEDED")
    assert put(alice, room_id, "@a:test", membership=["invite"])[0] == 400


def test_suspended_accounts_may_only_leave(server: TestServer, alice: Client, bob: Client) -> None:
    room_id = create_room(server, alice, preset="public_chat", invite=[BOB])
    server.run(StoredAccounts(server.database).set_flags(BOB, suspended=True))
    for answer in (
        server.run(bob.post(path("join", room_id))),
        server.run(bob.post(path("knock", room_id))),
        server.run(bob.post(path("createRoom"))),
        member(server, bob, room_id, "invite", CHARLIE),
        server.run(bob.put(path("directory", "room", "#b:test"), {"room_id": room_id})),
    ):
        refused(answer, 403, "M_USER_SUSPENDED")
    server.ok(bob.post(path("rooms", room_id, "leave")))
