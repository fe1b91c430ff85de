from typing import Any

import pytest

from tests.client_api.small_parts import SmallParts
from tests.support.client import Client, run

GLOBAL = "/_matrix/client/v3/user/@alice:test/account_data"
IN_ROOM = "/_matrix/client/v3/user/@alice:test/rooms/!room:test/account_data"
UNSTABLE = "/_matrix/client/unstable/org.matrix.msc3391/user/@alice:test"
TAGS = "/_matrix/client/v3/user/@alice:test/rooms/!room:test/tags"
FILTER = "/_matrix/client/v3/user/@alice:test/filter"


@pytest.fixture
def parts() -> SmallParts:
    return SmallParts()


@pytest.fixture
def alice(parts: SmallParts) -> Client:
    return parts.client()


def errcode(answer: tuple[int, Any]) -> tuple[int, str]:
    return answer[0], answer[1]["errcode"]


@pytest.mark.parametrize("path", [GLOBAL, IN_ROOM])
def test_put_and_get(alice: Client, path: str) -> None:
    assert errcode(run(alice.get(path + "/org.example"))) == (404, "M_NOT_FOUND")
    assert run(alice.put(path + "/org.example", {"a": [1.5, None]})) == (200, {})
    assert run(alice.get(path + "/org.example")) == (200, {"a": [1.5, None]})


@pytest.mark.parametrize("path", ["/account_data/org.example", "/rooms/!room:test/account_data/org.example"])
def test_removal(alice: Client, path: str) -> None:
    stable = "/_matrix/client/v3/user/@alice:test" + path
    for method, url in (("DELETE", UNSTABLE + path), ("PUT", stable)):
        run(alice.put(stable, {"a": 1}))
        assert run(alice.json(method, url, {} if method == "PUT" else None)) == (200, {})
        assert errcode(run(alice.get(stable))) == (404, "M_NOT_FOUND")


@pytest.mark.parametrize("path", [GLOBAL, IN_ROOM])
def test_errors(parts: SmallParts, alice: Client, path: str) -> None:
    for type in ("m.fully_read", "m.push_rules"):
        assert errcode(run(alice.put(f"{path}/{type}", {}))) == (405, "M_BAD_JSON")
    assert errcode(run(alice.put(path + "/a", b"{"))) == (400, "M_NOT_JSON")
    assert errcode(run(alice.put(path + "/a", b"[]"))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.put(path + "/a%00b", {}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(parts.client("bob").put(path + "/a", {}))) == (403, "M_FORBIDDEN")
    assert errcode(run(parts.client("bob").get(path + "/a"))) == (403, "M_FORBIDDEN")
    assert errcode(run(parts.client("guest").get(path + "/a"))) == (403, "M_GUEST_ACCESS_FORBIDDEN")
    assert errcode(run(parts.client(None).get(path + "/a"))) == (401, "M_MISSING_TOKEN")
    assert errcode(run(alice.put(IN_ROOM.replace("!", "@") + "/a", {}))) == (400, "M_INVALID_PARAM")


def test_tags(parts: SmallParts, alice: Client) -> None:
    assert run(alice.get(TAGS)) == (200, {"tags": {}})
    assert run(alice.put(TAGS + "/u.work", {"order": 0.5})) == (200, {})
    assert run(alice.put(TAGS + "/m.favourite", b"")) == (200, {})
    assert run(alice.get(TAGS)) == (200, {"tags": {"u.work": {"order": 0.5}, "m.favourite": {}}})
    assert run(alice.get(IN_ROOM + "/m.tag")) == (200, {"tags": {"u.work": {"order": 0.5}, "m.favourite": {}}})
    assert run(alice.delete(TAGS + "/u.work")) == (200, {})
    assert run(alice.get(TAGS)) == (200, {"tags": {"m.favourite": {}}})
    assert errcode(run(alice.put(TAGS + "/u.work", {"order": "first"}))) == (400, "M_BAD_JSON")
    assert errcode(run(alice.put(TAGS + "/u.work", {"order": 2}))) == (400, "M_INVALID_PARAM")
    assert errcode(run(parts.client("bob").get(TAGS))) == (403, "M_FORBIDDEN")
    assert errcode(run(parts.client("bob").put(TAGS + "/a", {}))) == (403, "M_FORBIDDEN")
    assert errcode(run(parts.client("bob").delete(TAGS + "/a"))) == (403, "M_FORBIDDEN")


def test_filters(parts: SmallParts, alice: Client) -> None:
    status, answer = run(alice.post(FILTER, {"room": {"timeline": {"limit": 10}}}))
    assert status == 200
    assert run(alice.get(f"{FILTER}/{answer['filter_id']}")) == (200, {"room": {"timeline": {"limit": 10}}})
    assert errcode(run(alice.get(FILTER + "/none"))) == (404, "M_NOT_FOUND")
    assert errcode(run(alice.post(FILTER, {"room": {"timeline": []}}))) == (400, "M_BAD_JSON")
    assert errcode(run(parts.client("bob").post(FILTER, {}))) == (403, "M_FORBIDDEN")
    assert errcode(run(parts.client("bob").get(FILTER + "/none"))) == (403, "M_FORBIDDEN")
