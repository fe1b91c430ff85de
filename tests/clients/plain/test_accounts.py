"""Accounts over plain HTTP: registration in all its ways, logins, tokens, the end."""

import hashlib
import hmac

from tests.clients.house import NAME, PASSWORD, SECRET, House
from tests.clients.person import DUMMY, Person, v1, v3


def test_registration_asks_for_a_stage_first(house: House) -> None:
    stranger, name = house.stranger(), house.new_name("newcomer")
    status, asked = stranger.exchange("POST", v3("register"), {"username": name, "password": PASSWORD})
    assert status == 401
    assert {"stages": ["m.login.dummy"]} in asked["flows"]
    answer = stranger.post(v3("register"), {"auth": {**DUMMY, "session": asked["session"]}, "username": name, "password": PASSWORD})
    assert answer["user_id"] == f"@{name}:{NAME}"
    body = {"username": name, "password": PASSWORD, "auth": DUMMY}
    stranger.refused(400, "M_USER_IN_USE", "POST", v3("register"), body)
    stranger.refused(400, "M_INVALID_USERNAME", "POST", v3("register"), {**body, "username": "Ünicode"})
    stranger.refused(400, "M_WEAK_PASSWORD", "POST", v3("register"), {**body, "username": house.new_name("weak"), "password": "short"})


def test_names_are_looked_up(house: House) -> None:
    alice, stranger = house.person("alice"), house.stranger()
    taken = alice.user_id[1:].partition(":")[0]
    assert stranger.get(v3("register", "available", username=house.new_name("free"))) == {"available": True}
    stranger.refused(400, "M_USER_IN_USE", "GET", v3("register", "available", username=taken))
    stranger.refused(400, "M_INVALID_USERNAME", "GET", v3("register", "available", username="@@"))
    stranger.refused(400, "M_MISSING_PARAM", "GET", v3("register", "available"))
    assert stranger.get(v1("register", "m.login.registration_token", "validity", token="unknown")) == {"valid": False}
    stranger.refused(400, "M_MISSING_PARAM", "GET", v1("register", "m.login.registration_token", "validity"))


def test_an_account_without_a_login(house: House) -> None:
    name = house.new_name("quiet")
    body = {"username": name, "password": PASSWORD, "auth": DUMMY, "inhibit_login": True}
    answer = house.stranger().post(v3("register"), body)
    assert answer["user_id"] == f"@{name}:{NAME}"
    assert "access_token" not in answer
    person = Person(house.address, answer["user_id"])
    person.password = PASSWORD
    assert person.log_in(device_id="MINE").device_id == "MINE"


def test_guests(house: House) -> None:
    answer = house.stranger().post(v3("register", kind="guest"))
    guest = Person(house.address, answer["user_id"], answer["access_token"])
    assert guest.get(v3("account", "whoami"))["is_guest"] is True
    guest.refused(403, "M_GUEST_ACCESS_FORBIDDEN", "POST", v3("createRoom"), {})
    house.stranger().refused(400, "M_INVALID_PARAM", "POST", v3("register", kind="king"), {})


def test_tools_that_share_a_secret(house: House) -> None:
    stranger, name = house.stranger(), house.new_name("tool")
    path = "/_synapse/admin/v1/register"
    nonce = stranger.get(path)["nonce"]
    mac = hmac.new(SECRET.encode(), b"\0".join([nonce.encode(), name.encode(), PASSWORD.encode(), b"admin"]), hashlib.sha1).hexdigest()
    body = {"nonce": nonce, "username": name, "password": PASSWORD, "admin": True, "mac": mac}
    assert stranger.post(path, body)["user_id"] == f"@{name}:{NAME}"
    status, answer = stranger.exchange("POST", path, body)
    assert (status, answer["errcode"]) == (400, "M_UNKNOWN")


def test_logins(house: House) -> None:
    alice, stranger = house.person("alice"), house.stranger()
    assert "m.login.password" in [flow["type"] for flow in stranger.get(v3("login"))["flows"]]
    identifier = {"type": "m.id.user", "user": alice.user_id[1:].partition(":")[0]}
    login = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    answer = stranger.post(v3("login"), login | {"initial_device_display_name": "Phone"})
    assert answer["user_id"] == alice.user_id
    assert answer["well_known"]["m.homeserver"]["base_url"] == house.address
    stranger.refused(403, "M_FORBIDDEN", "POST", v3("login"), login | {"password": "wrong"})
    stranger.refused(403, "M_FORBIDDEN", "POST", v3("login"), login | {"identifier": {"type": "m.id.user", "user": "nobody-at-all"}})
    stranger.refused(400, "M_UNKNOWN", "POST", v3("login"), {"type": "m.login.telepathy"})
    stranger.refused(400, "M_MISSING_PARAM", "POST", v3("login"), {"type": "m.login.password", "identifier": identifier})
    stranger.refused(403, "M_FORBIDDEN", "POST", v3("login"), {"type": "m.login.token", "token": "unknown"})
    stranger.refused(401, "M_MISSING_TOKEN", "POST", v3("login"), {"type": "m.login.application_service", "identifier": identifier})


