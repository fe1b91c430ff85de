"""E-mail addresses over plain HTTP and a real mail server: proven, added, used to log in, to register and to come to a new password."""

import re
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.clients.house import PASSWORD, House
from tests.clients.person import Person, v3
from tests.mail.mailbox import text_of

SECRET = "a.client-secret_1"
LINK = re.compile(r"https?://\S+")


def link_of(letter: EmailMessage) -> str:
    found = LINK.search(text_of(letter))
    assert found is not None
    parts = urlsplit(found[0])
    return f"{parts.path}?{parts.query}"


def ask(person: Person, place: tuple[str, ...], address: str, **more: Any) -> Any:
    body = {"client_secret": SECRET, "email": address, "send_attempt": 1, **more}
    return person.post(v3(*place, "email", "requestToken"), body)


def open_link(person: Person, letter: EmailMessage) -> None:
    for method in ("GET", "POST"):
        assert person.exchange(method, link_of(letter))[0] == 200


def prove(house: House, person: Person, place: tuple[str, ...], address: str, **more: Any) -> str:
    answer = ask(person, place, address, **more)
    open_link(house.stranger(), house.mailbox.to(address))
    return str(answer["sid"])


def creds(sid: str) -> dict[str, Any]:
    return {"type": "m.login.email.identity", "threepid_creds": {"sid": sid, "client_secret": SECRET}}


def test_an_address_of_an_account(house: House) -> None:
    alice, stranger = house.person("alice"), house.stranger()
    address = f"{house.new_name('alice')}@example.org"
    assert alice.get(v3("capabilities"))["capabilities"]["m.3pid_changes"] == {"enabled": True}
    assert alice.get(v3("account", "3pid")) == {"threepids": []}
    sid = prove(house, alice, ("account", "3pid"), address)
    alice.confirmed("POST", v3("account", "3pid", "add"), {"sid": sid, "client_secret": SECRET})
    (found,) = alice.get(v3("account", "3pid"))["threepids"]
    assert (found["medium"], found["address"]) == ("email", address)
    refused = stranger.exchange("POST", v3("account", "3pid", "email", "requestToken"), {"email": address})
    assert refused[0] == 400
    identifier = {"type": "m.id.thirdparty", "medium": "email", "address": address}
    login = {"type": "m.login.password", "identifier": identifier, "password": PASSWORD}
    assert stranger.post(v3("login"), login)["user_id"] == alice.user_id
    gone = {"medium": "email", "address": address}
    for last in ("unbind", "delete"):
        assert alice.post(v3("account", "3pid", last), gone) == {"id_server_unbind_result": "no-support"}
    assert alice.get(v3("account", "3pid")) == {"threepids": []}


def test_by_a_code_and_not_by_an_identity_server(house: House) -> None:
    alice = house.person("alice")
    address = f"{house.new_name('alice')}@example.org"
    asked = ask(alice, ("account", "3pid"), address)
    token = parse_qs(urlsplit(link_of(house.mailbox.to(address))).query)["token"][0]
    submit = urlsplit(asked["submit_url"]).path
    assert alice.post(submit, {"sid": asked["sid"], "client_secret": SECRET, "token": token}) == {"success": True}
    service = {"sid": asked["sid"], "client_secret": SECRET, "id_server": "id.example.org", "id_access_token": "token"}
    alice.refused(403, "M_THREEPID_AUTH_FAILED", "POST", v3("account", "3pid"), {"three_pid_creds": service})
    alice.refused(400, "M_SERVER_NOT_TRUSTED", "POST", v3("account", "3pid", "bind"), service)


def test_registering_with_an_address(house: House) -> None:
    stranger, name = house.stranger(), house.new_name("eve")
    address = f"{name}@example.org"
    sid = prove(house, stranger, ("register",), address)
    answer = stranger.post(v3("register"), {"username": name, "password": PASSWORD, "auth": creds(sid)})
    eve = Person(house.address, answer["user_id"], answer["access_token"])
    assert eve.get(v3("account", "3pid"))["threepids"][0]["address"] == address
    sid = prove(house, stranger, ("account", "password"), address, client_secret=SECRET)
    assert stranger.post(v3("account", "password"), {"new_password": "another password", "auth": creds(sid)}) == {}
    login = {"type": "m.login.password", "identifier": {"type": "m.id.user", "user": name}, "password": "another password"}
    assert stranger.post(v3("login"), login)["user_id"] == eve.user_id
    eve.refused(401, "M_UNKNOWN_TOKEN", "GET", v3("account", "whoami"))


def test_no_text_messages_are_sent(house: House) -> None:
    phone = {"client_secret": SECRET, "country": "DE", "phone_number": "030123456", "send_attempt": 1}
    for place in (("register",), ("account", "password"), ("account", "3pid")):
        house.stranger().refused(400, "M_THREEPID_MEDIUM_NOT_SUPPORTED", "POST", v3(*place, "msisdn", "requestToken"), phone)
