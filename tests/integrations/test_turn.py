"""Credentials for a TURN server: made for one user and one time, or told as they are."""

from config.outgoing import Turn
from config.secret import Secret
from homeserver.integrations.turn import TurnCredentials
from tests.support.clock import FakeClock

URIS = ("turn:turn.example.org?transport=udp", "turns:turn.example.org")


def credentials(**settings: object) -> TurnCredentials:
    return TurnCredentials(Turn(**{"uris": URIS, **settings}), FakeClock())  # type: ignore[arg-type]  # settings of every kind


def test_made_from_the_shared_secret() -> None:
    """The password is what `printf '1700086400:@alice:test' | openssl dgst -sha1 -hmac secret -binary | base64` gives."""
    assert credentials(shared_secret=Secret("secret")).of("@alice:test", is_guest=False) == {
        "username": "1700086400:@alice:test",
        "password": "W4wSoRQ2asx2GMFgQ5d7WhoiNkM=",
        "ttl": 86_400,
        "uris": list(URIS),
    }


def test_told_as_they_are() -> None:
    found = credentials(username="all", password=Secret("the same")).of("@alice:test", is_guest=False)
    assert found is not None
    assert (found["username"], found["password"]) == ("all", "the same")


def test_for_whom_there_are_none() -> None:
    assert credentials().of("@alice:test", is_guest=False) is None
    assert credentials(uris=(), shared_secret=Secret("secret")).of("@alice:test", is_guest=False) is None
    closed = credentials(shared_secret=Secret("secret"), guests=False)
    assert closed.of("@guest:test", is_guest=True) is None
    assert closed.of("@alice:test", is_guest=False) is not None