def test_a_login_by_token(house: House) -> None:
    alice = house.person("alice")
    given = alice.confirmed("POST", v1("login", "get_token"), {})
    assert given["expires_in_ms"] > 0
    token = {"type": "m.login.token", "token": given["login_token"]}
    assert house.stranger().post(v3("login"), token)["user_id"] == alice.user_id
    house.stranger().refused(403, "M_FORBIDDEN", "POST", v3("login"), token)


def test_refreshed_tokens(house: House) -> None:
    alice, stranger = house.person("alice"), house.stranger()
    identifier = {"type": "m.id.user", "user": alice.user_id}
    login = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD, "refresh_token": True}
    first = stranger.post(v3("login"), login)
    assert first["expires_in_ms"] > 0
    second = stranger.post(v3("refresh"), {"refresh_token": first["refresh_token"]})
    renewed = Person(house.address, alice.user_id, second["access_token"])
    assert renewed.get(v3("account", "whoami"))["device_id"] == first["device_id"]
    stranger.refused(401, "M_UNKNOWN_TOKEN", "POST", v3("refresh"), {"refresh_token": first["refresh_token"]})
    stranger.refused(401, "M_UNKNOWN_TOKEN", "POST", v3("refresh"), {"refresh_token": "unknown"})


def test_devices(house: House) -> None:
    alice = house.person("alice")
    phone, tablet = alice.log_in(initial_device_display_name="Phone"), alice.log_in()
    alice.put(v3("devices", tablet.device_id), {"display_name": "Tablet"})
    assert alice.get(v3("devices", tablet.device_id))["display_name"] == "Tablet"
    assert {device["device_id"] for device in alice.get(v3("devices"))["devices"]} == {one.device_id for one in (alice, phone, tablet)}
    alice.refused(404, "M_NOT_FOUND", "GET", v3("devices", "UNKNOWN"))
    alice.refused(404, "M_NOT_FOUND", "PUT", v3("devices", "UNKNOWN"), {"display_name": "x"})
    status, asked = alice.exchange("DELETE", v3("devices", phone.device_id), {})
    assert status == 401
    wrong = alice.proves(asked["session"]) | {"password": "wrong"}
    status, again = alice.exchange("DELETE", v3("devices", phone.device_id), {"auth": wrong})
    assert (status, again["errcode"], again["session"]) == (401, "M_FORBIDDEN", asked["session"])
    alice.delete(v3("devices", phone.device_id), {"auth": alice.proves(asked["session"])})
    alice.confirmed("POST", v3("delete_devices"), {"devices": [tablet.device_id, "UNKNOWN"]})
    for gone in (phone, tablet):
        assert gone.refused(401, "M_UNKNOWN_TOKEN", "GET", v3("account", "whoami"))["soft_logout"] is False
    assert len(alice.get(v3("devices"))["devices"]) == 1


def test_a_new_password(house: House) -> None:
    alice = house.person("alice")
    phone = alice.log_in()
    alice.refused(400, "M_WEAK_PASSWORD", "POST", v3("account", "password"), {"new_password": "short"})
    alice.confirmed("POST", v3("account", "password"), {"new_password": "quite another one", "logout_devices": False})
    assert phone.get(v3("account", "whoami"))["user_id"] == alice.user_id
    alice.password = "quite another one"
    alice.confirmed("POST", v3("account", "password"), {"new_password": PASSWORD})
    phone.refused(401, "M_UNKNOWN_TOKEN", "GET", v3("account", "whoami"))
    status, asked = house.stranger().exchange("POST", v3("account", "password"), {"new_password": PASSWORD})
    assert (status, [flow["stages"] for flow in asked["flows"]]) == (401, [["m.login.email.identity"]])


def test_logging_out(house: House) -> None:
    alice = house.person("alice")
    phone, tablet = alice.log_in(), alice.log_in()
    phone.post(v3("logout"))
    phone.refused(401, "M_UNKNOWN_TOKEN", "POST", v3("logout"), {})
    alice.get(v3("account", "whoami"))
    alice.post(v3("logout", "all"))
    tablet.refused(401, "M_UNKNOWN_TOKEN", "GET", v3("account", "whoami"))


def test_the_end_of_an_account(house: House) -> None:
    alice, bob = house.people("alice", "bob")
    room = alice.create_room(invite=[bob.user_id])
    bob.join(room)
    assert bob.confirmed("POST", v3("account", "deactivate"), {"erase": True})["id_server_unbind_result"] == "success"
    bob.refused(401, "M_UNKNOWN_TOKEN", "GET", v3("account", "whoami"))
    name = bob.user_id[1:].partition(":")[0]
    house.stranger().refused(400, "M_USER_IN_USE", "GET", v3("register", "available", username=name))
    house.stranger().refused(401, "M_MISSING_TOKEN", "POST", v3("account", "deactivate"), {})


def test_a_stage_in_the_browser(house: House) -> None:
    stranger = house.stranger()
    _, asked = stranger.exchange("POST", v3("register"), {"username": house.new_name("web"), "password": PASSWORD})
    status, page = stranger.exchange("GET", v3("auth", "m.login.dummy", "fallback", "web", session=asked["session"]))
    assert status == 200
    assert asked["session"] in page
    path = v3("auth", "m.login.dummy", "fallback", "web", session=asked["session"])
    status, page = stranger.exchange("POST", path, b"", **{"Content-Type": "application/x-www-form-urlencoded"})
    assert status == 200, page
    assert "<html" in page
