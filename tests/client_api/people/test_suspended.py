"""What a suspended account may do and what it may not: each endpoint that changes something is on one of two lists.

Client-server API, "Account suspension".
"""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from homeserver.web.endpoint import Access
from homeserver.web.router import Route
from tests.support.client import Client
from tests.support.rooms import create_room, join
from tests.support.server import make_server

ALICE, BOB = "@alice:test", "@bob:test"
TO_BOB = {"user_id": BOB}
SAID = {"msgtype": "m.text", "body": "no"}
# To a body that would do.
FORBIDDEN: dict[tuple[str, str], Any] = {
    ("POST", "/_matrix/client/v3/account/3pid/delete"): {"medium": "email", "address": "alice@example.org"},
    ("POST", "/_matrix/client/v3/createRoom"): {},
    ("PUT", "/_matrix/client/v3/directory/list/room/{room_id}"): {"visibility": "public"},
    ("DELETE", "/_matrix/client/v3/directory/room/{room_alias}"): None,
    ("PUT", "/_matrix/client/v3/directory/room/{room_alias}"): {"room_id": "!room:test"},
    ("POST", "/_matrix/client/v3/join/{room_id_or_alias}"): {},
    ("POST", "/_matrix/client/v3/knock/{room_id_or_alias}"): {},
    ("PUT", "/_matrix/client/v3/presence/{user_id}/status"): {"presence": "online", "status_msg": "no"},
    ("DELETE", "/_matrix/client/v3/profile/{user_id}/{key_name}"): None,
    ("PUT", "/_matrix/client/v3/profile/{user_id}/{key_name}"): {"displayname": "no"},
    ("POST", "/_matrix/client/v3/rooms/{room_id}/ban"): TO_BOB,
    ("POST", "/_matrix/client/v3/rooms/{room_id}/invite"): TO_BOB,
    ("POST", "/_matrix/client/v3/rooms/{room_id}/join"): {},
    ("POST", "/_matrix/client/v3/rooms/{room_id}/kick"): TO_BOB,
    ("PUT", "/_matrix/client/v3/rooms/{room_id}/redact/{event_id}/{txn_id}"): {},  # an event of somebody else
    ("PUT", "/_matrix/client/v3/rooms/{room_id}/send/{event_type}/{txn_id}"): SAID,
    ("PUT", "/_matrix/client/v3/rooms/{room_id}/state/{event_type}"): {"name": "no"},
    ("PUT", "/_matrix/client/v3/rooms/{room_id}/state/{event_type}/"): {"name": "no"},
    ("PUT", "/_matrix/client/v3/rooms/{room_id}/state/{event_type}/{state_key}"): {"name": "no"},
    ("PUT", "/_matrix/client/v3/rooms/{room_id}/typing/{user_id}"): {"typing": True},
    ("POST", "/_matrix/client/v3/rooms/{room_id}/unban"): TO_BOB,
    ("POST", "/_matrix/client/v3/rooms/{room_id}/upgrade"): {"new_version": "11"},
    ("POST", "/_matrix/media/v1/create"): None,
    ("POST", "/_matrix/media/v3/upload"): b"no",
    ("PUT", "/_matrix/media/v3/upload/{server_name}/{media_id}"): b"no",
}
# One's own account, devices, keys and settings; what is read; what is left and reported.
ALLOWED = {
    "/_matrix/client/v1/login/get_token",
    "/_matrix/client/v3/account/3pid",
    "/_matrix/client/v3/account/3pid/add",
    "/_matrix/client/v3/account/3pid/bind",
    "/_matrix/client/v3/account/3pid/email/requestToken",
    "/_matrix/client/v3/account/3pid/msisdn/requestToken",
    "/_matrix/client/v3/account/3pid/unbind",
    "/_matrix/client/v3/account/deactivate",
    "/_matrix/client/v3/account/password",
    "/_matrix/client/v3/delete_devices",
    "/_matrix/client/v3/devices/{device_id}",
    "/_matrix/client/v3/keys/claim",
    "/_matrix/client/v3/keys/device_signing/upload",
    "/_matrix/client/v3/keys/query",
    "/_matrix/client/v3/keys/signatures/upload",
    "/_matrix/client/v3/keys/upload",
    "/_matrix/client/v3/publicRooms",
    "/_matrix/client/v3/pushers/set",
    "/_matrix/client/v3/pushrules/global/{kind}/{rule_id}",
    "/_matrix/client/v3/pushrules/global/{kind}/{rule_id}/actions",
    "/_matrix/client/v3/pushrules/global/{kind}/{rule_id}/enabled",
    "/_matrix/client/v3/register",
    "/_matrix/client/v3/room_keys/keys",
    "/_matrix/client/v3/room_keys/keys/{room}",
    "/_matrix/client/v3/room_keys/keys/{room}/{session}",
    "/_matrix/client/v3/room_keys/version",
    "/_matrix/client/v3/room_keys/version/{version}",
    "/_matrix/client/v3/rooms/{room_id}/forget",
    "/_matrix/client/v3/rooms/{room_id}/leave",
    "/_matrix/client/v3/rooms/{room_id}/read_markers",
    "/_matrix/client/v3/rooms/{room_id}/receipt/{receipt_type}/{event_id}",
    "/_matrix/client/v3/rooms/{room_id}/report",
    "/_matrix/client/v3/rooms/{room_id}/report/{event_id}",
    "/_matrix/client/v3/search",
    "/_matrix/client/v3/sendToDevice/{event_type}/{txn_id}",
    "/_matrix/client/v3/user/{user_id}/account_data/{type}",
    "/_matrix/client/v3/user/{user_id}/filter",
    "/_matrix/client/v3/user/{user_id}/openid/request_token",
    "/_matrix/client/v3/user/{user_id}/rooms/{room_id}/account_data/{type}",
    "/_matrix/client/v3/user/{user_id}/rooms/{room_id}/tags/{tag}",
    "/_matrix/client/v3/user_directory/search",
    "/_matrix/client/v3/users/{user_id}/report",
}


