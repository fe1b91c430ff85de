"""The list of devices."""

from typing import Any

import pytest

from homeserver.devices.store import DeviceChange
from homeserver.streams import Change
from tests.client_api.people.test_login import LOGIN, WHOAMI, Bridge, confirm, password_login, whoami
from tests.support.accounts import People, make_people
from tests.support.client import Client, run

DEVICES = "/_matrix/client/v3/devices"
DELETE = "/_matrix/client/v3/delete_devices"


@pytest.fixture
def people() -> People:
    return make_people()


@pytest.fixture
def alice(people: People) -> Client:
    return people.user("alice", device_id="LAPTOP", device_name="My laptop")


def add(people: People, device_id: str, user: str = "alice") -> str:
    token = people.post(LOGIN, password_login(user, device_id=device_id))[1]["access_token"]
    assert isinstance(token, str)
    return token


class TestReading:
    def test_lists_one_s_own(self, people: People, alice: Client) -> None:
        add(people, "PHONE")
        people.user("bob", device_id="BOBS")
        status, body = run(alice.get(DEVICES))
        assert status == 200
        assert [device["device_id"] for device in body["devices"]] == ["LAPTOP", "PHONE"]

    def test_shows_when_it_was_last_seen(self, people: People, alice: Client) -> None:
        assert run(alice.get(f"{DEVICES}/LAPTOP")) == (
            200,
            {
                "device_id": "LAPTOP",
                "display_name": "My laptop",
                "last_seen_ts": people.clock.now_ms(),
                "last_seen_ip": "192.0.2.1",
            },
        )

    @pytest.mark.parametrize("device_id", ["PHONE", "BOBS", "%2F"])
    def test_unknown(self, people: People, alice: Client, device_id: str) -> None:
        people.user("bob", device_id="BOBS")
        for answer in (run(alice.get(f"{DEVICES}/{device_id}")), run(alice.put(f"{DEVICES}/{device_id}", {"display_name": "x"}))):
            assert (answer[0], answer[1]["errcode"]) == (404, "M_NOT_FOUND")


class TestRenaming:
    def test_changes_the_name(self, alice: Client) -> None:
        assert run(alice.put(f"{DEVICES}/LAPTOP", {"display_name": "Desk"})) == (200, {})
        assert run(alice.get(f"{DEVICES}/LAPTOP"))[1]["display_name"] == "Desk"

    def test_without_a_name_it_stays(self, alice: Client) -> None:
        assert run(alice.put(f"{DEVICES}/LAPTOP", {})) == (200, {})
        assert run(alice.get(f"{DEVICES}/LAPTOP"))[1]["display_name"] == "My laptop"
        assert run(alice.put(f"{DEVICES}/PHONE", {}))[0] == 404

    @pytest.mark.parametrize("name, errcode", [(1, "M_BAD_JSON"), ("x" * 257, "M_INVALID_PARAM"), ("a\0", "M_INVALID_PARAM")])
    def test_bad_names(self, alice: Client, name: Any, errcode: str) -> None:
        status, body = run(alice.put(f"{DEVICES}/LAPTOP", {"display_name": name}))
        assert (status, body["errcode"]) == (400, errcode)

    def test_guests_may(self, people: People) -> None:
        _, guest = people.post("/_matrix/client/v3/register", {}, {"kind": "guest"})
        client = people.client.with_token(guest["access_token"])
        assert run(client.put(f"{DEVICES}/{guest['device_id']}", {"display_name": "Tab"}))[0] == 200


