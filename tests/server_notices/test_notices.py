"""What administrators tell people: one room for each, which cannot be refused and shows who speaks."""

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import gatherResults

from config.accounts import ServerNotices
from homeserver.control.errors import Refused
from storage.people.accounts import StoredAccounts
from tests.support.client import Client, start
from tests.support.rooms import create_room, join, member, path, refused
from tests.support.server import TestServer, make_server

NOTICES, ALICE = "@notices:test", "@alice:test"
PICTURE = "mxc://test/picture"


@pytest.fixture
def server(tmp_path: Path) -> TestServer:
    return make_server(tmp_path, server_notices=ServerNotices(name="The house", avatar_url=PICTURE))


def tell(server: TestServer, text: str, to: str | None = "alice") -> list[str]:
    return server.run(server.server.commands.run("send-notice", {"text": text, "to": to, "all": to is None}))


def rooms(server: TestServer, client: Client, kind: str) -> dict[str, Any]:
    found: dict[str, Any] = server.ok(client.get(path("sync"))).get("rooms", {}).get(kind, {})
    return found


def invitation(server: TestServer, client: Client) -> str:
    (room_id,) = rooms(server, client, "invite")
    return str(room_id)


def texts(room: Any) -> list[str]:
    return [event["content"]["body"] for event in room["timeline"]["events"] if event["type"] == "m.room.message"]


def test_a_notice_comes_with_an_invite_to_a_marked_room(server: TestServer, alice: Client) -> None:
    assert tell(server, "Hello") == ["@alice:test has been told."]
    (invite,) = rooms(server, alice, "invite").values()
    state = {event["type"]: event for event in invite["invite_state"]["events"] if event.get("state_key") == ""}
    assert state["m.room.create"]["sender"] == NOTICES
    assert (state["m.room.name"]["content"], state["m.room.avatar"]["content"]) == ({"name": "The house"}, {"url": PICTURE})
    room_id = invitation(server, alice)
    join(server, alice, room_id)
    room = rooms(server, alice, "join")[room_id]
    assert texts(room) == ["Hello"]
    assert {"type": "m.tag", "content": {"tags": {"m.server_notice": {}}}} in room["account_data"]["events"]
    assert server.ok(alice.get(path("profile", NOTICES)))["displayname"] == "The house"


def test_one_room_for_all_notices(server: TestServer, alice: Client) -> None:
    tell(server, "one")
    join(server, alice, room_id := invitation(server, alice))
    tell(server, "two")
    assert rooms(server, alice, "invite") == {}
    assert texts(rooms(server, alice, "join")[room_id]) == ["one", "two"]


def test_at_once(server: TestServer, alice: Client) -> None:
    run_command = server.server.commands.run
    tellings = [start(run_command("send-notice", {"text": str(number), "to": "alice", "all": False})) for number in range(5)]
    server.run(_all(tellings))
    join(server, alice, room_id := invitation(server, alice))
    assert sorted(texts(rooms(server, alice, "join")[room_id])) == ["0", "1", "2", "3", "4"]


async def _all(tellings: list[Any]) -> None:
    await gatherResults(tellings)