class World:
    """Alice, suspended, is in Bob's room, in which both said something."""

    def __init__(self, directory: Path) -> None:
        self.server = server = make_server(directory)
        self.alice, self.bob = server.user("alice"), server.user("bob")
        self.room = create_room(server, self.bob, preset="public_chat")
        join(server, self.alice, self.room)
        self.mine, self.his = self.say(self.alice), self.say(self.bob)
        server.run(server.server.commands.run("suspend-user", {"name": "alice", "no": False}))

    def say(self, client: Client) -> str:
        path = f"/_matrix/client/v3/rooms/{quote(self.room)}/send/m.room.message/1"
        event: str = self.server.ok(client.put(path, SAID))["event_id"]
        return event

    def path(self, declared: str) -> str:
        parameters = {
            "room_id": self.room,
            "room_id_or_alias": self.room,
            "event_id": self.his,
            "user_id": ALICE,
            "room_alias": "#room:test",
            "server_name": "test",
            "key_name": "displayname",
            "event_type": "m.room.name",
        }
        segments = declared.split("/")
        return "/".join(quote(parameters.get(segment[1:-1], "x"), safe="") if segment[:1] == "{" else segment for segment in segments)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("suspended"))


def test_every_endpoint_is_on_a_list(world: World) -> None:
    routes: list[Route] = world.server.server.doors[0].dispatch.router.routes
    asking = {Access.OPTIONAL, Access.REGISTERING, Access.GUEST, Access.USER}
    declared = {
        (declaration.method, declaration.path)
        for declaration in (route.declaration for route in routes)
        if declaration.method != "GET" and declaration.access in asking and "/unstable/" not in declaration.path
    }
    assert {operation for operation in declared if operation[1] not in ALLOWED} == set(FORBIDDEN)
    assert {path for _, path in declared} >= ALLOWED


@pytest.mark.parametrize(("method", "path"), FORBIDDEN)
def test_forbidden(world: World, method: str, path: str) -> None:
    status, answer = world.server.run(world.alice.json(method, world.path(path), FORBIDDEN[method, path]))
    assert (status, answer["errcode"]) == (403, "M_USER_SUSPENDED")


def test_what_is_one_s_own_is_taken_back(world: World) -> None:
    path = f"/_matrix/client/v3/rooms/{quote(world.room)}/redact/{quote(world.mine, safe='')}/r1"
    world.server.ok(world.alice.put(path, {}))
    world.server.ok(world.alice.put(f"/_matrix/client/v3/rooms/{quote(world.room)}/state/m.room.member/{ALICE}", {"membership": "leave"}))