class TestDeleting:
    def test_needs_the_password(self, people: People, alice: Client) -> None:
        token = add(people, "PHONE")
        status, body = run(alice.delete(f"{DEVICES}/PHONE"))
        assert status == 401
        assert {"session", "flows", "params"} <= body.keys()
        status, body = run(alice.delete(f"{DEVICES}/PHONE", {"auth": confirm("guess")}))
        assert (status, body["errcode"]) == (401, "M_FORBIDDEN")
        assert whoami(people, token)[0] == 200
        assert run(alice.delete(f"{DEVICES}/PHONE", {"auth": confirm()})) == (200, {})
        assert whoami(people, token)[0] == 401
        assert run(alice.get(f"{DEVICES}/PHONE"))[0] == 404

    def test_another_user_s_password_is_no_proof(self, people: People, alice: Client) -> None:
        people.user("bob", "bobs")
        add(people, "PHONE")
        auth = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": "@bob:test"}, "password": "bobs"}
        assert run(alice.delete(f"{DEVICES}/PHONE", {"auth": auth}))[0] == 403
        assert run(alice.get(f"{DEVICES}/PHONE"))[0] == 200

    def test_a_session_is_for_one_device(self, people: People, alice: Client) -> None:
        add(people, "PHONE")
        add(people, "TABLET")
        session = run(alice.delete(f"{DEVICES}/PHONE"))[1]["session"]
        assert run(alice.delete(f"{DEVICES}/TABLET", {"auth": {**confirm(), "session": session}}))[0] == 403
        assert run(alice.delete(f"{DEVICES}/PHONE", {"auth": {**confirm(), "session": session}}))[0] == 200

    def test_one_that_is_gone(self, alice: Client) -> None:
        assert run(alice.delete(f"{DEVICES}/GONE", {"auth": confirm()})) == (200, {})

    def test_the_one_in_use(self, alice: Client) -> None:
        assert run(alice.delete(f"{DEVICES}/LAPTOP", {"auth": confirm()}))[0] == 200
        assert run(alice.get(WHOAMI))[0] == 401

    def test_not_another_user_s(self, people: People, alice: Client) -> None:
        bob = people.user("bob", device_id="BOBS")
        run(alice.post(DELETE, {"devices": ["BOBS"], "auth": confirm()}))
        assert run(bob.get(WHOAMI))[0] == 200

    def test_several(self, people: People, alice: Client) -> None:
        tokens = [add(people, name) for name in ("PHONE", "TABLET", "WATCH")]
        body = {"devices": ["PHONE", "TABLET", "PHONE", "GONE"]}
        session = run(alice.post(DELETE, body))[1]["session"]
        other = {"devices": ["WATCH"], "auth": {**confirm(), "session": session}}
        assert run(alice.post(DELETE, other))[0] == 403
        assert run(alice.post(DELETE, {**body, "auth": {**confirm(), "session": session}})) == (200, {})
        assert [whoami(people, token)[0] for token in tokens] == [401, 401, 200]

    def test_several_with_the_session_alone(self, people: People, alice: Client) -> None:
        token = add(people, "PHONE")
        session = run(alice.post(DELETE, {"devices": ["PHONE"]}))[1]["session"]
        assert run(alice.post(DELETE, {"auth": {**confirm(), "session": session}})) == (200, {})
        assert whoami(people, token)[0] == 401

    def test_none_and_malformed(self, alice: Client) -> None:
        assert run(alice.post(DELETE, {"devices": [], "auth": confirm()})) == (200, {})
        assert run(alice.post(DELETE, {}))[1]["errcode"] == "M_MISSING_PARAM"
        assert run(alice.post(DELETE, {"devices": "PHONE"}))[1]["errcode"] == "M_BAD_JSON"
        assert run(alice.post(DELETE, {"devices": [1]}))[1]["errcode"] == "M_BAD_JSON"

    def test_is_announced(self, people: People, alice: Client) -> None:
        add(people, "PHONE")
        seen: list[Change] = []
        people.streams.subscribe(seen.extend)
        run(alice.delete(f"{DEVICES}/PHONE", {"auth": confirm()}))
        kinds = {change.kind: change for change in seen}
        assert kinds["device"].user_id == "@alice:test"
        assert kinds["device"].subject == DeviceChange(("PHONE",), removed=True)
        assert kinds["token"].user_id == "@alice:test"


class TestAppservices:
    @pytest.fixture
    def ghosts(self) -> Client:
        bridge = Bridge()
        people = make_people(names=bridge, appservices=bridge)
        return people.client.with_token(Bridge.token)

    def test_make_rename_and_delete_without_auth(self, ghosts: Client) -> None:
        bob = {"user_id": "@_irc_bob:test"}
        assert run(ghosts.put(f"{DEVICES}/GHOST", {"display_name": "Ghost"}, bob)) == (201, {})
        assert run(ghosts.put(f"{DEVICES}/GHOST", {"display_name": "New"}, bob)) == (200, {})
        assert run(ghosts.put(f"{DEVICES}/GHOST", {}, bob)) == (200, {})
        assert run(ghosts.get(f"{DEVICES}/GHOST", bob))[1]["display_name"] == "New"
        assert run(ghosts.delete(f"{DEVICES}/GHOST", None, bob)) == (200, {})
        assert run(ghosts.get(f"{DEVICES}/GHOST", bob))[0] == 404
        run(ghosts.put(f"{DEVICES}/GHOST", {}, bob))
        assert run(ghosts.post(DELETE, {"devices": ["GHOST"]}, bob)) == (200, {})

    def test_bad_ids(self, ghosts: Client) -> None:
        status, body = run(ghosts.put(f"{DEVICES}/{'x' * 513}", {}))
        assert (status, body["errcode"]) == (400, "M_INVALID_PARAM")