def test_the_invite_cannot_be_rejected_and_the_room_can_be_left(server: TestServer, alice: Client) -> None:
    tell(server, "one")
    room_id = invitation(server, alice)
    refused(server.run(alice.post(path("rooms", room_id, "leave"))), 403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM")
    as_state = alice.put(path("rooms", room_id, "state", "m.room.member", ALICE), {"membership": "leave"})
    refused(server.run(as_state), 403, "M_CANNOT_LEAVE_SERVER_NOTICE_ROOM")
    join(server, alice, room_id)
    server.ok(alice.post(path("rooms", room_id, "leave")))
    tell(server, "two")
    assert invitation(server, alice) == room_id
    join(server, alice, room_id)
    assert texts(rooms(server, alice, "join")[room_id])[-1] == "two"


def test_a_closed_account_leaves_it(server: TestServer, alice: Client) -> None:
    tell(server, "one")
    room_id = invitation(server, alice)
    server.run(server.server.commands.run("deactivate-user", {"name": "alice", "erase": False}))

    async def membership() -> str | None:
        return await server.database.read(lambda cursor: cursor.value("SELECT membership FROM memberships WHERE user_id = ?", ALICE))

    server.clock.advance(1)
    assert (room_id, server.run(membership())) == (room_id, "leave")
    with pytest.raises(Refused):
        tell(server, "two", to="nobody")


def test_the_tag_is_the_server_s(server: TestServer, alice: Client) -> None:
    tell(server, "one")
    room_id = invitation(server, alice)
    tag = path("user", ALICE, "rooms", room_id, "tags", "m.server_notice")
    refused(server.run(alice.delete(tag)), 403, "M_FORBIDDEN")
    other = create_room(server, alice)
    refused(server.run(alice.put(path("user", ALICE, "rooms", other, "tags", "m.server_notice"), {})), 403, "M_FORBIDDEN")


def test_one_does_not_answer(server: TestServer, alice: Client) -> None:
    tell(server, "one")
    join(server, alice, room_id := invitation(server, alice))
    answer = server.run(alice.put(path("rooms", room_id, "send", "m.room.message", "1"), {"msgtype": "m.text", "body": "Why?"}))
    refused(answer, 403, "M_FORBIDDEN")
    refused(member(server, alice, room_id, "invite", "@bob:test"), 403, "M_FORBIDDEN")


def test_who_takes_no_invites_or_is_suspended_is_told_all_the_same(server: TestServer, alice: Client) -> None:
    server.ok(alice.put(path("user", ALICE, "account_data", "m.invite_permission_config"), {"default_action": "block"}))
    server.run(StoredAccounts(server.database).set_flags(ALICE, suspended=True))
    tell(server, "You are suspended")
    room_id = invitation(server, alice)
    join(server, alice, room_id)
    assert texts(rooms(server, alice, "join")[room_id]) == ["You are suspended"]


def test_everybody(server: TestServer, alice: Client) -> None:
    bob, _ = server.user("bob"), server.user("closed")
    server.run(server.server.commands.run("deactivate-user", {"name": "closed", "erase": False}))
    server.ok(server.client.post(path("register") + "?kind=guest", {}))
    assert tell(server, "All", to=None) == ["2 have been told."]
    assert tell(server, "Again", to=None) == ["2 have been told."]
    for client in (alice, bob):
        join(server, client, room_id := invitation(server, client))
        assert texts(rooms(server, client, "join")[room_id]) == ["All", "Again"]


class TestTheSender:
    def test_its_name_is_not_given_out(self, server: TestServer) -> None:
        body = {"username": "notices", "password": "secret", "auth": {"type": "m.login.dummy"}}
        refused(server.run(server.client.post(path("register"), body)), 400, "M_USER_IN_USE")
        refused(server.run(server.client.get(path("register", "available"), {"username": "notices"})), 400, "M_USER_IN_USE")

    def test_nobody_is_spoken_for(self, server: TestServer, alice: Client) -> None:
        create = {"name": "notices", "password": "correct horse", "admin": False, "display_name": None}
        server.run(server.server.commands.run("create-user", create))
        with pytest.raises(Refused, match="somebody's account"):
            tell(server, "one")
        assert rooms(server, alice, "invite") == {}


def test_an_administrators_tool_tells_somebody(server: TestServer, alice: Client) -> None:
    place = "/_synapse/admin/v1/send_server_notice"
    admin = server.user("admin")
    server.run(StoredAccounts(server.database).set_flags("@admin:test", is_admin=True))
    body = {"user_id": ALICE, "content": {"msgtype": "m.notice", "body": "by HTTP"}}
    refused(server.run(alice.post(place, body)), 403, "M_FORBIDDEN")
    first = server.ok(admin.post(place, body))["event_id"]
    assert server.ok(admin.post(place, body))["event_id"] != first
    once = server.ok(admin.put(f"{place}/1", body))["event_id"]
    assert server.ok(admin.put(f"{place}/1", body))["event_id"] == once
    room_id = invitation(server, alice)
    join(server, alice, room_id)
    assert texts(rooms(server, alice, "join")[room_id]) == ["by HTTP"] * 3
    for wrong in ({}, {**body, "content": "text"}, {**body, "type": "m.room.name"}):
        assert server.run(admin.post(place, wrong))[0] == 400
    refused(server.run(admin.post(place, {**body, "user_id": "@nobody:test"})), 404, "M_NOT_FOUND")
