"""What administrators do about files, by HTTP and by the command line."""

from typing import Any

import orjson
import pytest

from homeserver.control.errors import Refused
from storage.people.accounts import StoredAccounts
from tests.client_api.media.samples import call, download, png, upload
from tests.client_api.media.test_uploads import log_in_again, place
from tests.support.client import Client
from tests.support.server import TestServer

ADMIN = "/_synapse/admin/v1"


@pytest.fixture
def admin(server: TestServer) -> Client:
    """Alice, who may administer the server from now on."""
    server.user("alice")
    server.run(StoredAccounts(server.database).set_flags("@alice:test", is_admin=True))
    return log_in_again(server)


def ask(server: TestServer, client: Client, method: str, path: str, **query: Any) -> tuple[int, Any]:
    reply = call(server, client, method, ADMIN + path, None, query)
    return reply.status, reply.body if isinstance(reply.body, dict) else orjson.loads(reply.body)


def command(server: TestServer, words: str, **arguments: Any) -> list[str]:
    return server.run(server.server.commands.run(words, {"address": None, "of": None, "no": False, **arguments}))


def test_who_is_no_administrator_does_nothing(server: TestServer, bob: Client) -> None:
    path = upload(server, bob, b"a")
    for method, target in (
        ("POST", f"/media/quarantine/{path}"),
        ("POST", f"/media/unquarantine/{path}"),
        ("POST", "/user/@bob:test/media/quarantine"),
        ("GET", f"/media/{path}"),
        ("DELETE", f"/media/{path}"),
        ("GET", "/users/@bob:test/media"),
        ("DELETE", "/users/@bob:test/media"),
        ("POST", "/purge_media_cache"),
    ):
        assert ask(server, bob, method, target)[0] == 403
        assert ask(server, server.client, method, target)[0] == 401
    assert download(server, bob, path).status == 200


def test_quarantine(server: TestServer, admin: Client, bob: Client) -> None:
    path, other = upload(server, bob, png()), upload(server, bob, b"other")
    thumbnail = {"width": 8, "height": 8}
    assert ask(server, admin, "POST", f"/media/quarantine/{path}") == (200, {})
    assert download(server, bob, path).status == 404
    assert call(server, bob, "GET", f"/_matrix/client/v1/media/thumbnail/{path}", None, thumbnail).status == 404
    assert ask(server, admin, "GET", f"/media/{path}")[1]["media_info"]["quarantined_by"] == "@alice:test"
    assert ask(server, admin, "POST", f"/media/unquarantine/{path}") == (200, {})
    assert download(server, bob, path).status == 200
    assert ask(server, admin, "POST", "/user/@bob:test/media/quarantine") == (200, {"num_quarantined": 2})
    assert [download(server, bob, each).status for each in (path, other)] == [404, 404]
    assert ask(server, admin, "POST", "/media/quarantine/test/unknown")[0] == 404
    assert ask(server, admin, "POST", "/media/quarantine/test/..")[0] == 400
    assert ask(server, admin, "POST", "/user/@unknown:test/media/quarantine")[0] == 404
    assert ask(server, admin, "POST", "/user/@bob:elsewhere/media/quarantine")[0] == 400


def test_what_somebody_has_uploaded(server: TestServer, admin: Client, bob: Client) -> None:
    paths = []
    for number in range(3):
        paths.append(upload(server, bob, b"%d" % number, "text/plain", f"{number}.txt"))
        server.clock.advance(1)
    names = [path.partition("/")[2] for path in paths]
    status, listed = ask(server, admin, "GET", "/users/@bob:test/media")
    assert (status, listed["total"], "next_token" in listed) == (200, 3, False)
    assert [found["media_id"] for found in listed["media"]] == names[::-1]
    assert (listed["media"][0]["media_length"], listed["media"][0]["upload_name"], listed["media"][0]["quarantined_by"]) == (
        1,
        "2.txt",
        None,
    )
    _, page = ask(server, admin, "GET", "/users/@bob:test/media", limit=2, order_by="created_ts")
    assert ([found["media_id"] for found in page["media"]], page["next_token"]) == (names[:2], 2)
    _, page = ask(server, admin, "GET", "/users/@bob:test/media", limit=2, order_by="created_ts", **{"from": 2})
    assert ([found["media_id"] for found in page["media"]], "next_token" in page) == (names[2:], False)
    assert ask(server, admin, "GET", "/users/@bob:test/media", order_by="media_length")[0] == 400
    assert ask(server, admin, "DELETE", "/users/@bob:test/media", limit=1) == (200, {"deleted_media": names[2:], "total": 1})
    assert ask(server, admin, "DELETE", f"/media/{paths[0]}") == (200, {"deleted_media": names[:1], "total": 1})
    assert [download(server, bob, path).status for path in paths] == [404, 200, 404]
    assert ask(server, admin, "DELETE", f"/media/{paths[0]}")[0] == 404
    assert ask(server, admin, "GET", f"/media/{paths[0]}")[0] == 404


def test_a_cache_of_nothing_is_cleared(server: TestServer, admin: Client) -> None:
    assert ask(server, admin, "POST", "/purge_media_cache", before_ts=server.clock.now_ms()) == (200, {"deleted": 0})
    assert ask(server, admin, "POST", "/purge_media_cache")[1]["errcode"] == "M_MISSING_PARAM"
    assert ask(server, admin, "POST", "/purge_media_cache", before_ts=1_700_000)[0] == 400


def test_by_the_command_line(server: TestServer, bob: Client) -> None:
    one, two = upload(server, bob, b"one", "text/plain", "one.txt"), upload(server, bob, b"two")
    announced = place(server, bob)
    lines = command(server, "list-media", name="bob")
    assert {line.partition("  ")[0] for line in lines} == {f"mxc://{path}" for path in (one, two, announced)}
    assert any(line.endswith(", text/plain, 3 bytes  one.txt") for line in lines)
    command(server, "quarantine-media", address=f"mxc://{one}")
    assert [download(server, bob, path).status for path in (one, two)] == [404, 200]
    assert any(line.endswith("in quarantine  one.txt") for line in command(server, "list-media", name="@bob:test"))
    command(server, "quarantine-media", address=f"mxc://{one}", no=True)
    assert command(server, "quarantine-media", of="bob") == ["2 uploads of @bob:test are served to nobody."]
    assert [download(server, bob, path).status for path in (one, two)] == [404, 404]
    assert command(server, "quarantine-media", of="bob", no=True) == ["2 uploads of @bob:test are served again."]
    assert command(server, "delete-media", address=f"mxc://{one}") == [f"mxc://{one} has been deleted."]
    assert [download(server, bob, path).status for path in (one, two)] == [404, 200]
    assert command(server, "delete-media", of="bob") == ["2 uploads of @bob:test have been deleted."]
    assert command(server, "list-media", name="bob") == []
    for refused in ({"address": "mxc://test/unknown"}, {"address": "nonsense"}, {"address": "mxc://test/.."}, {"of": "@bob:elsewhere"}):
        with pytest.raises(Refused):
            command(server, "delete-media", **refused)


@pytest.mark.parametrize(
    ("name", "arguments"), [("list-media", {"name": "nobody"}), ("quarantine-media", {"of": "nobody"}), ("delete-media", {"of": "nobody"})]
)
def test_the_command_line_says_who_is_unknown(name: str, arguments: dict[str, str], server: TestServer) -> None:
    with pytest.raises(Refused, match="There is no such user here"):
        command(server, name, **arguments)
