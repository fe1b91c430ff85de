"""What every endpoint answers to whoever has no token, a wrong one, or no proper body."""

from collections.abc import Iterator

import pytest

from homeserver.web.endpoint import Access, Body, Declaration, Schema
from tests.clients.declared import Declared
from tests.clients.house import NAME, House
from tests.clients.person import Person

PARAMETERS = {
    "room_id": f"!nowhere:{NAME}",
    "event_id": "$unknown",
    "room_alias": f"%23nowhere:{NAME}",
    "room_id_or_alias": f"!nowhere:{NAME}",
    "key_name": "displayname",
    "receipt_type": "m.read",
    "stage": "m.login.dummy",
}
NEEDS_TOKEN = {Access.GUEST, Access.USER, Access.LOCKED, Access.ADMIN, Access.APPSERVICE}


@pytest.fixture(scope="module")
def declarations(tmp_path_factory: pytest.TempPathFactory) -> list[Declaration]:
    return Declared(tmp_path_factory.mktemp("declared")).declarations


def path_of(declaration: Declaration, user_id: str) -> str:
    """With something in place of each parameter."""
    parameters = PARAMETERS | {"user_id": user_id}
    segments = declaration.path.split("/")
    return "/".join(parameters.get(segment[1:-1], "x") if segment[:1] == "{" else segment for segment in segments)


def wrong(person: Person, declarations: list[Declaration], body: bytes | None, *expected: tuple[int, str]) -> Iterator[str]:
    """Endpoints whose answer is none of those expected."""
    for declaration in declarations:
        status, answer = person.exchange(declaration.method, path_of(declaration, person.user_id or f"@nobody:{NAME}"), body)
        errcode = answer.get("errcode") if isinstance(answer, dict) else answer
        if (status, errcode) not in expected:
            yield f"{declaration.method} {declaration.path}: {status} {errcode}"


def test_without_a_token(house: House, declarations: list[Declaration]) -> None:
    closed = [declaration for declaration in declarations if declaration.access in NEEDS_TOKEN]
    assert not list(wrong(house.stranger(), closed, b"{}", (401, "M_MISSING_TOKEN")))


def test_with_an_unknown_token(house: House, declarations: list[Declaration]) -> None:
    asking = [declaration for declaration in declarations if declaration.access in NEEDS_TOKEN | {Access.OPTIONAL, Access.REGISTERING}]
    stranger = Person(house.address, token="cma_nobody")
    assert not list(wrong(stranger, asking, b"{}", (401, "M_UNKNOWN_TOKEN")))


@pytest.mark.parametrize(
    ("body", "errcode"),
    [(b"{", "M_NOT_JSON"), (b"[]", "M_BAD_JSON"), (b'{"a":1e999}', "M_NOT_JSON"), (b'"text"', "M_BAD_JSON"), (b"\xff{}", "M_NOT_JSON")],
)
def test_without_a_proper_body(body: bytes, errcode: str, house: House, declarations: list[Declaration]) -> None:
    alice = house.administrator()
    reading = [d for d in declarations if isinstance(d.body, Schema) or d.body in (Body.OBJECT, Body.OPTIONAL_OBJECT)]
    open_to_alice = [declaration for declaration in reading if declaration.access is not Access.APPSERVICE]
    assert not list(wrong(alice, open_to_alice, body, (400, errcode)))
