"""No password and no token is logged, shown by a repr, or stored as it is (the database is looked at in tests/client_api/test_tokens.py)."""

from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from homeserver.accounts.interactive_auth import Attempt
from homeserver.accounts.register import Wish
from tests.support.accounts import make_people
from tests.support.client import run

MARK = "marked-secret"


@implementer(ILogObserver)
class Everything:
    def __init__(self) -> None:
        self.events: list[LogEvent] = []

    def __call__(self, event: LogEvent) -> None:
        self.events.append(event)


def test_a_session_leaves_no_secret_in_the_logs() -> None:
    said_to = Everything()
    globalLogPublisher.addObserver(said_to)
    try:
        people = make_people()
        register = {"username": "alice", "password": MARK, "auth": {"type": "m.login.dummy"}, "refresh_token": True}
        _, first = people.post("/_matrix/client/v3/register", register)
        refresh = {"refresh_token": first["refresh_token"]}
        _, second = people.post("/_matrix/client/v3/refresh", refresh)
        run(people.client.with_token(second["access_token"]).get("/_matrix/client/v3/account/whoami"))
        assert people.post("/_matrix/client/v3/refresh", refresh)[0] == 401
        people.post("/_matrix/client/v3/login", {"type": "m.login.password", "user": "alice", "password": f"{MARK}-wrong"})
    finally:
        globalLogPublisher.removeObserver(said_to)
    said = "\n".join(formatEvent(event) + repr(event) for event in said_to.events)
    assert "replaced refresh token" in said
    for secret in (MARK, first["access_token"], first["refresh_token"], second["access_token"], second["refresh_token"]):
        assert secret not in said


def test_reprs() -> None:
    wish = Wish("alice", MARK, None, None, log_in=True, refreshable=False)
    attempt = Attempt("POST", "/x", {"password": MARK}, "192.0.2.1", None)
    people = make_people()
    grant, login = people.issuer.log_in("@alice:test", None, None, refreshable=True)
    shown = repr((wish, attempt, grant, login))
    assert MARK not in shown
    assert grant.access_token not in shown
    assert str(grant.refresh_token) not in shown
