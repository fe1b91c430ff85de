"""The Authorization header between servers: every way to write it, every way to get it wrong, and that it is good for one request alone."""

import pytest

from federation.x_matrix import MalformedHeader, authorization, read, verify
from homeserver.errors import Unauthorized
from homeserver.protocol.signing import SigningKey, VerifyKey

KEY = SigningKey("ed25519:a_1", bytes(range(32)))
URI = "/_matrix/federation/v1/send/1?a=%20b&c"
BODY = b'{"a":1,"b":[]}'


def header(**changes: str) -> str:
    asked = {"origin": "a.test", "destination": "b.test:8448", "method": "PUT", "uri": URI, **changes}
    return authorization(KEY, asked["origin"], asked["destination"], asked["method"], asked["uri"], BODY)


def test_a_header_is_good_for_the_request_it_was_made_for() -> None:
    claim = read(header())
    assert claim[:3] == ("a.test", "b.test:8448", "ed25519:a_1")
    verify(claim, VerifyKey(KEY.public_key), method="PUT", uri=URI, body=BODY)


def test_a_body_counts_as_the_json_that_it_is() -> None:
    verify(read(header()), VerifyKey(KEY.public_key), method="PUT", uri=URI, body=b'{ "b": [], "a": 1 }')


def test_without_a_body_nothing_is_signed_in_its_place() -> None:
    claim = read(authorization(KEY, "a.test", "b.test", "GET", URI, None))
    verify(claim, VerifyKey(KEY.public_key), method="GET", uri=URI, body=b"")
    with pytest.raises(Unauthorized):
        verify(claim, VerifyKey(KEY.public_key), method="GET", uri=URI, body=b"{}")


@pytest.mark.parametrize(
    "changed",
    [
        {"origin": "c.test"},
        {"destination": "c.test"},
        {"method": "POST"},
        {"uri": "/_matrix/federation/v1/send/2?a=%20b&c"},
        {"uri": "/_matrix/federation/v1/send/1"},
        {"uri": "/_matrix/federation/v1/send/1?a=+b&c"},
    ],
)
def test_any_other_part_breaks_it(changed: dict[str, str]) -> None:
    signature = read(header(**changed)).signature
    claim = read(header())._replace(signature=signature)
    with pytest.raises(Unauthorized):
        verify(claim, VerifyKey(KEY.public_key), method="PUT", uri=URI, body=BODY)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"a":2,"b":[]}', b"nonsense", b'{"a":1,"a":1,"b":[]}', b'{"a":1,"b":[]}}'])
def test_any_other_body_breaks_it(body: bytes) -> None:
    with pytest.raises(Unauthorized):
        verify(read(header()), VerifyKey(KEY.public_key), method="PUT", uri=URI, body=body)


def test_a_destination_left_out_was_not_signed() -> None:
    claim = read(header())._replace(destination=None)
    with pytest.raises(Unauthorized):
        verify(claim, VerifyKey(KEY.public_key), method="PUT", uri=URI, body=BODY)


SPELLINGS = [
    'X-Matrix origin="a.test:1",destination="b.test",key="ed25519:k",sig="c2ln"',
    "X-Matrix origin=a.test:1,destination=b.test,key=ed25519:k,sig=c2ln",
    'x-matrix   Origin = "a.test:1" ,\tDESTINATION=b.test , key="ed25519:k",sig=c2ln',
    'X-MATRIX sig="c2ln",key="ed25519:k",destination="b.test",origin="a.test:1"',
    r'X-Matrix origin="\a.test\:1",destination="b.t\est",key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="a.test:1",destination="b.test",key="ed25519:k",sig="c2ln",later="a, b=\\"c\\""',
    'X-Matrix origin="a.test:1",destination="b.test",key="ed25519:k",signature="c2ln"',
    'X-Matrix origin="a.test:1",destination="b.test",key="ed25519:k",sig="c2ln", X-Matrix origin="a.test:1",key="ed25519:l",sig="bA"',
]


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_is_read_alike(spelling: str) -> None:
    assert read(spelling) == ("a.test:1", "b.test", "ed25519:k", "c2ln")


MALFORMED = [
    None,
    "",
    "X-Matrix",
    "X-Matrix ",
    'Bearer origin="a.test",key="ed25519:k",sig="c2ln"',
    'X-Matrixorigin="a.test",key="ed25519:k",sig="c2ln"',
    'X-Matrix key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="a.test",sig="c2ln"',
    'X-Matrix origin="a.test",key="ed25519:k"',
    'X-Matrix origin="a test",key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="",key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="a.test",key="",sig="c2ln"',
    'X-Matrix origin="a.test",key="ed25519:k",sig="c2ln',
    'X-Matrix origin="a.test",key="ed25519:k",sig="c2ln\\"',
    'X-Matrix origin="a.test",origin="b.test",key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="a.test" key="ed25519:k" sig="c2ln"',
    'X-Matrix origin,key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="a.test",key="ed25519:k",sig="c2ln",',
    'X-Matrix origin="a.test"x,key="ed25519:k",sig="c2ln"',
    'X-Matrix origin="a.test",key="ed25519:k",sig="c2ln",later="' + "a" * 5000 + '"',
]


@pytest.mark.parametrize("malformed", MALFORMED)
def test_what_is_no_such_header(malformed: str | None) -> None:
    with pytest.raises(MalformedHeader):
        read(malformed)
